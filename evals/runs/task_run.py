"""One run of a task in a stream: through the graph, to a result; errors of the task itself are results, too."""

import time
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig

from memento.evals.runs.fresh_lesson import FreshLessons
from memento.evals.runs.halt import Halt
from memento.evals.runs.held_memory import HeldMemory
from memento.evals.runs.plan import StreamKey, Visit
from memento.evals.runs.result import HeldWrite, ServedCase, TaskResult
from memento.evals.runs.task_files import laid_out
from memento.graph.workflow import MementoGraph
from memento.memory.errors import EncoderUnavailable, EngineError, InvalidInput, LedgerUnavailable, MementoError
from memento.nodes.agent.outages import away_in
from memento.nodes.context import Context
from memento.nodes.errors import ModelError, ModelRejected, brief_reason
from memento.nodes.scoring import exact_match, token_f1
from memento.nodes.state import InputState
from memento.nodes.usage import Usage, add_usage, no_usage

_WANTED = (
    *("answer", "reward", "evaluator", "confidence", "lesson", "error", "error_class"),
    *("event_id", "policy", "retrieval_degraded", "cases", "usage", "artefacts", "results"),
)
"""Of a run's state."""
_NOBODYS = (LedgerUnavailable, EncoderUnavailable, EngineError)
"""Failures of the stream's memory: no task is to blame."""


class TaskRunner:
    """Runs tasks of one stream."""

    def __init__(
        self,
        key: StreamKey,
        *,
        graph: MementoGraph,
        context: Context,
        held: HeldMemory,
        workspace: Path | None,
        lessons: FreshLessons | None,
    ) -> None:
        """Prepare; runs nothing.

        Args:
            key: arm and seed.
            graph: around the stream's memory.
            context: settings of every run.
            held: the stream's memory.
            workspace: in which each run has a folder, where there is one.
            lessons: has one written before each run, where the arm wants that.
        """
        self._key = key
        self._graph = graph
        self._context = context
        self.held = held
        self._workspace = workspace
        self._lessons = lessons

    async def result(self, visit: Visit, halt: Halt) -> TaskResult:
        """Run a task, and return its result with the write that was deferred.

        Args:
            visit: of the task.
            halt: told of failures.

        Raises:
            MementoError: no model answers, the memory is away, or something else is, task after task: nobody's
                failure, and nothing to go on with.
            Exception: so many runs in a row have failed that it is no task's own failure.
        """
        task, began = visit.task, time.perf_counter()
        state = await self._run(visit, halt)
        seconds = time.perf_counter() - began
        experience, memory_seconds = self.held.taken(task.stored_hash)
        answer, references = state.get("answer"), task.references
        is_comparable = bool(answer and references)
        return TaskResult(
            arm=self._key.arm.name,
            seed=self._key.seed,
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

    async def _run(self, visit: Visit, halt: Halt) -> dict[str, Any]:
        """Return the final state of a run, with what a lesson for it has cost."""
        spent = no_usage()
        try:
            if self._lessons is not None:
                spent = await self._lessons.write(visit.task)
            state = await self._asked(visit)
        except Exception as error:
            # What is wrong with a task's own input says nothing of the next one's; an unknown fault may.
            is_input = isinstance(error, InvalidInput) and not isinstance(error, ModelError)
            if not is_input and (isinstance(error, _NOBODYS) or not halt.is_of_its_task(error)):
                raise
            is_named = isinstance(error, MementoError)
            return {
                "error": str(error) if is_named else f"{type(error).__name__}: {brief_reason(error)}",
                "error_class": "format" if is_input or isinstance(error, ModelRejected) else None,
                "usage": spent,
            }
        finally:
            if self._lessons is not None:
                self._lessons.throw_away(visit.task)
        if away := away_in(state.pop("results", None) or []):
            halt.met_outage(away)
        else:
            halt.answered()
        used: Usage | None = state.get("usage")
        return state | {"usage": add_usage(used, spent)}

    async def _asked(self, visit: Visit) -> dict[str, Any]:
        task, (arm, seed) = visit.task, self._key
        given: InputState = {"task": task.question, "reference": task.references}
        if task.key:
            given["key"] = task.key
        labels = {"arm": arm.name, "seed": seed, "task_id": task.id, "phase": visit.phase, "iteration": visit.iteration}
        config: RunnableConfig = {
            "run_name": f"eval {task.id}",
            "tags": ["memento-eval", f"arm:{arm.name}", f"seed:{seed}"],
            "metadata": labels,
        }
        name = f"{self._key.name}-{visit.position}"
        thread, given["attachments"] = await laid_out(task, self._workspace, name)
        config["configurable"] = {"thread_id": thread}
        state: dict[str, Any] = await self._graph.ainvoke(given, config, context=self._context, output_keys=_WANTED)
        return state
