"""Trajectories: what was done, as the action of a case. Of an episode its actions, of a plan its tool calls.

A trajectory of an episode has one action a line. Actions that changed nothing are left out, and so is what came after
the last gain of score: `trajectory_text` writes walkthroughs in the same form.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from memento.nodes.acting.actor import Step
from memento.nodes.acting.environment import Observation
from memento.nodes.plan import plan_text
from memento.nodes.state import MementoState
from memento.nodes.subtasks import SubtaskResult, ToolCall
from memento.tools.text import without_middle

_ARGUMENT_CHARS: Final = 120
_CALL_CHARS: Final = 400
_CALLS_CHARS: Final = 4_000
"""Of all tool calls of a case together."""


def trajectory_text(actions: Sequence[str]) -> str:
    """Format actions as the action of a case: one a line."""
    return "\n".join(line for action in actions if (line := " ".join(action.split())))


def kept_actions(first: Observation, steps: Sequence[Step]) -> list[str]:
    """Return the actions that a case keeps of an episode.

    Nothing changed where text, valid actions and score are as before. An episode that lost score again, or gained none,
    is kept up to its end: that is what failed.

    Args:
        first: observation after the reset.
        steps: of the episode, each with the observation that it led to.
    """
    last = steps[: _n_until_best(first, steps)]
    before = [first, *(step.observation for step in last)]
    kept = [step.action for was, step in zip(before, last, strict=False) if _has_changed(was, step.observation)]
    return kept or [step.action for step in steps[:1]]


def _has_changed(was: Observation, now: Observation) -> bool:
    return (was.situation, was.score, was.is_over, was.is_won) != (now.situation, now.score, now.is_over, now.is_won)


def _n_until_best(first: Observation, steps: Sequence[Step]) -> int:
    scores = [step.observation.score for step in steps]
    best = max([first.score, *scores])
    if not scores or scores[-1] < best or best == first.score or steps[-1].observation.is_won:
        return len(steps)
    return scores.index(best) + 1


def trajectory(state: MementoState) -> str:
    """Return what was done in an environment, the episodes of all subtasks one after the other.

    The `case_action` of runs in an environment; without an episode, the plan.
    """
    episodes = [result["actions"] for result in state.get("results") or [] if result.get("actions")]
    return "\n".join(map(trajectory_text, episodes)) or plan_action(state)


def plan_action(state: MementoState) -> str:
    """Return the accepted plans: the `case_action` of other runs."""
    return plan_text(state["plans"])


def plan_and_trajectory(state: MementoState) -> str:
    """Return the plans and the tool calls that mattered: a `case_action` for `Deps`.

    Calls that failed, that found nothing, or that were made before with the same arguments are left out; arguments are
    shortened, and all calls together to 4,000 characters.
    """
    results = state.get("results") or []
    lines = [line for result in results for line in _episode_lines(result)]
    if not lines:
        return plan_action(state)
    return f"{plan_action(state)}\n\nWhat was done:\n{without_middle(chr(10).join(lines), _CALLS_CHARS)}".strip()


def subtask_action(result: SubtaskResult) -> str:
    """Return how one subtask was carried out, as the action of its case; empty where it was answered without a tool."""
    return without_middle("\n".join(_episode_lines(result)), _CALLS_CHARS)


def _episode_lines(result: SubtaskResult) -> list[str]:
    if "actions" in result:
        return trajectory_text(result["actions"]).splitlines()
    return list(dict.fromkeys(_call_lines(result["tool_calls"])))


def _call_lines(calls: Sequence[ToolCall]) -> Iterator[str]:
    for call in calls:
        if not call.get("is_error") and call["result"].strip():
            arguments = ", ".join(f"{name}={_shortened(value)}" for name, value in call["args"].items())
            yield f"- {call['name']}({_line(arguments, _CALL_CHARS)})"


def _shortened(value: Any) -> str:
    return _line(repr(value), _ARGUMENT_CHARS)


def _line(text: str, max_chars: int) -> str:
    return " ".join(without_middle(text, max_chars).split())
