"""Rows that did not pass their checks: told once, recorded in the ledger, and left out of everything from then on."""

import threading
from collections.abc import Sequence
from typing import NamedTuple

_MAX_KEY = 80


class DamagedRow(NamedTuple):
    """A stored row that failed its checks."""

    table: str
    key: str
    """Its offset, or the columns of its primary key."""
    namespace: str
    """Value of its namespace column; empty where there is none or it cannot be read."""
    reason: str


def kept_key(key: str) -> str:
    """A damaged row's key as the ledger can keep it, whatever stands in it."""
    return key.encode("ascii", "backslashreplace").decode()[:_MAX_KEY]


class SetAside:
    """Damaged rows that one process has found. May be used from every thread of the ledger."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[tuple[str, str]] = set()
        self._unrecorded: list[DamagedRow] = []
        self._n_untold = 0

    def know(self, rows: Sequence[tuple[str, str]]) -> None:
        """Mark rows as recorded already, so that they are not reported again."""
        with self._lock:
            self._known.update(rows)

    def note(self, row: DamagedRow) -> None:
        """Add a damaged row; repeated calls for the same row change nothing."""
        with self._lock:
            if (row.table, row.key) not in self._known:
                self._known.add((row.table, row.key))
                self._unrecorded.append(row)
                self._n_untold += 1

    @property
    def unrecorded(self) -> list[DamagedRow]:
        """Damaged rows that the ledger has not recorded yet."""
        with self._lock:
            return list(self._unrecorded)

    def recorded(self, rows: Sequence[DamagedRow]) -> None:
        """Mark rows as recorded now; vectors were deleted, and are reported again if damaged again."""
        with self._lock:
            self._unrecorded = [row for row in self._unrecorded if row not in rows]
            self._known -= {(row.table, row.key) for row in rows if row.table == "vectors"}

    def forget(self, rows: Sequence[tuple[str, str]]) -> None:
        """These pass again; should they be damaged anew, that is news."""
        with self._lock:
            self._known.difference_update(rows)

    def take_notices(self) -> list[str]:
        """Take the notices for the next reader; empty when there is nothing new."""
        with self._lock:
            n_rows, self._n_untold = self._n_untold, 0
        if not n_rows:
            return []
        rows = "1 damaged row" if n_rows == 1 else f"{n_rows} damaged rows"
        return [f"{rows} of the ledger will be left out from now on; `memento doctor` lists what is set aside"]
