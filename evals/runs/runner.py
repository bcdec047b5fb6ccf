"""Runs an evaluation: all streams concurrently, with bounded concurrency and one budget."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from memento.evals.runs.halt import Halt
from memento.evals.runs.journal import JOURNAL, Journal
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.stream import Stream
from memento.evals.subject import Subject
from memento.evals.task import EvalTask
from memento.memory.encoder import Encoder
from memento.memory.minilm.encoder import MiniLmEncoder

STREAMS = "streams"


class RunEnd(NamedTuple):
    """How a session of a run ended."""

    is_complete: bool
    is_over_budget: bool
    spent_usd: float


class EvalRunner:
    """Runs a plan in a folder; running it again resumes where it stopped."""

    def __init__(
        self,
        plan: RunPlan,
        *,
        tasks: Sequence[EvalTask],
        subject: Subject,
        folder: Path,
        concurrency: int = 8,
        budget_usd: float | None = None,
        encoder: Encoder | None = None,
        only: Sequence[str] | None = None,
    ) -> None:
        """Prepare; runs nothing.

        Args:
            plan: what is run.
            tasks: those of the plan.
            subject: what is put to work.
            folder: of the run: the plan, and a folder per stream.
            concurrency: how many tasks are at work at most.
            budget_usd: what the run may cost, earlier sessions included.
            encoder: of all memories; the packaged one by default.
            only: names of the streams to work on; all by default.
        """
        encoder = encoder or MiniLmEncoder()
        self.plan = plan
        self.folder = folder
        self.streams = [
            Stream(key, plan=plan, tasks=tasks, subject=subject, folder=folder / STREAMS / key.name, encoder=encoder)
            for key in plan.streams()
            if only is None or key.name in only
        ]
        self._concurrency = concurrency
        self._budget_usd = budget_usd

    @property
    def n_tasks(self) -> int:
        """Number of tasks of all streams, finished ones included."""
        return sum(len(stream.visits) for stream in self.streams)

    async def run(self, listen: Callable[[TaskResult], None] = lambda result: None) -> RunEnd:
        """Run until everything is done or the budget is spent.

        Args:
            listen: told of every result once it is durable; of earlier sessions' results too, and of those first.

        Raises:
            InvalidInput: the folder holds another run, or is damaged.
            MementoError: a model, the ledger or the encoder is away; what was finished is kept.
        """
        await asyncio.to_thread(self.plan.save, self.folder)
        earlier = await asyncio.to_thread(lambda: list(load_results(self.folder, self.plan)))
        halt = Halt(budget_usd=self._budget_usd, spent_usd=sum(one.usage["cost_usd"] for one in earlier))
        for result in earlier:
            listen(result)
        del earlier
        slots = asyncio.Semaphore(self._concurrency)
        async with asyncio.TaskGroup() as group:
            for stream in self.streams:
                group.create_task(self._run(stream, slots, halt, listen))
        if halt.error is not None:
            raise halt.error
        is_complete = all(len(stream.journal.finished) == len(stream.visits) for stream in self.streams)
        return RunEnd(is_complete, halt.is_over_budget and not is_complete, halt.spent_usd)

    async def _run(
        self, stream: Stream, slots: asyncio.Semaphore, halt: Halt, listen: Callable[[TaskResult], None]
    ) -> None:
        try:
            await stream.run(slots=slots, halt=halt, listen=listen)
        except Exception as error:  # noqa: BLE001  raised again once the other streams have finished their tasks
            halt.error = halt.error or error


def load_results(folder: Path, plan: RunPlan) -> Iterator[TaskResult]:
    """Load the results of a run so far, stream by stream, in order. Blocking."""
    for key in plan.streams():
        journal = Journal(folder / STREAMS / key.name / JOURNAL)
        journal.read()
        yield from (journal.results[position] for position in sorted(journal.results))
