"""Ranks the passages of one text for a query: BM25 over an in-memory index."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Final

from memento.tools.files.passages import query_expression

_SCHEMA: Final = "CREATE VIRTUAL TABLE passage USING fts5 (body, tokenize = 'porter unicode61 remove_diacritics 2')"
_NEIGHBOUR: Final = 0.2
"""How much of a passage's score its neighbours have too: an answer often stands beside the words of its question."""


def match_scores(texts: Sequence[str], query: str) -> dict[int, float]:
    """Score the passages that match a query, and their neighbours.

    Args:
        texts: passages in the order of their text, such as `passages()` cuts.
        query: keywords or a question; any word may match.

    Returns:
        Scores above 0 by position in `texts`; empty when no word matches.
    """
    expression = query_expression(query)
    if not expression:
        return {}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(_SCHEMA)
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO passage (rowid, body) VALUES (?, ?)", enumerate(texts))
        found = connection.execute("SELECT rowid, -rank FROM passage WHERE passage MATCH ?", (expression,)).fetchall()
    own: dict[int, float] = dict(found)
    near = {position + step for position in own for step in (-1, 0, 1)} & set(range(len(texts)))
    return {
        position: own.get(position, 0.0) + _NEIGHBOUR * max(own.get(position - 1, 0.0), own.get(position + 1, 0.0))
        for position in near
    }


def best_passages(texts: Sequence[str], query: str, *, max_chars: int) -> list[int]:
    """Choose the best-matching passages that fit.

    Args:
        texts: passages in the order of their text.
        query: keywords or a question.
        max_chars: the chosen ones have no more characters than this together; the best one is chosen all the same.

    Returns:
        Positions in `texts`, ascending; none when no word matches.
    """
    scores = match_scores(texts, query)
    chosen: list[int] = []
    for position in sorted(scores, key=lambda position: (-scores[position], position)):
        if len(texts[position]) <= max_chars or not chosen:
            chosen.append(position)
            max_chars -= len(texts[position])
    return sorted(chosen)
