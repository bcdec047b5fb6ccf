"""The write_case node: stores the case and the event's outcome, and learns from it; idempotent."""

from dataclasses import replace
from functools import partial
from typing import Any, cast

from langgraph.runtime import Runtime

from memento.memory.case import ErrorClass
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience
from memento.memory.forks import Written
from memento.memory.plan_text import DIRECT_ACTION
from memento.nodes.acting.step_cases import step_attempts
from memento.nodes.acting.trajectory import plan_action
from memento.nodes.context import Context
from memento.nodes.events import emit
from memento.nodes.foreign_errors import is_control_flow, told
from memento.nodes.memory_calls import MemoryFailed, memory_seconds, of_memory, write_experience
from memento.nodes.node import Node
from memento.nodes.redaction import Redact
from memento.nodes.reflection import NOTHING_TO_LEARN, Reflections
from memento.nodes.sources import CaseAction, MemorySource
from memento.nodes.state import MementoState
from memento.nodes.subtask_cases import subtask_attempts
from memento.nodes.task_picture import picture_among


def make_write_case(
    memory_source: MemorySource,
    *,
    redact: Redact = str,
    case_action: CaseAction = plan_action,
    reflections: Reflections | None = None,
) -> Node[MementoState]:
    """Make the write_case node.

    Args:
        memory_source: the case memory.
        redact: takes secrets out of what a failing one says, and out of the case's action.
        case_action: makes that action.
        reflections: writes lessons, for runs that want them; None: nobody does.
    """

    async def write_case(state: MementoState, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Keep what was tried, of the run and of subtasks and steps with a reading, and a lesson from it, in one write.

        Without a reward their events are closed as unknown, and the attempts wait for feedback on the run's event. What
        a known one says of each: see `memory.subtasks` and `memory.steps`.
        """
        subtasks, steps = subtask_attempts(state, redact), step_attempts(state, redact)
        if state.get("event_id") is None and state["reward"] is None and not subtasks and not steps:
            return {}
        info = runtime.execution_info
        action, lost = _action(case_action, state, redact)
        reflected = await reflections.on(state, action, info) if reflections else NOTHING_TO_LEARN
        picture = await picture_among(state.get("messages") or [], state["run"])
        try:
            memory = await of_memory(memory_source, redact)
            tried = _tried(state, action, thread_id=info.thread_id if info else None)
            content = b"" if picture is None else picture.content
            parts: dict[str, Any] = {"subtasks": subtasks, "steps": steps, "reflection": reflected.lesson}
            experience = replace(tried, **parts, guides=state.get("guide_events") or (), picture=content)
            writing = partial(write_experience, memory, experience)
            written = await of_memory(writing, redact, seconds=memory_seconds(state["run"]))
        except (MemoryFailed, InvalidInput) as error:
            # The answer is still good; only the memory of it is lost, and that is said.
            return {"notices": [*state["notices"], f"not remembered: {error}"]} | reflected.spent()
        emit(runtime, {"event": "written", "case_id": written.case_id, "event_id": written.event_id})
        if (lesson := reflected.lesson) is not None and (lesson_id := written.lesson_id) is not None:
            emit(runtime, {"event": "lesson", "case_id": lesson_id, "when": lesson.when, "advice": lesson.advice})
        update: dict[str, Any] = {"case_id": written.case_id, **reflected.spent()}
        if written.is_fork(experience):
            update["event_id"] = written.event_id
        notices = (lost, reflected.notice, _told(written, experience))
        new = [text for text in notices if text and text not in state["notices"]]
        return update | ({"notices": [*state["notices"], *new]} if new else {})

    return write_case


def _tried(state: MementoState, action: str, *, thread_id: str | None) -> Experience:
    """What the run tried and what came of it, without its subtasks and its lesson."""
    return Experience(
        state=state["run"]["task"],
        action=action or DIRECT_ACTION,
        reward=state["reward"],
        answer=state["answer"] or "",
        event_id=state["event_id"],
        confidence=state["confidence"],
        lesson=state["lesson"],
        error_class=cast("ErrorClass | None", state["error_class"]),
        evaluator=state["evaluator"],
        thread_id=thread_id,
        models=state["models"],
        namespace=state["run"]["namespace"] or None,
        left_out=shown_to_nobody(state),
        key=state["run"].get("key", ""),
    )


def _action(case_action: CaseAction, state: MementoState, redact: Redact) -> tuple[str, str]:
    """Return the action of the case, and a notice where the host's function failed."""
    try:
        return redact(case_action(state)), ""
    except Exception as error:  # the host's code, which may raise anything
        if is_control_flow(error):
            raise
        return plan_action(state), f"the case keeps the plan, since `case_action` failed: {told(error, redact)}"


def shown_to_nobody(state: MementoState) -> list[str]:
    """Return the ids of the served cases that neither the planner nor an executor was shown."""
    shown = {case_id for result in state.get("results") or [] for case_id in result.get("case_ids", [])}
    return [case_id for case_id in state.get("left_out") or [] if case_id not in shown]


def _told(written: Written, experience: Experience) -> str:
    """What the user should know about how an attempt was kept; empty where it was as usual."""
    if written.is_fork(experience):
        return (
            "another attempt of this run was remembered before: this one has an event and an outcome of its own, and "
            "the cases shown are credited with the first one alone"
        )
    stands = written.outcome
    if stands is None or stands.reward == experience.reward:
        return ""
    reward = "an unknown reward" if stands.reward is None else f"reward {stands.reward:g}"
    return f"the outcome of this attempt was known before: {reward} by {stands.evaluator} stands; feedback corrects it"
