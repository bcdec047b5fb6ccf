"""Group commit: steps that wait for the writer's thread share its next transaction, and so one lock and one fsync.

Each step keeps its own result. Among others it runs in a savepoint: what it raises undoes what it wrote, and nothing
else. Only what ends the whole transaction (no room on the disk, a lost server) is raised by every step of it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final, NamedTuple

from memento.memory.ledger.writes import LedgerWriter

MAX_GROUP: Final = 64
"""Maximum number of steps in one transaction, so that the first of them does not wait for long."""

TransactionStep = Callable[[LedgerWriter], Any]


class StepResult(NamedTuple):
    """What a step returned or raised."""

    value: Any = None
    error: Exception | None = None


class _Waiting(NamedTuple):
    step: TransactionStep
    future: "Future[Any]"


class GroupCommit:
    """A queue of steps. Any thread adds to it; one thread serves it."""

    def __init__(self, transact: Callable[[Sequence[TransactionStep]], list[StepResult]]) -> None:
        """Prepare.

        Args:
            transact: runs steps in one transaction and commits it; blocks.
        """
        self._transact = transact
        self._waiting: deque[_Waiting] = deque()

    def add(self, step: TransactionStep) -> "Future[Any]":
        """Queue a step; `serve` must be called after it. Cancelling the future before its turn drops it."""
        future: Future[Any] = Future()
        self._waiting.append(_Waiting(step, future))
        return future

    def serve(self) -> None:
        """Run what waits in one transaction; nothing where an earlier call has done it."""
        group = list[_Waiting]()
        while self._waiting and len(group) < MAX_GROUP:
            one = self._waiting.popleft()
            if one.future.set_running_or_notify_cancel():
                group.append(one)
        if not group:
            return
        try:
            results = self._transact([one.step for one in group])
        except BaseException as error:  # noqa: BLE001  raised by those who wait
            for one in group:
                one.future.set_exception(error)
            return
        for one, result in zip(group, results, strict=True):
            if result.error is not None:
                one.future.set_exception(result.error)
            else:
                one.future.set_result(result.value)


def in_savepoint(writer: LedgerWriter, step: TransactionStep, *, is_alone: bool) -> StepResult:
    """Run one step of a transaction.

    Args:
        writer: of this step alone.
        step: what to run.
        is_alone: whether it is the transaction's only step, which then needs no savepoint.

    Raises:
        Exception: what the step raised, where it was alone, or where the database has undone the whole transaction.
    """
    if is_alone:
        return StepResult(step(writer))
    cursor = writer.driver.cursor()
    cursor.execute("SAVEPOINT step")
    try:
        value = step(writer)
    except Exception as error:  # noqa: BLE001  told to its caller alone
        cursor.execute("ROLLBACK TO SAVEPOINT step")  # fails where there is no transaction any more
        cursor.execute("RELEASE SAVEPOINT step")
        return StepResult(error=error)
    cursor.execute("RELEASE SAVEPOINT step")
    return StepResult(value)
