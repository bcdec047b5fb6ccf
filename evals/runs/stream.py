"""One stream: the tasks of one arm and one seed in order, round by round, with its own memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from pydantic import ValidationError

from memento.evals.environments.actors import actor_named
from memento.evals.runs.case_beliefs import BELIEFS, beliefs_of, save_beliefs
from memento.evals.runs.fresh_lesson import FreshLessons
from memento.evals.runs.halt import Halt
from memento.evals.runs.held_memory import HeldMemory
from memento.evals.runs.journal import JOURNAL, Journal
from memento.evals.runs.plan import RunPlan, StreamKey, Visit
from memento.evals.runs.result import TaskResult
from memento.evals.runs.stream_controls import StreamControls
from memento.evals.runs.task_run import TaskRunner
from memento.evals.subject import Subject
from memento.evals.task import EvalTask
from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.memory.case_memory import CaseMemory
from memento.memory.coalescer import Coalescer
from memento.memory.encoder import Encoder
from memento.memory.errors import EngineError, InvalidInput
from memento.nodes.context import strict_context
from memento.nodes.misfit import misfit_of


class Stream:
    """Runs one stream; a killed one resumes where its journal ends."""

    def __init__(
        self,
        key: StreamKey,
        *,
        plan: RunPlan,
        tasks: Sequence[EvalTask],
        subject: Subject,
        folder: Path,
        encoder: Encoder,
    ) -> None:
        """Prepare; runs nothing.

        Args:
            key: arm and seed.
            plan: of the whole run.
            tasks: of the data set, in its order.
            subject: what is put to work.
            folder: of this stream.
            encoder: shared by all streams.

        Raises:
            InvalidInput: the subject's settings make no sense.
        """
        self.key = key
        self.journal = Journal(folder / JOURNAL)
        self.visits = list(plan.visits(tasks, key.seed))
        self._plan = plan
        self._subject = subject
        self._folder = folder
        self._encoder = encoder
        self._has_files = any(task.attachments for task in tasks)
        self._keep = Coalescer(self._append)
        arm = key.arm
        budget = {} if arm.controls.context is None else {"max_case_tokens": arm.controls.context}
        settings = subject.settings | plan.settings | arm.settings | {"policy": arm.policy} | budget
        try:
            self._context = strict_context(settings)
        except ValidationError as error:
            raise InvalidInput(f"arm {arm.name!r} of {subject.name}: {misfit_of(error)}") from error
        self._controls = StreamControls(key, plan=plan, subject=subject, settings=self._context)

    @asynccontextmanager
    async def _memory(self) -> AsyncIterator[CaseMemory]:
        arm, seed = self.key
        memory = self._subject.open_memory(
            self._folder, policy=arm.policy, namespace=self.key.name, seed=seed, encoder=self._encoder
        )
        async with memory:
            yield memory

    async def run(self, *, slots: asyncio.Semaphore, halt: Halt, listen: Callable[[TaskResult], None]) -> None:
        """Run to the stream's end, or until the run halts.

        Args:
            slots: bounds how many tasks are at work in all streams.
            halt: shared by all streams.
            listen: told of every result once it is durable.

        Raises:
            MementoError: something failed that no task is to blame for; the stream can go on later.
        """
        await asyncio.to_thread(self.journal.open)
        try:
            if await asyncio.to_thread(self._is_finished):
                return
            async with self._memory() as memory:
                await _indexed(memory)
                runner = self._runner(memory)
                await self._controls.draw_fixed()
                written = self.journal.written
                await asyncio.to_thread(self._controls.tell_again, self._folder, written, self.visits)
                for number, visits in groupby(self.visits, key=lambda visit: visit.round):
                    if number in self.journal.written:
                        continue
                    tasks = list(visits)
                    await self._round(tasks, runner, slots, halt, listen)
                    if halt.is_set:
                        return
                    await self._write(number, tasks, memory)
                await self._keep_beliefs(memory)
        finally:
            self.journal.close()

    def _is_finished(self) -> bool:
        has_all = len(self.journal.written) == (self.visits[-1].round + 1 if self.visits else 0)
        return has_all and (not self.key.arm.controls.blanked or (self._folder / BELIEFS).exists())

    def _runner(self, memory: CaseMemory) -> TaskRunner:
        held = HeldMemory(memory, seed=self.key.seed, shown=self._controls.shown)
        deps, lessons = self._with_workspace(self._subject.make_deps(held)), None
        if actor := actor_named(self.key.arm.controls.actor, seed=self.key.seed):
            if deps.environment is None:
                raise InvalidInput(
                    f"arm {self.key.arm.name!r} acts in an environment, and {self._subject.name} has none"
                )
            deps = replace(deps, actor=actor)
        if self.key.arm.controls.lesson == "fresh":
            lessons = FreshLessons(deps, self._context)
            deps = replace(deps, planner_prompt=lessons.prompt)
        workspace = deps.workspace() if callable(deps.workspace) else deps.workspace
        graph = build_graph(deps)
        return TaskRunner(self.key, graph=graph, context=self._context, held=held, workspace=workspace, lessons=lessons)

    async def _round(
        self,
        visits: Sequence[Visit],
        runner: TaskRunner,
        slots: asyncio.Semaphore,
        halt: Halt,
        listen: Callable[[TaskResult], None],
    ) -> None:
        """Run those tasks of a round that have no result yet."""
        runner.held.iteration = visits[0].iteration

        async def work(visit: Visit) -> None:
            async with slots:
                if halt.is_set:
                    return
                try:
                    result = self._controls.with_correction(visit, await runner.result(visit, halt))
                    await self._keep(result)
                except Exception as error:  # noqa: BLE001  raised again once those at work have finished
                    halt.error = halt.error or error
                    return
                halt.spend(result.usage["cost_usd"])
                listen(result)

        await asyncio.gather(*(work(visit) for visit in visits if visit.position not in self.journal.finished))

    def _with_workspace(self, deps: Deps) -> Deps:
        """Return the dependencies, with a workspace of the stream's own where tasks have files."""
        if deps.workspace is None and self._has_files:
            return replace(deps, workspace=self._folder / "workspace")
        return deps

    async def _append(self, results: Sequence[TaskResult]) -> list[None]:
        await asyncio.to_thread(self.journal.append, results)
        return [None] * len(results)

    async def _write(self, number: int, visits: Sequence[Visit], memory: CaseMemory) -> None:
        """Apply the deferred writes of a round, in the order of the stream. Idempotent."""
        await memory.write_all(self._controls.told(visits, self.journal.results))
        await _indexed(memory)
        await memory.settle()
        await asyncio.to_thread(self.journal.mark_written, number)

    async def _keep_beliefs(self, memory: CaseMemory) -> None:
        """Keep what the memory believes of its cases in the end, where some were blanked."""
        share = self.key.arm.controls.blanked
        if share:
            beliefs = await beliefs_of(memory, namespace=self.key.name, share=share, seed=self.key.seed)
            await asyncio.to_thread(save_beliefs, self._folder, beliefs)


async def _indexed(memory: CaseMemory) -> None:
    """Wait until all cases of earlier rounds are indexed; a search itself waits for a part of them only."""
    with suppress(EngineError):  # an engine that is away: the searches say that they are degraded
        await memory.bank.project_all()
