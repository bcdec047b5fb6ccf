"""One stream: the tasks of one arm and one seed in order, round by round, with its own memory."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from pydantic import ValidationError

from memento.evals.runs.halt import Halt
from memento.evals.runs.held_memory import HeldMemory
from memento.evals.runs.journal import Journal
from memento.evals.runs.plan import RunPlan, StreamKey, Visit
from memento.evals.runs.result import HeldWrite, ServedCase, TaskResult
from memento.evals.runs.task_files import laid_out
from memento.evals.subject import Subject
from memento.evals.task import EvalTask
from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case import POSITIVE_FROM
from memento.memory.case_memory import CaseMemory
from memento.memory.coalescer import Coalescer
from memento.memory.encoder import Encoder
from memento.memory.errors import EncoderUnavailable, EngineError, InvalidInput, LedgerUnavailable, MementoError
from memento.memory.experience import Experience
from memento.nodes.context import strict_context
from memento.nodes.errors import ModelError, ModelRejected, brief_reason
from memento.nodes.misfit import misfit_of
from memento.nodes.scoring import exact_match, token_f1
from memento.nodes.state import InputState
from memento.nodes.usage import no_usage

_WANTED = (
    *("answer", "reward", "evaluator", "confidence", "lesson", "error", "error_class"),
    *("event_id", "policy", "retrieval_degraded", "cases", "usage", "artefacts"),
)
"""Of a run's state."""
_NOBODYS = (LedgerUnavailable, EncoderUnavailable, EngineError)
"""Failures of the stream's memory: no task is to blame."""


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
        self.journal = Journal(folder / "journal.jsonl")
        self.visits = list(plan.visits(tasks, key.seed))
        self._plan = plan
        self._subject = subject
        self._folder = folder
        self._encoder = encoder
        self._has_files = any(task.attachments for task in tasks)
        self._workspace: Path | None = None
        self._keep = Coalescer(self._append)
        settings = subject.settings | plan.settings | key.arm.settings | {"policy": key.arm.policy}
        try:
            self._context = strict_context(settings)
        except ValidationError as error:
            raise InvalidInput(f"arm {key.arm.name!r} of {subject.name}: {misfit_of(error)}") from error

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
            if len(self.journal.written) == (self.visits[-1].round + 1 if self.visits else 0):
                return
            async with self._memory() as memory:
                await _indexed(memory)
                held = HeldMemory(memory, seed=self.key.seed)
                graph = build_graph(self._with_workspace(self._subject.make_deps(held)))
                for number, visits in groupby(self.visits, key=lambda visit: visit.round):
                    if number in self.journal.written:
                        continue
                    tasks = list(visits)
                    await self._round(tasks, graph, held, slots, halt, listen)
                    if halt.is_set:
                        return
                    await self._write(number, tasks, memory)
        finally:
            self.journal.close()

    async def _round(
        self,
        visits: Sequence[Visit],
        graph: MementoGraph,
        held: HeldMemory,
        slots: asyncio.Semaphore,
        halt: Halt,
        listen: Callable[[TaskResult], None],
    ) -> None:
        """Run those tasks of a round that have no result yet."""
        held.iteration = visits[0].iteration

        async def work(visit: Visit) -> None:
            async with slots:
                if halt.is_set:
                    return
                try:
                    result = await self._result(visit, graph, held, halt)
                    await self._keep(result)
                except Exception as error:  # noqa: BLE001  raised again once those at work have finished
                    halt.error = halt.error or error
                    return
                halt.spend(result.usage["cost_usd"])
                listen(result)

        await asyncio.gather(*(work(visit) for visit in visits if visit.position not in self.journal.finished))

    async def _result(self, visit: Visit, graph: MementoGraph, held: HeldMemory, halt: Halt) -> TaskResult:
        task, began = visit.task, time.perf_counter()
        state = await self._run(visit, graph, halt)
        seconds = time.perf_counter() - began
        experience, memory_seconds = held.taken(task.question)
        answer, references = state.get("answer"), task.references
        is_comparable = bool(answer and references)
        return TaskResult(
            arm=self.key.arm.name,
            seed=self.key.seed,
            phase=visit.phase,
            iteration=visit.iteration,
            position=visit.position,
            round=visit.round,
            task_id=task.id,
            source=task.source,
            level=task.level,
            answer=answer,
            reward=state.get("reward"),
            evaluator=state.get("evaluator", "none"),
            confidence=state.get("confidence", 1.0),
            reason=state.get("lesson", ""),
            exact=float(exact_match(answer, references)) if answer and is_comparable else None,
            f1=token_f1(answer, references) if answer and is_comparable else None,
            error=state.get("error"),
            error_class=state.get("error_class"),
            event_id=state.get("event_id"),
            policy=state.get("policy", "none"),
            is_degraded=state.get("retrieval_degraded", False),
            cases=[ServedCase.model_validate(case) for case in state.get("cases", [])],
            artefacts=state.get("artefacts") or [],
            usage=no_usage() | (state.get("usage") or {}),
            seconds=seconds,
            memory_seconds=memory_seconds,
            held=HeldWrite(arguments=experience.as_arguments()) if experience and visit.phase == "learn" else None,
        )

    async def _run(self, visit: Visit, graph: MementoGraph, halt: Halt) -> dict[str, Any]:
        """Return the final state of a run; errors of the task itself are recorded there too.

        Raises:
            MementoError: no model answers, or the memory is away: nobody's failure, and nothing to go on with.
            Exception: so many runs in a row have failed that it is no task's own failure.
        """
        task, (arm, seed) = visit.task, self.key
        given: InputState = {"task": task.question, "reference": task.references}
        labels = {"arm": arm.name, "seed": seed, "task_id": task.id, "phase": visit.phase, "iteration": visit.iteration}
        config: RunnableConfig = {
            "run_name": f"eval {task.id}",
            "tags": ["memento-eval", f"arm:{arm.name}", f"seed:{seed}"],
            "metadata": labels,
        }
        try:
            name = f"{self.key.name}-{visit.position}"
            thread, given["attachments"] = await laid_out(task, self._workspace, name)
            config["configurable"] = {"thread_id": thread}
            state: dict[str, Any] = await graph.ainvoke(given, config, context=self._context, output_keys=_WANTED)
        except Exception as error:
            # What is wrong with a task's own input says nothing of the next one's; an unknown fault may.
            is_input = isinstance(error, InvalidInput) and not isinstance(error, ModelError)
            if not is_input and (isinstance(error, _NOBODYS) or not halt.is_of_its_task(error)):
                raise
            is_named = isinstance(error, MementoError)
            return {
                "error": str(error) if is_named else f"{type(error).__name__}: {brief_reason(error)}",
                "error_class": "format" if is_input or isinstance(error, ModelRejected) else None,
            }
        halt.answered()
        return state

    def _with_workspace(self, deps: Deps) -> Deps:
        """Return the dependencies, with a workspace of the stream's own where tasks have files."""
        if deps.workspace is None and self._has_files:
            deps = replace(deps, workspace=self._folder / "workspace")
        self._workspace = deps.workspace() if callable(deps.workspace) else deps.workspace
        return deps

    async def _append(self, results: Sequence[TaskResult]) -> list[None]:
        await asyncio.to_thread(self.journal.append, results)
        return [None] * len(results)

    async def _write(self, number: int, visits: Sequence[Visit], memory: CaseMemory) -> None:
        """Apply the deferred writes of a round, in the order of the stream. Idempotent."""
        written = [one for visit in visits if visit.phase == "learn" for one in self._written(visit)]
        await memory.write_all(written)
        await _indexed(memory)
        await memory.settle()
        await asyncio.to_thread(self.journal.mark_written, number)

    def _written(self, visit: Visit) -> Iterator[Experience]:
        """Return what to store of a task: the run's attempt, and after a wrong answer the correction."""
        result = self.journal.results[visit.position]
        if result.held is not None:
            yield Experience(**result.held.arguments)
        is_wrong = result.reward is not None and result.reward < POSITIVE_FROM
        correction = self._subject.correction(visit.task) if is_wrong and self._plan.feedback == "correction" else None
        if correction is not None:
            action, answer = correction
            yield Experience(
                state=visit.task.question, action=action, answer=answer, reward=1.0, evaluator="correction"
            )


async def _indexed(memory: CaseMemory) -> None:
    """Wait until all cases of earlier rounds are indexed; a search itself waits for a part of them only."""
    with suppress(EngineError):  # an engine that is away: the searches say that they are degraded
        await memory.bank.project_all()
