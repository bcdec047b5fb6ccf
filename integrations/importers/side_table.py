"""What one pass over an export leaves for the next: scores and tool calls by the run that they belong to.

It is a private temporary database of SQLite, in memory while it is small and in a nameless file when it is not, so
that an export of many gigabytes is joined in little memory and nothing stays behind.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from memento.integrations.importers.conversations import MAX_STEPS
from memento.memory.case import storable

_SCHEMA: Final = """
CREATE TABLE scores (id TEXT PRIMARY KEY, owner TEXT, key TEXT, value REAL, label TEXT, comment TEXT, spread REAL)
    WITHOUT ROWID;
CREATE INDEX scores_of ON scores (owner);
CREATE TABLE steps (owner TEXT, place TEXT, text TEXT, PRIMARY KEY (owner, place, text)) WITHOUT ROWID;
CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class SourceScore(NamedTuple):
    """One score that a source has of one run or trace."""

    id: str
    """Unique; a later one of the same id replaces it."""
    owner: str
    """The run or trace."""
    key: str
    """Its name."""
    value: float | None
    label: str = ""
    """Of a categorical score."""
    comment: str = ""
    spread: float | None = 0.0
    """Standard deviation, where the value is a mean of several; None when that is not known."""


class SideTable:
    """Scores and steps of an export, by owner. Used by one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._spans: dict[str, tuple[float, float]] | None = None

    def add_score(self, score: SourceScore) -> None:
        """Keep a score."""
        kept = [storable(one) if isinstance(one, str) else one for one in score]
        self._db.execute("INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?)", kept)

    def scores(self, owner: str) -> list[SourceScore]:
        """Scores of an owner, by key and id."""
        rows = self._db.execute("SELECT * FROM scores WHERE owner = ? ORDER BY key, id", (storable(owner),))
        return [SourceScore(*row) for row in rows]

    def score_names(self) -> list[str]:
        """Names of all scores."""
        return [key for (key,) in self._db.execute("SELECT DISTINCT key FROM scores ORDER BY key")]

    def spans(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest value of each key in the whole export; ask when all scores are in."""
        if self._spans is None:
            query = "SELECT key, min(value), max(value) FROM scores WHERE value IS NOT NULL GROUP BY key"
            self._spans = {key: (low, high) for key, low, high in self._db.execute(query)}
        return self._spans

    def add_step(self, owner: str, place: str, text: str) -> None:
        """Keep a tool call.

        Args:
            owner: the run or trace.
            place: orders the calls of an owner.
            text: of the call.
        """
        self._db.execute(
            "INSERT OR IGNORE INTO steps VALUES (?, ?, ?)", (storable(owner), storable(place), storable(text))
        )

    def steps(self, owner: str) -> tuple[list[str], int]:
        """The first tool calls of an owner, in order, and how many there are."""
        owner = storable(owner)
        (n_steps,) = self._db.execute("SELECT count(*) FROM steps WHERE owner = ?", (owner,)).fetchone()
        query = "SELECT text FROM steps WHERE owner = ? ORDER BY place LIMIT ?"
        return [text for (text,) in self._db.execute(query, (owner, MAX_STEPS))], n_steps

    def note(self, name: str) -> bool:
        """Note a name; False where it was noted before."""
        return self._db.execute("INSERT OR IGNORE INTO seen VALUES (?)", (storable(name),)).rowcount > 0

    def is_noted(self, name: str) -> bool:
        """Whether a name was noted."""
        return self._db.execute("SELECT 1 FROM seen WHERE id = ?", (storable(name),)).fetchone() is not None


@contextmanager
def side_table() -> Iterator[SideTable]:
    """An empty table, gone at the end."""
    connection = sqlite3.connect("", check_same_thread=False, isolation_level=None)
    try:
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")  # never committed: nothing of it is kept
        yield SideTable(connection)
    finally:
        connection.close()
