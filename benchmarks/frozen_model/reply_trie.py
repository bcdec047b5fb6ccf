"""Trie of the replies that a model may give: what has to be read to tell the probability of each.

Only tokens down to the last fork are read: what follows it is certain.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

ROOT = -1
"""The conversation's last token, as a node's parent."""


class Fork(NamedTuple):
    """A place where replies part."""

    node: int
    """Its last token: a place in the trie, or `ROOT`."""
    tokens: list[int]
    """That may come next."""


class ReplyTrie(NamedTuple):
    """Tokens of all replies, those that replies share once."""

    tokens: list[int]
    parents: list[int]
    """Place of the token before, or `ROOT`; always an earlier place."""
    depths: list[int]
    """From 1."""
    forks: list[Fork]
    paths: list[list[tuple[int, int]]]
    """For each reply: the forks that it passes, and which of their tokens it takes."""


def trie_of(replies: Sequence[Sequence[int]]) -> ReplyTrie:
    """The trie of replies, none of which begins another.

    Args:
        replies: as tokens, each once.
    """
    trie = ReplyTrie([], [], [], [], [[] for _ in replies])
    _grow(trie, replies, list(range(len(replies))), ROOT, 0)
    return trie


def _grow(trie: ReplyTrie, replies: Sequence[Sequence[int]], alive: list[int], node: int, depth: int) -> None:
    """Add what follows a node that several replies pass through."""
    if len(alive) < 2:
        return
    by_token: dict[int, list[int]] = {}
    for reply in alive:
        by_token.setdefault(replies[reply][depth], []).append(reply)
    if len(by_token) > 1:
        for taken, passing in enumerate(by_token.values()):
            for reply in passing:
                trie.paths[reply].append((len(trie.forks), taken))
        trie.forks.append(Fork(node, list(by_token)))
    for token, passing in by_token.items():
        if len(passing) > 1:
            trie.tokens.append(token)
            trie.parents.append(node)
            trie.depths.append(depth + 1)
            _grow(trie, replies, passing, len(trie.tokens) - 1, depth + 1)


def reply_probabilities(trie: ReplyTrie, logits: Sequence[Sequence[float]], temperature: float) -> list[float]:
    """Probability of each reply when it is decoded token by token with every other token ruled out.

    Args:
        trie: of the replies.
        logits: of each fork's tokens.
        temperature: above 0.
    """
    shares = [_softmax([one / temperature for one in row]) for row in logits]
    return [math.prod(shares[fork][taken] for fork, taken in path) for path in trie.paths]


def _softmax(row: Sequence[float]) -> list[float]:
    top = max(row)
    weights = [math.exp(one - top) for one in row]
    whole = sum(weights)
    return [one / whole for one in weights]
