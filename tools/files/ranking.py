"""Which passages of one text answer a question: BM25 over an index in memory, made for one call."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from memento.tools.files.passages import query_expression

_SCHEMA: Final = "CREATE VIRTUAL TABLE passage USING fts5 (body, tokenize = 'porter unicode61 remove_diacritics 2')"


def best_passages(texts: Sequence[str], query: str, *, max_chars: int) -> list[int]:
    """Choose the passages that match a query best, as many as there is room for.

    Args:
        texts: passages, such as `passages()` cuts.
        query: keywords or a question; any word may match.
        max_chars: the chosen ones have no more characters than this together; the best one is chosen all the same.

    Returns:
        Positions in `texts`, ascending; none when no word matches.
    """
    expression = query_expression(query)
    if not expression:
        return []
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.execute(_SCHEMA)
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO passage (rowid, body) VALUES (?, ?)", enumerate(texts))
        rows = connection.execute("SELECT rowid FROM passage WHERE passage MATCH ? ORDER BY rank", (expression,))
        chosen: list[int] = []
        for (position,) in rows:
            max_chars -= len(texts[position])
            if max_chars < 0 and chosen:
                break
            chosen.append(position)
    finally:
        connection.close()
    return sorted(chosen)
