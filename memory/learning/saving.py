"""When snapshots are due, and their writing beside the reads, which wait for nothing but the collecting."""

import asyncio
import logging
from pathlib import Path

from memento.memory.errors import MementoError
from memento.memory.learning.snapshot import Snapshot, save_snapshot
from memento.memory.ledger.reads import LedgerViews
from memento.memory.loop_lock import is_over

_LOG = logging.getLogger(__name__)

_LEAST_NEWS, _NEWS_SHARE, _MOST_NEWS = 64, 1 / 8, 4096
"""A snapshot is due when there is an eighth more than in the last one: writing all of them costs nine times the last,
and a kill loses an eighth of the learning, but at most 4,096 outcomes, which are learned again in seconds."""
_NEWS_SHARE_AT_CLOSE = 1 / 128
"""Share of what was learned that is worth a snapshot at close; less is learned again sooner than all is written."""


def is_due(n_outcomes: int, n_saved: int) -> bool:
    """Whether a snapshot is due, with these outcomes learned and those in the last one."""
    return n_outcomes - n_saved >= min(max(_LEAST_NEWS, _NEWS_SHARE * n_saved), _MOST_NEWS)


def is_worth_it(n_outcomes: int, n_saved: int) -> bool:
    """Whether what is new is worth a snapshot when nothing more will come."""
    return n_outcomes - n_saved > _NEWS_SHARE_AT_CLOSE * n_outcomes


class SnapshotWriter:
    """Writes the snapshots of one namespace, one at a time, in a thread of its own."""

    def __init__(self, *, namespace: str, views: LedgerViews) -> None:
        """Wire the parts."""
        self._namespace = namespace
        self._views = views
        self._writing: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether one is being written."""
        return not is_over(self._writing)

    async def begin(self, path: Path, snapshot: Snapshot, *, n_erasures: int) -> None:
        """Begin to write a snapshot, once the one before it is written.

        Args:
            path: where.
            snapshot: what; its arrays must not change any more.
            n_erasures: how often something had been erased when it was learned: if something was erased since, nothing
                is written, and it is learned again without that.
        """
        await self.finish()
        self._writing = asyncio.create_task(self._write(path, snapshot, n_erasures), name="memento-save")

    async def finish(self) -> None:
        """Wait for what is being written."""
        if self._writing is not None and not is_over(self._writing):
            await asyncio.shield(self._writing)

    async def _write(self, path: Path, snapshot: Snapshot, n_erasures: int) -> None:
        try:
            if await self._views.n_erasures(namespace=self._namespace) != n_erasures:
                return
        except MementoError as error:  # the ledger teaches the same again
            _LOG.warning("what was learned was not saved: %s", error)
            return
        await asyncio.to_thread(save_snapshot, path, snapshot)
