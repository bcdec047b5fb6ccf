"""Subtask cases: what an executor was asked, and how it was carried out; read before it acts, written with its run."""

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from memento.memory.case import question_hash, storable
from memento.memory.errors import InvalidInput
from memento.memory.plan_text import DIRECT_ACTION
from memento.memory.subtasks import SUBTASK, SubtaskAttempt
from memento.nodes.acting.episode_prompt import CARRY_OUT
from memento.nodes.acting.trajectory import subtask_action
from memento.nodes.memory_calls import MemoryFailed, memory_seconds, of_memory
from memento.nodes.redaction import Redact
from memento.nodes.score_case import chosen_by_settings, prompt_cases, without_hidden
from memento.nodes.sources import MemorySource
from memento.nodes.state import MementoState, PromptCase, Run, SubtaskInput
from memento.nodes.subtasks import SubtaskResult
from memento.tools.text import without_middle

_RESULT_CHARS: Final = 2_000
"""Of a subtask's result, as a case keeps it."""
_SHOWN_RESULT_CHARS: Final = 300
_IDS: Final = uuid.UUID("0d6c5b0e-3f0a-5c55-8c1e-7a4f2f3f9b62")


class SubtaskReading(NamedTuple):
    """What was read for one subtask."""

    event_id: str = ""
    """Empty where nothing was read."""
    policy: str = "none"
    cases: Sequence[PromptCase] = ()
    """To be shown to the executor, best first."""
    hidden: Sequence[str] = ()
    """Ids of cases that were served, and that the run's settings hide."""
    notices: Sequence[str] = ()

    def kept(self, result: SubtaskResult, cases: Sequence[PromptCase]) -> SubtaskResult:
        """Return the result with the reading's event, and with the cases shown apart: its own, and the run's.

        Args:
            result: of the subtask, with the cases shown of either.
            cases: of the run.
        """
        shown = result.get("case_ids", [])
        if "case_ids" in result:
            of_run = [case["id"] for case in cases if case["id"] in shown]
            result = {**result, "case_ids": of_run}
            if not of_run:
                del result["case_ids"]
        if self.notices:
            result = {**result, "notices": list(dict.fromkeys([*result.get("notices", []), *self.notices]))}
        if not self.event_id:
            return result
        ids = [case["id"] for case in self.cases]
        mine = [one for one in ids if one in shown]
        left_out = [*(one for one in ids if one not in shown), *self.hidden]
        result = {**result, "subtask_event_id": self.event_id, "subtask_case_ids": mine}
        return {**result, "subtask_left_out": left_out} if left_out else result

    def labels(self) -> dict[str, Any]:
        """Return what its executor's model calls carry in their metadata."""
        if not self.event_id:
            return {}
        return {"subtask_event_id": self.event_id, "subtask_case_ids": [case["id"] for case in self.cases]}


NO_READING: Final = SubtaskReading()


class SubtaskCases:
    """Reads cases of earlier subtasks for executors."""

    def __init__(self, memory_source: MemorySource, *, redact: Redact = str) -> None:
        """Wire the parts.

        Args:
            memory_source: the case memory.
            redact: takes secrets out of descriptions and cases, and of what a failing memory says.
        """
        self._memory_source = memory_source
        self._redact = redact

    async def read(self, state: SubtaskInput, *, seconds: float) -> SubtaskReading:
        """Choose cases for a subtask; a failing memory leaves it without any, and never fails the run.

        A repeat of the same subtask gives the same event: its id is that of the run, the plan and the subtask. The one
        subtask of a run in an environment is the whole task, whose cases are served already: it has no reading.

        Args:
            state: of the executor.
            seconds: that are left of its budgets.
        """
        run, asked = state["run"], self._redact(state["subtask"]["description"])
        k = run["settings"].get("subtask_k", 0)  # a run that began with an earlier release has no such setting
        if not k or not asked.strip() or asked == CARRY_OUT:
            return NO_READING
        seconds = max(0.0, min(seconds, memory_seconds(run)))
        try:
            memory = await of_memory(self._memory_source, self._redact)
            recalling = partial(
                memory.recall,
                asked,
                policy=run["settings"].get("subtask_policy") or run["settings"]["policy"],
                namespace=run["namespace"] or None,
                key=task_question(run),
                kind=SUBTASK,
            )
            recall = await of_memory(recalling, self._redact, seconds=seconds)
            recall = recall._replace(
                event_id=_event_id(state, asked) or recall.event_id,
                part_of=state.get("event_id"),
                **chosen_by_settings(run["settings"]),
            )
            reading = await of_memory(partial(memory.select, recall, k=k), self._redact, seconds=seconds)
        except (MemoryFailed, InvalidInput) as error:
            return SubtaskReading(notices=[f"a subtask was carried out without cases of its own: {error}"])
        served = prompt_cases(reading, self._redact)
        cases, hidden = without_hidden(served, run["settings"])
        return SubtaskReading(reading.event_id, reading.policy, cases, hidden, list(recall.notices))


def task_question(run: Run) -> str:
    """Return the key of a run's subtasks: the identity of its task.

    So a task is never shown what was done in its own earlier runs, while another task with a subtask of the same words
    is: that it recurs is what these cases are for.
    """
    return question_hash(storable(run["task"]), run.get("key", ""))


def with_results(cases: Sequence[PromptCase]) -> list[PromptCase]:
    """Return subtask cases as prompts show them: the result of each stands below what was done."""
    return [
        {**case, "action": f"{case['action']}\nResult: {without_middle(case['answer'], _SHOWN_RESULT_CHARS)}"}
        if case["answer"]
        else case
        for case in cases
    ]


def subtask_attempts(state: MementoState, redact: Redact) -> list[SubtaskAttempt]:
    """Return the run's subtasks that had a reading, as they were carried out, for `Experience.subtasks`.

    Each is to blame for one share of a failure in as many as the run has subtasks, those without a reading included.
    One that was ended early was not carried out, so nothing is known of it; an episode that used up its steps was.

    Args:
        state: at the run's end.
        redact: takes secrets out of all texts.
    """
    results = state.get("results") or []
    return [
        SubtaskAttempt(
            event_id=result["subtask_event_id"],
            state=redact(result["description"]),
            action=redact(subtask_action(result)) or DIRECT_ACTION,
            answer=redact(without_middle(result["result"], _RESULT_CHARS)),
            blame=1 / len(results) if result["is_complete"] or result["ended_by"] == "max_steps" else None,
            left_out=tuple(result.get("subtask_left_out", ())),
        )
        for result in results
        if result.get("subtask_event_id")
    ]


def _event_id(state: SubtaskInput, asked: str) -> str:
    """Return the id of a subtask's reading; empty where the run has no id to make it from."""
    run, subtask = state["run"], state["subtask"]
    if not run.get("id"):
        return ""
    return str(uuid.uuid5(_IDS, storable("\x1f".join((run["id"], str(state["cycle"]), subtask["id"], asked)))))
