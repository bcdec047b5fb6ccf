"""Reads conversations that grow: keys and values of what was read are kept, and only what is new is read.

Attention reads a conversation part by part, each in blocks of its own: so its numbers are the same whether what came
before was kept or had to be read again, and whatever is read beside it. All replies that may follow are read with the
last part, as a trie. That part only asks: the next step begins with all before it.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional

from benchmarks.frozen_model.attention import attended_block, attended_text
from benchmarks.frozen_model.engine import Conversation
from benchmarks.frozen_model.reader import BatchReader
from benchmarks.frozen_model.reply_trie import ROOT, ReplyTrie, trie_of

_TOGETHER = 4
"""Conversations in one pass."""
_LAST = 2
"""Parts of a conversation read in one pass at its end: what is new since the step before, and what asks."""
_KEPT_BYTES = 2 << 30


class _Kept(NamedTuple):
    """Keys and values of each layer."""

    key_GTD: list[torch.Tensor]
    value_GTD: list[torch.Tensor]

    @property
    def n_bytes(self) -> int:
        return sum(one.nbytes for one in (*self.key_GTD, *self.value_GTD))

    def until(self, end: int) -> "_Kept":
        """Those of the first tokens."""
        return _Kept([one[:, :end] for one in self.key_GTD], [one[:, :end] for one in self.value_GTD])


_NOTHING = _Kept([], [])


class _Piece(NamedTuple):
    """What one pass reads of a conversation: a part, or the last two."""

    ids: list[int]
    ends: list[int]
    """Where its parts end, in `ids`."""
    n_before: int
    before: _Kept
    trie: ReplyTrie

    @property
    def tokens(self) -> list[int]:
        return [*self.ids, *self.trie.tokens]

    @property
    def places(self) -> list[int]:
        """Of the tokens, in the conversation."""
        n = self.n_before + len(self.ids)
        return [*range(self.n_before, n), *(n - 1 + depth for depth in self.trie.depths)]

    def hidden(self) -> torch.Tensor:
        """Which tokens of the trie each of them does not see: all but those that lead to it."""
        n = len(self.trie.tokens)
        hidden_TT = torch.ones(n, n, dtype=torch.bool)
        for place, parent in enumerate(self.trie.parents):
            if parent != ROOT:
                hidden_TT[place] = hidden_TT[parent]
            hidden_TT[place, place] = False
        return hidden_TT


@dataclass
class _Reading:
    """A conversation that is being read."""

    asked: Conversation
    trie: ReplyTrie
    kept: _Kept
    n_read: int
    logits: list[list[float]] = field(default_factory=list)

    def next_piece(self) -> _Piece:
        unread = [end for end in self.asked.ends if end > self.n_read]
        ends = unread if len(unread) <= _LAST else unread[:1]
        return _Piece(
            self.asked.ids[self.n_read : ends[-1]],
            [end - self.n_read for end in ends],
            self.n_read,
            self.kept,
            self.trie if len(ends) == len(unread) else trie_of([]),
        )


class ConversationReader(BatchReader):
    """SmolLM2, or another Llama that ties its embeddings, for one thread."""

    def __init__(self, model: Any, *, kept_bytes: int = _KEPT_BYTES) -> None:
        """Take the weights over.

        Args:
            model: a `LlamaForCausalLM` with weights of 32 bits.
            kept_bytes: how much of what was read is kept; what was not used for longest goes first.
        """
        super().__init__(model)
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._kept_bytes = kept_bytes
        self._n_bytes = 0
        self.n_tokens = 0
        """Tokens read so far."""

    def converse(self, conversations: Sequence[Conversation]) -> list[list[list[float]]]:
        """Logits of the tokens at each fork of the replies' trie, for each conversation."""
        with torch.inference_mode():
            readings = [self._begin(one) for one in conversations]
            while waiting := [one for one in readings if one.n_read < len(one.asked.ids)]:
                for start in range(0, len(waiting), _TOGETHER):
                    self._read_pieces(waiting[start : start + _TOGETHER])
        for one in conversations:
            for end in one.ends[1:-2]:  # its next step grows from all but the last part, and others from the first
                self._forget(_name(one.ids[:end]))
        self._drop()
        return [one.logits for one in readings]

    def _begin(self, asked: Conversation) -> _Reading:
        """The longest beginning that is kept."""
        trie = trie_of(asked.replies)
        for end in reversed(asked.ends[:-1]):
            kept = self._kept.get(name := _name(asked.ids[:end]))
            if kept is not None:
                self._kept.move_to_end(name)
                return _Reading(asked, trie, kept, end)
        return _Reading(asked, trie, _NOTHING, 0)

    def _read_pieces(self, readings: Sequence[_Reading]) -> None:
        pieces = [one.next_piece() for one in readings]
        states, kept = self._pass(pieces)
        for reading, piece, state_TI, now in zip(readings, pieces, states, kept, strict=True):
            for end in piece.ends:
                reading.n_read = piece.n_before + end
                if reading.n_read < len(reading.asked.ids):
                    reading.kept = now.until(reading.n_read)
                    self._keep(_name(reading.asked.ids[: reading.n_read]), reading.kept)
            self.n_tokens += len(piece.tokens)
            n_ids = len(piece.ids)
            reading.logits = [
                (self._embedding_VI[fork.tokens] @ state_TI[n_ids + fork.node]).tolist() for fork in piece.trie.forks
            ]

    def _pass(self, pieces: Sequence[_Piece]) -> tuple[list[torch.Tensor], list[_Kept]]:
        """Normalised states after the tokens of each piece; keys and values of each conversation up to there."""
        lengths = [len(piece.tokens) for piece in pieces]
        hidden = [piece.hidden() for piece in pieces]
        whole = [_Kept([], []) for _ in pieces]
        place_T = torch.tensor([place for piece in pieces for place in piece.places])
        angle_T1D = (place_T[:, None] * self._rate_D)[:, None]
        turn_T1D = angle_T1D.cos(), angle_T1D.sin()
        value_TI = self._embedding_VI[torch.tensor([token for piece in pieces for token in piece.tokens])]
        for number, layer in enumerate(self._layers):
            mixed_TO = layer.attended(self._normed(value_TI, layer.before_attention_I))
            query_THD, key_TGD, value_TGD = self._heads(mixed_TO, turn_T1D)
            new = zip(query_THD.split(lengths), key_TGD.split(lengths), value_TGD.split(lengths), strict=True)
            seen = []
            for piece, hidden_TT, mine, (query, key, value) in zip(pieces, hidden, whole, new, strict=True):
                key_GTD, value_GTD = key.transpose(0, 1), value.transpose(0, 1)
                if piece.n_before:
                    key_GTD = torch.cat([piece.before.key_GTD[number], key_GTD], 1)
                    value_GTD = torch.cat([piece.before.value_GTD[number], value_GTD], 1)
                mine.key_GTD.append(key_GTD)
                mine.value_GTD.append(value_GTD)
                seen += _seen(query.transpose(0, 1), key_GTD, value_GTD, piece.ends, hidden_TT)
            value_TI = value_TI + layer.out(torch.cat(seen))
            gate_TO, up_TO = layer.gated(self._normed(value_TI, layer.before_mlp_I)).chunk(2, 1)
            value_TI = value_TI + layer.down(functional.silu(gate_TO).mul_(up_TO))
        return list(self._normed(value_TI, self._last_I).split(lengths)), whole

    def _keep(self, name: bytes, kept: _Kept) -> None:
        self._forget(name)
        self._kept[name] = kept
        self._n_bytes += kept.n_bytes

    def _forget(self, name: bytes) -> None:
        gone = self._kept.pop(name, None)
        if gone is not None:
            self._n_bytes -= gone.n_bytes

    def _drop(self) -> None:
        while self._n_bytes > self._kept_bytes and len(self._kept) > 1:
            self._forget(next(iter(self._kept)))


def _seen(
    query_HTD: torch.Tensor,
    key_GTD: torch.Tensor,
    value_GTD: torch.Tensor,
    ends: Sequence[int],
    hidden_TT: torch.Tensor,
) -> list[torch.Tensor]:
    """Attention of a piece's parts and of its trie, apart: what one gives must not depend on another's length."""
    n_before = key_GTD.shape[1] - query_HTD.shape[1]
    seen = [
        attended_text(query_HTD[:, start:end], key_GTD[:, : n_before + end], value_GTD[:, : n_before + end])
        for start, end in pairwise([0, *ends])
    ]
    if len(hidden_TT):
        seen.append(attended_block(query_HTD[:, ends[-1] :], key_GTD, value_GTD, hidden_TT))
    return seen


def _name(ids: Sequence[int]) -> bytes:
    return hashlib.blake2b(np.asarray(ids, np.int32).tobytes(), digest_size=16).digest()
