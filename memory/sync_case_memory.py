"""SyncCaseMemory, a case memory for code without an event loop: scripts, threads of a web server, Celery, notebooks.

```python
with CaseMemory.open_sync("./bank") as memory:
    reading = memory.read("What is the capital of Columbia County?", k=4)
    memory.write(state="...", action="...", reward=1.0, event_id=reading.event_id)
```
"""

import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, overload

from memento.memory.case import PLAN, CaseKind, ErrorClass
from memento.memory.case_memory import CaseMemory
from memento.memory.experience import Experience
from memento.memory.lessons import Reflection
from memento.memory.steps import StepAttempt
from memento.memory.subtasks import SubtaskAttempt

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    method: Callable[Concatenate[CaseMemory, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["SyncCaseMemory", P], T]:
    """Make a method that waits for what a coroutine method of `CaseMemory` returns."""

    @functools.wraps(method)
    def wait(self: "SyncCaseMemory", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.run(lambda memory: method(memory, *args, **kwargs))

    return wait


class SyncCaseMemory:
    """Case memory whose calls block. Any number of threads may share one; `with` opens and closes it.

    Each method is the one of `CaseMemory` of that name. What has none here is reached with `run`.
    """

    def __init__(self, memory: CaseMemory) -> None:
        """Use `CaseMemory.open_sync` instead."""
        self.memory = memory
        """The memory itself, for async code on any event loop, and for `Deps(memory=...)`."""

    def __enter__(self) -> Self:
        """Open ledger and index.

        Raises:
            InvalidInput: it is open already.
            LedgerUnavailable, EncoderMismatch, EncoderUnavailable: as `CaseMemory.__aenter__`.
        """
        self.memory.open_blocking()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish learning that has begun, then close. Idempotent; `with` does it."""
        self.memory.close_blocking()

    def run(self, work: Callable[[CaseMemory], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine function of the memory and wait for what it returns.

        `sync.run(lambda memory: memory.lifecycle.retire(case_id, reason="outdated"))`

        Raises:
            InvalidInput: the memory is not open.
            OwnerLoopUnavailable: it was opened by another process.
        """
        return self.memory.owner_loop.run_blocking(lambda: work(self.memory))

    read = _blocking(CaseMemory.read)
    recall = _blocking(CaseMemory.recall)
    select = _blocking(CaseMemory.select)
    rank = _blocking(CaseMemory.rank)
    write_all = _blocking(CaseMemory.write_all)
    write_attempt = _blocking(CaseMemory.write_attempt)
    feedback = _blocking(CaseMemory.feedback)
    picture = _blocking(CaseMemory.picture)
    keep = _blocking(CaseMemory.keep)
    settle = _blocking(CaseMemory.settle)
    effects = _blocking(CaseMemory.effects)
    trials = _blocking(CaseMemory.trials)
    n_outcomes = _blocking(CaseMemory.n_outcomes)
    warm = _blocking(CaseMemory.warm)
    backup = _blocking(CaseMemory.backup)

    @overload
    def write(self, experience: Experience, /) -> str | None: ...

    @overload
    def write(
        self,
        *,
        state: str,
        action: str,
        reward: float | None,
        answer: str = "",
        event_id: str | None = None,
        confidence: float = 1.0,
        lesson: str = "",
        error_class: ErrorClass | None = None,
        evaluator: str = "unknown",
        thread_id: str | None = None,
        models: Mapping[str, str] | None = None,
        namespace: str | None = None,
        left_out: Sequence[str] = (),
        key: str = "",
        kind: CaseKind = PLAN,
        subtasks: Sequence[SubtaskAttempt] = (),
        reflection: Reflection | None = None,
        steps: Sequence[StepAttempt] = (),
        picture: bytes | str = b"",
        guides: Sequence[str] = (),
        written_from: Sequence[str] = (),
    ) -> str | None: ...

    def write(self, experience: Experience | None = None, /, **fields: Any) -> str | None:  # type: ignore[misc]
        """Store an experience; see `CaseMemory.write`."""
        given = [] if experience is None else [experience]
        return self.run(lambda memory: memory.write(*given, **fields))

    @property
    def namespace(self) -> str:
        """Whose cases are used when a call does not say otherwise."""
        return self.memory.namespace

    @property
    def policy(self) -> str:
        """How cases are chosen when a call does not say otherwise."""
        return self.memory.policy

    @property
    def notices(self) -> list[str]:
        """Current notices for users; see `CaseMemory.notices`."""
        return self.memory.notices
