"""Lets runs in flight end before a server stops; those that take longer wait at their next step, to be resumed later.

A step that has begun is let finish. One that would begin after the drain waits until the server cancels it: the newest
checkpoint is the one before it, so that the run goes on from there when its thread is resumed, and nothing is lost in a
memory that has closed meanwhile.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from langgraph.runtime import Runtime

from memento.nodes.context import Context
from memento.nodes.node import Node

StateT = TypeVar("StateT", bound=Mapping[str, Any])

_IDLE_S: Final = 0.5
"""Without any step for so long, no run is between two of its steps."""
_POLL_S: Final = 0.05


class RunDrain:
    """Knows which steps of the runs of one process are at work, in any of its threads."""

    def __init__(self) -> None:
        self._steps: set[object] = set()  # adding and removing are atomic
        self._is_stopping = False

    @property
    def n_steps(self) -> int:
        """How many steps are at work."""
        return len(self._steps)

    def watched(self, node: Node[StateT]) -> Node[StateT]:
        """Wrap a node so that its steps are waited for.

        Args:
            node: of any state.
        """

        async def watched_node(state: StateT, *, runtime: Runtime[Context]) -> dict[str, Any]:
            if self._is_stopping:
                await asyncio.Event().wait()  # until the server cancels it
            step = object()
            self._steps.add(step)
            try:
                return await node(state, runtime=runtime)
            finally:
                self._steps.discard(step)

        return watched_node

    async def drain(self, seconds: float) -> bool:
        """Wait until no run is in flight; then, or when time is up, let no further step begin.

        Args:
            seconds: to wait at most.

        Returns:
            Whether all runs have ended.
        """
        deadline = time.monotonic() + seconds
        idle_since = time.monotonic() if not self._steps else None
        while idle_since is None or time.monotonic() - idle_since < min(_IDLE_S, seconds):
            if time.monotonic() >= deadline:
                break
            await asyncio.sleep(_POLL_S)
            idle_since = (idle_since or time.monotonic()) if not self._steps else None
        self._is_stopping = True
        return not self._steps

    def resume(self) -> None:
        """Let steps begin again: the process serves once more."""
        self._is_stopping = False
