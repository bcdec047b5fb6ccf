"""The result of a subtask that is an episode: its score, its steps, its trajectory, and how it ended in words."""

import time
from collections.abc import Sequence

from memento.memory.case import storable
from memento.nodes.acting.actor import Step
from memento.nodes.acting.step_loop import ACT, PlayedEpisode
from memento.nodes.acting.trajectory import kept_actions
from memento.nodes.agent.long_results import KEPT_CHARS
from memento.nodes.agent.notes import WHY_ENDED
from memento.nodes.agent.outages import what_was_away
from memento.nodes.agent.work import Work
from memento.nodes.state import PromptCase, SubtaskInput
from memento.nodes.subtasks import SubtaskResult, ToolCall


def episode_result(
    state: SubtaskInput,
    episode: PlayedEpisode,
    shown: Sequence[PromptCase],
    work: Work,
    began_at: float,
    *,
    calls: list[ToolCall] | None = None,
) -> SubtaskResult:
    """Write down an episode.

    Args:
        state: of the subtask.
        episode: as it was played.
        shown: cases that whoever acted was shown.
        work: its notices are the result's.
        began_at: Unix time.
        calls: tool calls of the agent that played it; its steps alone where there was none.
    """
    first, steps = episode.first, episode.steps
    result: SubtaskResult = {
        "cycle": state["cycle"],
        "id": state["subtask"]["id"],
        "description": state["subtask"]["description"],
        "result": _said(episode),
        "is_complete": not episode.ended_by,
        "ended_by": episode.ended_by,
        "tool_calls": list(map(step_call, steps)) if calls is None else calls,
        "began_at": began_at,
        "ended_at": time.time(),
        "score": episode.score,
    }
    if first is not None and steps:
        result["actions"] = [storable(action) for action in kept_actions(first, steps)]
    if episode.ended_by == "environment":
        work.notice(f"the environment failed, so the reward is not known: {episode.detail}")
    if away := what_was_away(episode.ended_by, calls or []):
        result["away"] = away
    if shown and first is not None:
        result["case_ids"] = [case["id"] for case in shown]
    if work.notices:
        result["notices"] = work.notices
    return result


def step_call(step: Step) -> ToolCall:
    """Return a step as the run's record of tool calls has it."""
    action, seen = storable(step.action)[:KEPT_CHARS], step.observation
    return {"name": ACT, "args": {"action": action}, "result": seen.text[:KEPT_CHARS], "score": seen.score}


def _said(episode: PlayedEpisode) -> str:
    """Say in one line how the episode ended: the answer of an environment run."""
    n_steps = len(episode.steps)
    after = f"after {n_steps} step{'' if n_steps == 1 else 's'}"
    if episode.ended_by:
        why = WHY_ENDED.get(episode.ended_by, episode.ended_by)
        detail = f": {episode.detail}" if episode.detail else ""
        if episode.score is None:
            return f"(not known: {why}{detail})"
        return f"ended early ({why}{detail}): score {episode.score:g} {after}"
    is_won = episode.last is not None and episode.last.is_won
    return f"{'done' if is_won else 'over, not won'}: score {episode.score or 0:g} {after}"
