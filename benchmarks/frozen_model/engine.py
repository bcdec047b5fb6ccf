"""The packaged SmolLM2-135M in PyTorch, decoding among a finite number of replies.

On two cores, bfloat16 matrices read a prompt several times as fast as llama.cpp reads the 4-bit file, and nearly all of
this experiment's time goes into reading prompts. The weights are those of the same file.
"""

import hashlib
import multiprocessing
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_KEPT = 50_000


class FrozenWeights:
    """Readers of prompts, each a process with one thread and weights of its own; any number of threads may ask.

    One prompt over several threads would be slower, they wait for each other after every matrix; and a reader in this
    process would stand in line with everything else for the interpreter.
    """

    def __init__(self, path: Path, *, readers: int = 2) -> None:
        """Start the readers, which load the weights when first asked.

        Args:
            path: a GGUF file.
            readers: how many prompts are read at a time.
        """
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # waiting threads would take the cores from the rest
        self._lock = threading.Lock()
        self._readers = ProcessPoolExecutor(
            readers, mp_context=multiprocessing.get_context("spawn"), initializer=_load, initargs=(path,)
        )
        self._known: OrderedDict[str, NDArray[np.float64]] = OrderedDict()
        self._tokenizer = tokenizer_of(path)
        self.n_prompts = 0
        self.n_tokens = 0
        """Prompts read and their tokens, those left out that were known."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        """Stop the readers."""
        self._readers.shutdown(cancel_futures=True)

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text, in which special tokens are taken as such."""
        found: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    def decode(self, prompt: str, replies: Sequence[str], *, sampling_seed: int | None = None) -> tuple[str, int]:
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
            weight_A = self._next(alive[0][1][:n], allowed)
            place = int(np.argmax(weight_A)) if sampling_seed is None else _drawn(weight_A, sampling_seed, prompt, n)
            alive = [(reply, ids) for reply, ids in alive if ids[n] == allowed[place]]
        return alive[0][0], len(own)

    def _next(self, ids: list[int], allowed: list[int]) -> NDArray[np.float64]:
        """Probabilities of the allowed tokens among themselves, shape (A,). Frozen, so the same is read once."""
        key = hashlib.sha256(np.array([*ids, -1, *allowed]).tobytes()).hexdigest()
        with self._lock:
            if key in self._known:
                return self._known[key]
        weight_A = np.array(self._readers.submit(_read, ids, allowed).result())
        with self._lock:
            self.n_prompts += 1
            self.n_tokens += len(ids)
            self._known[key] = weight_A
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return weight_A


def tokenizer_of(path: Path) -> Any:
    """The tokenizer that a GGUF file holds."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)


_reader: dict[str, Any] = {}
"""Of a reader's process: its model, and the cache of what it read last."""


def _load(path: Path) -> None:
    os.environ |= {"TQDM_DISABLE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    import torch
    from transformers import AutoModelForCausalLM, DynamicCache

    torch.set_num_threads(1)
    model: Any = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.bfloat16)
    _reader.update(model=model.eval(), cache=DynamicCache(config=model.config), ids=[])


def _read(ids: list[int], allowed: list[int]) -> list[float]:
    """Prompts begin alike; what this one has in common with the one before is not read again."""
    import torch

    cache, before = _reader["cache"], _reader["ids"]
    n = _common([before, ids[:-1]])
    if n < len(before):
        cache.crop(n - len(before))  # a negative number: so many tokens less
    _reader["ids"] = ids
    with torch.inference_mode():
        rest = torch.tensor([ids[n:]])
        logit_V = _reader["model"](rest, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[0, -1]
        weight: list[float] = torch.softmax(logit_V[allowed].double(), 0).tolist()
    return weight


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
