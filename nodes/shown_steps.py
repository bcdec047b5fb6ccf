"""Shows cases, plans, tool calls and results in the chat, as the tool messages that chat UIs draw (`show_steps`).

Each step is a call and its result: an assistant's message with tool calls, and a tool message of the same id for each.
So a host may hand the conversation to any model. A mark tells the steps from what was said: they are no answer, they
are part of no prompt, and they close no question.
"""

import uuid
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, ToolMessage

from memento.memory.case import storable
from memento.nodes.plan import plan_text
from memento.nodes.state import PromptCase, Run
from memento.nodes.subtasks import Subtask, SubtaskResult
from memento.tools.text import without_middle

STEP_MARK: Final = "memento_step"
"""Key in a message's `additional_kwargs`: it shows a step, `cases`, `plan`, `tools` or `subtask`."""

RECALL: Final = "recall_cases"
PLAN: Final = "make_plan"
SUBTASK: Final = "carry_out_subtask"

_RESULT_CHARS: Final = 2_000
_CASE_CHARS: Final = 300
_IDS: Final = uuid.UUID("c5f0a0de-2d0c-5a55-9d3a-8e4f3b1f6a77")


class _Step(NamedTuple):
    name: str
    args: dict[str, Any]
    result: str


def is_step(message: BaseMessage) -> bool:
    """Whether a message shows a step of ours."""
    return STEP_MARK in message.additional_kwargs


def cases_shown(run: Run, event_id: str, policy: str, cases: Sequence[PromptCase]) -> dict[str, Any]:
    """Return the update of the messages for the cases that a reading served."""
    lines = [_case_line(number, case) for number, case in enumerate(cases, start=1)]
    step = _Step(RECALL, {"task": _short(run["task"]), "policy": policy}, "\n\n".join(lines) or "no cases")
    return _shown(run, "cases", event_id, [step])


def subtask_cases_shown(
    run: Run, cycle: int, subtask: Subtask, event_id: str, policy: str, cases: Sequence[PromptCase]
) -> list[AnyMessage]:
    """Return the messages for the cases that the reading of a subtask served; none where no steps are shown."""
    if not _is_wanted(run) or not event_id:
        return []
    lines = [_case_line(number, case) for number, case in enumerate(cases, start=1)]
    args = {"cycle": cycle, "subtask": _short(subtask["description"]), "policy": policy}
    return _messages(run, "cases", event_id, [_Step(RECALL, args, "\n\n".join(lines) or "no cases")])


def plan_shown(run: Run, cycle: int, plan: list[Subtask]) -> dict[str, Any]:
    """Return the update of the messages for a plan; one that takes its place is shown in its place."""
    return _shown(run, "plan", str(cycle), [_Step(PLAN, {"cycle": cycle}, plan_text([plan]))])


def result_shown(run: Run, result: SubtaskResult) -> dict[str, Any]:
    """Return the update of the messages for a subtask: its tool calls, then its result."""
    which = f"{result['cycle']}/{result['id']}"
    args = {"id": result["id"], "description": _short(result["description"])}
    calls = [_Step(call["name"], call["args"], call["result"]) for call in result["tool_calls"]]
    shown = [*_messages(run, "tools", which, calls)]
    shown += _messages(run, "subtask", which, [_Step(SUBTASK, args, result["result"])])
    return {"messages": shown} if _is_wanted(run) else {}


def _shown(run: Run, kind: str, which: str, steps: Sequence[_Step]) -> dict[str, Any]:
    return {"messages": _messages(run, kind, which, steps)} if _is_wanted(run) else {}


def _is_wanted(run: Run) -> bool:
    # A run that began with an earlier release has no such setting.
    return bool(run["settings"].get("show_steps"))


def _messages(run: Run, kind: str, which: str, steps: Sequence[_Step]) -> list[AnyMessage]:
    if not steps:
        return []
    # Ids of this step's own: a repeat of its node replaces its messages. Providers take at most 40 characters.
    key, mark = f"{run.get('id')}/{kind}/{which}", {STEP_MARK: kind}
    ids = [f"call_{uuid.uuid5(_IDS, f'{key}/{number}').hex[:24]}" for number in range(len(steps))]
    calls = [
        {"name": step.name, "args": step.args, "id": id_, "type": "tool_call"}
        for step, id_ in zip(steps, ids, strict=True)
    ]
    said = AIMessage("", id=str(uuid.uuid5(_IDS, key)), tool_calls=calls, additional_kwargs=mark)
    results = [
        ToolMessage(
            storable(_short(step.result)) or "(nothing)",
            id=str(uuid.uuid5(_IDS, f"{key}/{id_}")),
            tool_call_id=id_,
            name=step.name,
            additional_kwargs=mark,
        )
        for step, id_ in zip(steps, ids, strict=True)
    ]
    return [said, *results]


def _case_line(number: int, case: PromptCase) -> str:
    parts = [f"{number}. {without_middle(case['state'], _CASE_CHARS)} (reward {case['reward']:g})"]
    parts.append(without_middle(case["action"], _CASE_CHARS))
    if case["lesson"]:
        parts.append(f"Lesson: {without_middle(case['lesson'], _CASE_CHARS)}")
    return "\n".join(parts)


def _short(text: str) -> str:
    return without_middle(text, _RESULT_CHARS)
