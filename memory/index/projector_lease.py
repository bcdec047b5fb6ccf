"""Elects the one process that projects a ledger into a shared index, by a lease that is a fact of the ledger.

    facts: "projector-<index>" = {"holder": ..., "beat": 7}

The holder renews its lease when the index has taken something, and never while there is nothing to do or the index does
not answer it. The others leave the index to it:
they look at the position it has saved and search what is newer exactly, beside the index. Whoever sees changes wait and
the same lease for longer than it lasts, takes it over in a short transaction. Clocks of machines are never compared:
each process measures by its own how long it has seen the same beat. Two holders at once would only repeat each other's
work, for points never go back to a lower version.
"""

import asyncio
import contextlib
import hashlib
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from memento.memory.errors import LedgerUnavailable
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.loop_lock import LoopLock, is_over

LEASE_S: Final = 5.0
"""Seconds after which a lease that is not renewed may be taken over."""
POLL_S: Final = 0.5
"""Seconds between two looks of the holder at what others have written."""
_PAUSE_SHARE: Final = 0.1
"""Part of the lease's time between two looks at another's."""


class ProjectorLease:
    """One process's side of the lease. For the tasks of one event loop."""

    def __init__(self, *, ledger: Ledger, index: str, lease_s: float = LEASE_S) -> None:
        """Prepare, without asking anything.

        Args:
            ledger: where the lease is kept.
            index: identifies the shared index: server, collection, encoder.
            lease_s: seconds that a lease lasts without being renewed.
        """
        self._ledger, self._views = ledger, LedgerViews(ledger)
        self._name = f"projector-{hashlib.sha256(index.encode()).hexdigest()[:24]}"
        self._lease_s = lease_s
        self._holder = uuid.uuid4().hex[:12]
        self._beat = 0
        self._own: str | None = None
        self._renewed_at = self._looked_at = self._seen_at = 0.0
        self._seen: str | None = None
        self._asking = LoopLock()
        self.term = 0
        """How often the lease has been taken: with each term, the index is looked at anew."""

    @property
    def is_held(self) -> bool:
        """Whether this process holds the lease, as far as it knows."""
        return self._own is not None

    async def is_ours(self) -> bool:
        """Whether this process may project now: it holds the lease, or takes one that is free or has ended.

        Raises:
            LedgerUnavailable: the lease cannot be read or written.
        """
        async with self._asking:
            now = time.monotonic()
            if self._own is not None:
                if now - self._renewed_at >= self._lease_s / 3 and await self._views.fact(self._name) != self._own:
                    self._own = None  # another process has taken it over
                return self._own is not None
            if now - self._looked_at < self._lease_s * _PAUSE_SHARE:
                return False
            self._looked_at = now
            found = await self._views.fact(self._name)
            if found != self._seen:
                self._seen, self._seen_at = found, now
            is_free = found is None or now - self._seen_at >= self._lease_s
            return is_free and await self._replaced(found)

    async def seize(self) -> None:
        """Take the lease from any holder: for a rebuild, after which this process knows what the index lacks.

        Raises:
            LedgerUnavailable: it cannot be written.
        """
        async with self._asking:
            await self._replaced(await self._views.fact(self._name))

    async def renew(self) -> None:
        """Tell the others, when it is due, that this process projects.

        Raises:
            LedgerUnavailable: it cannot be written.
        """
        async with self._asking:
            if self._own is not None and time.monotonic() - self._renewed_at >= self._lease_s / 3:
                await self._replaced(self._own)

    async def release(self) -> None:
        """Give the lease back, so that another process need not wait for its end."""
        async with self._asking:
            await self._give_back()

    async def _replaced(self, expected: str | None) -> bool:
        """Put a new beat of ours in the place of a lease, unless somebody else has been faster."""
        own = json.dumps({"holder": self._holder, "beat": self._beat + 1})

        def replace(writer: LedgerWriter) -> bool:
            if writer.fact(self._name) != expected:
                return False
            writer.set_fact(self._name, own)
            return True

        is_ours = await self._ledger.transact(replace)
        now = time.monotonic()
        if is_ours:
            self.term += self._own is None
            self._beat, self._own, self._renewed_at = self._beat + 1, own, now
        else:
            self._own, self._seen, self._seen_at = None, None, now
        return is_ours

    async def _give_back(self) -> None:
        own, self._own = self._own, None
        if own is None:
            return

        def drop(writer: LedgerWriter) -> None:
            if writer.fact(self._name) == own:
                writer.drop_fact(self._name)

        with contextlib.suppress(LedgerUnavailable):  # it ends by itself
            await self._ledger.transact(drop)


class ProjectorPoll:
    """Lets the holder of a lease see what other processes write, while nothing is asked of itself."""

    def __init__(self, lease: ProjectorLease, project: Callable[[], Awaitable[object]]) -> None:
        """Prepare.

        Args:
            lease: while it is held, the index is brought up to date.
            project: brings it up to date; never raises.
        """
        self._lease, self._project = lease, project
        self._polling: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        self._polling = asyncio.create_task(self._poll(), name="memento-projector")

    async def stop(self) -> None:
        """End. Idempotent."""
        polling, self._polling = self._polling, None
        if polling is not None and not is_over(polling):
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            if self._lease.is_held:
                await self._project()
