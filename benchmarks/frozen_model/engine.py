"""The packaged SmolLM2-135M in PyTorch, decoding among a finite number of replies.

Nearly all of this experiment's time goes into reading prompts. So prompts that wait are read together (reader.py), and
what was read once is kept in a file (readings.py), for other arms, orders and runs. The weights are those of the
product's own file.
"""

import asyncio
import hashlib
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.frozen_model.readings import Readings
from benchmarks.frozen_model.reply_trie import reply_probabilities, trie_of
from memento.memory.coalescer import Coalescer
from memento.worker_processes import end_with_parent

Probabilities = tuple[float, ...]
T = TypeVar("T")
R = TypeVar("R")


class Conversation(NamedTuple):
    """A conversation up to where a reply begins."""

    ids: list[int]
    ends: list[int]
    """Where its parts end, ascending; the last is its length. The last part asks, and is read anew at each step."""
    replies: list[list[int]]
    """What may follow, as tokens; none begins another."""


class _Prompt(NamedTuple):
    ids: list[int]
    allowed: list[int]
    n_shared: int
    """Number of tokens of the system message: other prompts begin with it too."""


class FrozenWeights:
    """Readers of prompts, each a process with one thread and weights of its own.

    One prompt over several threads would be slower, they wait for each other after every matrix; and a reader in this
    process would stand in line with everything else for the interpreter.
    """

    def __init__(self, path: Path, *, readers: int = 2, readings: Path | None = None) -> None:
        """Start the readers, which load the weights when first asked.

        Args:
            path: a GGUF file.
            readers: how many batches of prompts are read at a time.
            readings: where what is read is kept, and looked up first; None keeps it in memory only.
        """
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # waiting threads would take the cores from the rest
        spawn = multiprocessing.get_context("spawn")
        self._readers = [
            ProcessPoolExecutor(1, mp_context=spawn, initializer=_load, initargs=(path,)) for _ in range(readers)
        ]
        self._lines = [Coalescer(partial(self._batch, reader, _read)) for reader in self._readers]
        self._talks = [Coalescer(partial(self._batch, reader, _converse)) for reader in self._readers]
        self._readings = Readings(readings)
        self._tokenizer = tokenizer_of(path)
        (self._end_of_turn,) = self.tokens("<|im_end|>")
        self.n_prompts = 0
        self.n_tokens = 0
        """Prompts read and their tokens, those left out that were known."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        """Stop the readers."""
        for reader in self._readers:
            reader.shutdown(cancel_futures=True)
        self._readings.close()

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text, in which special tokens are taken as such."""
        found: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    async def decode(self, prompt: str, replies: Sequence[str], *, sampling_seed: int | None = None) -> tuple[str, int]:
        """One of the replies, decoded token by token with every other token ruled out.

        Args:
            prompt: what the model reads.
            replies: what it may say.
            sampling_seed: None takes the likeliest token each time; a seed draws each at temperature 1.

        Returns:
            The reply and the number of prompt tokens.
        """
        own = self.tokens(prompt)
        alive = [(reply, [*own, *self.tokens(reply)]) for reply in replies]
        while len(alive) > 1:
            n = _common([ids for _, ids in alive])
            allowed = list(dict.fromkeys(ids[n] for _, ids in alive))
            weight_A = np.array(await self._next(alive[0][1][:n], allowed))
            place = int(np.argmax(weight_A)) if sampling_seed is None else _drawn(weight_A, sampling_seed, prompt, n)
            alive = [(reply, ids) for reply, ids in alive if ids[n] == allowed[place]]
        return alive[0][0], len(own)

    async def _next(self, ids: list[int], allowed: list[int]) -> Probabilities:
        """Probabilities of the allowed tokens among themselves, A of them. Frozen, so the same is read once."""
        key = _digest([*ids, -1, *allowed])
        known = self._readings.get(key)
        if known is None:
            n_shared = ids.index(self._end_of_turn) + 1 if self._end_of_turn in ids[:-1] else 0
            known = await self._lines[int(key[:8], 16) % len(self._lines)](_Prompt(ids, allowed, n_shared))
            self._readings.add(key, known)
            self.n_prompts += 1
            self.n_tokens += len(ids)
        return known

    async def choose(
        self, parts: Sequence[str], replies: Sequence[str], *, temperature: float, sampling_seed: int
    ) -> tuple[str, int]:
        """One of the replies to a conversation that grows, drawn as if it were decoded token by token.

        Args:
            parts: of the conversation, two at least, up to where the reply begins. The first begins others, too; the
                last asks, and its next step has the same parts up to there.
            replies: what may be said, none the beginning of another.
            temperature: of the draw.
            sampling_seed: the same draws the same reply to the same conversation.

        Returns:
            The reply and the number of tokens of the conversation.
        """
        tokens = [self.tokens(part) for part in parts]
        ids = [one for part in tokens for one in part]
        if len(replies) == 1:
            return replies[0], len(ids)
        asked = [self.tokens(reply) for reply in replies]
        ends = np.cumsum([len(part) for part in tokens]).tolist()
        key = _digest([-3, *ends, *ids, *(one for reply in asked for one in (-1, *reply))]) + f"@{temperature:g}"
        known = self._readings.get(key)
        if known is None:
            line = int(_digest(tokens[0] + tokens[1])[:8], 16) % len(self._talks)
            logits = await self._talks[line](Conversation(ids, ends, asked))
            known = tuple(float(f"{one:.5g}") for one in reply_probabilities(trie_of(asked), logits, temperature))
            self._readings.add(key, known)
            self.n_prompts += 1
            self.n_tokens += len(tokens[-2]) + len(tokens[-1])
        return replies[_drawn(np.array(known), sampling_seed, "".join(parts), len(ids))], len(ids)

    async def _batch(
        self, reader: ProcessPoolExecutor, work: Callable[[list[T]], list[R]], asked: Sequence[T]
    ) -> list[R]:
        return await asyncio.get_running_loop().run_in_executor(reader, work, list(asked))


def tokenizer_of(path: Path) -> Any:
    """The tokenizer that a GGUF file holds."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)


_reader: dict[str, Any] = {}
"""Of a reader's process: its `ConversationReader`, which reads whole prompts, too."""


def _load(path: Path) -> None:
    end_with_parent()
    os.environ |= {"TQDM_DISABLE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    import torch
    from transformers import AutoModelForCausalLM

    from benchmarks.frozen_model.conversations import ConversationReader

    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    _reader["reader"] = ConversationReader(model)


def _read(prompts: list[_Prompt]) -> list[Probabilities]:
    """Read prompts in batches of those that begin alike, in the order of the prompts."""
    by_beginning: dict[tuple[int, ...], list[int]] = {}
    for place, prompt in enumerate(prompts):
        by_beginning.setdefault(tuple(prompt.ids[: prompt.n_shared]), []).append(place)
    found: dict[int, Probabilities] = {}
    for beginning, places in by_beginning.items():
        ids, allowed = [prompts[one].ids for one in places], [prompts[one].allowed for one in places]
        found |= zip(places, _reader["reader"].read(ids, allowed, n_shared=len(beginning)), strict=True)
    return [found[place] for place in range(len(prompts))]


def _converse(conversations: list[Conversation]) -> list[list[list[float]]]:
    """Logits at each fork of the replies to each conversation."""
    found: list[list[list[float]]] = _reader["reader"].converse(conversations)
    return found


def _digest(numbers: Sequence[int]) -> str:
    return hashlib.sha256(np.array(numbers).tobytes()).hexdigest()


def _common(sequences: Sequence[Sequence[int]]) -> int:
    """Length of the longest common beginning."""
    n = 0
    for tokens in zip(*sequences, strict=False):
        if len(set(tokens)) > 1:
            return n
        n += 1
    return n


def _drawn(weight_A: NDArray[np.float64], seed: int, prompt: str, n: int) -> int:
    material = hashlib.sha256(f"{seed} {n} {prompt}".encode()).digest()
    return int(np.random.default_rng(int.from_bytes(material[:8])).choice(len(weight_A), p=weight_A / weight_A.sum()))
