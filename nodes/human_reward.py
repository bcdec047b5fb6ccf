"""The reward that a person gives an answer."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from memento.nodes.human_in_the_loop import Question, UnreadableReply, ask_person, decision_of, parsed
from memento.tools.text import without_middle

ACTION = "give_reward"
"""Name of the action that a person approves."""

_UNKNOWN = frozenset({"", "?", "null", "none", "skip", "unknown"})
_SHOWN_CHARS = 4_000
_DESCRIPTION = "Is this answer right? Approve it, reject it with a reason, or edit the reward: 0 wrong, 1 right."


class HumanReward(BaseModel):
    """What a person says about an answer; the bare number will do.

    Replies of chat UIs are read too (see `human_in_the_loop`): approved is 1, rejected 0, ignored unknown. Free text is
    refused, for nobody can tell whether it praises or complains.
    """

    model_config = ConfigDict(extra="forbid")

    reward: float | None = Field(default=None, ge=0, le=1, description="0 wrong, 1 right, empty when unknown.")
    reason: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_reply(cls, given: Any) -> Any:
        if isinstance(given, HumanReward):
            return given
        if given is None or (isinstance(given, int | float) and not isinstance(given, bool)):
            return {"reward": given}
        decision = decision_of(given)
        if decision is None:
            return _written(parsed(given))
        if decision.verdict == "edit":
            args = parsed(decision.args)
            return args if isinstance(args, dict) else _written(args)
        if decision.verdict == "reject" and decision.reason:
            return _said(decision.reason)
        return {"reward": {"approve": 1.0, "reject": 0.0, "ignore": None}[decision.verdict]}


def reward_by_person(*, task: str, answer: str, references: Sequence[str]) -> HumanReward:
    """Wait for a person's reward. Call it first in a node.

    Raises:
        GraphInterrupt: the run waits.
    """
    question = Question(
        kind="reward",
        action=ACTION,
        args={"reward": 1.0, "reason": ""},
        description=f"{_DESCRIPTION}\n\nTask: {without_middle(task, _SHOWN_CHARS)}\n\n"
        f"Answer: {without_middle(answer, _SHOWN_CHARS)}",
        shown={"task": task, "answer": answer, "references": list(references)},
        schema=HumanReward.model_json_schema(),
        may_ignore=True,
    )
    return ask_person(question, HumanReward.model_validate)


def _written(given: Any) -> Any:
    if isinstance(given, str):
        if given.strip().casefold() in _UNKNOWN:
            return {"reward": None}
        try:
            return {"reward": float(given)}
        except ValueError:
            raise UnreadableReply("give a reward from 0 (wrong) to 1 (right), or `unknown`") from None
    return given if isinstance(given, dict) else {"reward": given}


def _said(reason: str) -> Any:
    """A rejection with its reason, or what was typed where a UI has one box for all replies: a number, a word."""
    try:
        return _written(reason)
    except UnreadableReply:
        decision = decision_of(reason)
        if decision is not None and decision.verdict == "approve":
            return {"reward": 1.0}
        return {"reward": 0.0, "reason": reason}
