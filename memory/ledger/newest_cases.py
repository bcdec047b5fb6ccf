"""Newest revisions of cases by id, checked once and kept in memory for as long as the change feed has nothing newer."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import bindparam, exists, func, select

from memento.memory.case import Case
from memento.memory.ledger import schema
from memento.memory.ledger.prepared import Among, Prepared
from memento.memory.ledger.rows import CASES, CheckedConnection

MAX_KEPT: Final = 16_384
"""Maximum number of cases kept; about 50 MB where texts are short."""

MAX_KEPT_CHARS: Final = 16 << 20
"""Maximum number of characters of their texts, which bounds the memory where texts are long."""

_MAX_CHANGES = 1_000
"""After more changes than this, everything is read again."""

_REVISIONS = schema.case_revisions
_LATER = _REVISIONS.alias("later")
# By offset, not by version: that is a column which may be damaged.
IS_NEWEST = ~exists().where(_LATER.c.case_id == _REVISIONS.c.case_id, _LATER.c.offset > _REVISIONS.c.offset)
"""Whether a revision is the newest of its case."""

NEWEST_OFFSET = Prepared(select(func.max(_REVISIONS.c.offset)))
"""Offset of the newest revision of any case."""

_CHANGED = Prepared(
    select(_REVISIONS.c.offset, _REVISIONS.c.case_id)
    .where(_REVISIONS.c.offset > bindparam("after"))
    .order_by(_REVISIONS.c.offset)
    .limit(_MAX_CHANGES + 1)
)
_NEWEST = Prepared(select(*CASES.columns).where(Among(_REVISIONS.c.case_id, "ids"), IS_NEWEST))
# By id alone: with a namespace beside it, SQLite's planner takes the index of that, and reads all of its cases.


class NewestCases:
    """A cache of checked cases, for every thread of one ledger. Damaged rows are never kept."""

    def __init__(self, *, limit: int = MAX_KEPT, max_chars: int = MAX_KEPT_CHARS) -> None:
        """Start empty.

        Args:
            limit: how many cases are kept.
            max_chars: of all their texts.
        """
        self._limit, self._max_chars, self._n_chars = limit, max_chars, 0
        self._lock = threading.Lock()
        self._cases: OrderedDict[str, Case] = OrderedDict()
        self._offset: int | None = None

    def find(self, connection: CheckedConnection, ids: Iterable[str], *, namespace: str) -> dict[str, Case]:
        """Newest readable revisions of those of these cases that the namespace has, erased ones included; by id.

        Args:
            connection: where what is not kept is read.
            ids: of cases.
            namespace: whose.
        """
        return self.find_at(connection, ids, namespace=namespace)[0]

    def find_at(
        self, connection: CheckedConnection, ids: Iterable[str], *, namespace: str
    ) -> tuple[dict[str, Case], int]:
        """The same with the offset at which they were the newest."""
        offset, found, missing = self._follow(connection), dict[str, Case](), list[str]()
        with self._lock:
            for case_id in dict.fromkeys(ids):
                if (case := self._cases.get(case_id)) is None:
                    missing.append(case_id)
                elif case.namespace == namespace:
                    self._cases.move_to_end(case_id)
                    found[case_id] = case
        if missing:
            rows = _NEWEST.rows(connection, ids=missing)
            read = {case.id: case for case in connection.records_in(CASES, rows)}
            found |= {case.id: case for case in read.values() if case.namespace == namespace}
            self._keep(read, offset)
        return found, offset

    def changed_since(self, connection: CheckedConnection, ids: Iterable[str], offset: int) -> bool:
        """Whether one of these cases has a revision after an offset."""
        if offset == self._follow(connection):
            return False
        newer = _CHANGED.rows(connection, after=offset)
        return len(newer) > _MAX_CHANGES or not {row[1] for row in newer}.isdisjoint(ids)

    def in_memory(self, ids: Sequence[str], *, namespace: str) -> tuple[dict[str, Case], int] | None:
        """These cases and the offset at which they were the newest, if all are kept; asks no database."""
        with self._lock:
            found = {case_id: case for case_id in ids if (case := self._cases.get(case_id)) is not None}
            if self._offset is None or len(found) < len(set(ids)):
                return None
            return {case_id: case for case_id, case in found.items() if case.namespace == namespace}, self._offset

    def _follow(self, connection: CheckedConnection) -> int:
        """Drop what has changed since the last call, and return the feed's newest offset.

        Rows become visible in the order of their offsets, so nothing comes late before the newest.
        """
        after = self._offset
        changed = [] if after is None else _CHANGED.rows(connection, after=after)
        is_all = after is not None and len(changed) <= _MAX_CHANGES
        newest: int = changed[-1][0] if changed else after or 0
        if not is_all:
            newest = NEWEST_OFFSET.scalar(connection) or 0
        with self._lock:
            if not is_all:
                self._cases.clear()
                self._n_chars = 0
            for _, case_id in changed:
                if (old := self._cases.pop(case_id, None)) is not None:
                    self._n_chars -= _n_chars(old)
            self._offset = max(newest, self._offset or 0)
        return newest

    def _keep(self, cases: dict[str, Case], offset: int) -> None:
        with self._lock:
            if offset != self._offset:  # another thread has seen changes since: these may be of before them
                return
            for case_id, case in cases.items():
                if case_id not in self._cases:
                    self._cases[case_id] = case
                    self._n_chars += _n_chars(case)
            while len(self._cases) > self._limit or self._n_chars > self._max_chars:
                self._n_chars -= _n_chars(self._cases.popitem(last=False)[1])


def _n_chars(case: Case) -> int:
    return len(case.state) + len(case.action) + len(case.answer) + len(case.lesson)
