"""LLM judge without references, for production traffic: which of a fixed list of criteria the answer meets.

It sees the task, the answer and the evidence, that is the results of the subtasks. It should be another model than
those that worked: one that judges itself is believed so little that what it rewards stays in quarantine by default.
"""

from typing import Final, Literal

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, Field

from memento.nodes.prompts import rubric_messages
from memento.nodes.scoring.ask_judge import ask_judge
from memento.nodes.scoring.grade import Grade, unknown
from memento.nodes.scoring.parts import Answered, Scored, ScoringParts

RUBRIC_CONFIDENCE: Final = 0.6
"""Nobody has told the judge what is right: its word counts for less than that of one who was."""
SELF_CONFIDENCE: Final = 0.3
"""Of a model about its own work; below the memory's least confidence, unless that is set lower."""

Met = Literal["yes", "no", "unsure"]
_ACTORS = ("planner", "executor")
_ESSENTIAL = ("on_task", "supported")
"""Criteria without which the others are worth nothing."""


class Criteria(BaseModel):
    """A judge's reply."""

    reason: str = Field(default="", description="One sentence: what is missing or wrong; empty if nothing.")
    on_task: Met
    supported: Met
    complete: Met
    consistent: Met
    well_formed: Met


async def score_by_rubric(answered: Answered, parts: ScoringParts) -> Scored:
    """Ask the judge; the reward is unknown when it fails or is unsure of an essential criterion."""

    def asked(max_tokens: int) -> list[BaseMessage]:
        run, answer, results = answered.run, answered.answer, answered.results
        return rubric_messages(run=run, answer=answer, results=results, max_tokens=max_tokens)

    reply = await ask_judge(parts, answered.settings.judge, Criteria, asked, seconds=answered.seconds_left())
    if reply.value is None:
        return Scored(unknown("rubric", reply.failure), reply.usage)
    reward = share_met(reply.value)
    if reward is None:
        why = reply.value.reason or "the judge is not sure that the answer is on task and supported"
        return Scored(unknown("rubric", why), reply.usage)
    roles = [role for role in _ACTORS if answered.models.get(role) == reply.model]
    if not roles:
        return Scored(Grade(reward, "rubric", RUBRIC_CONFIDENCE, reply.value.reason), reply.usage)
    notice = (
        f"{reply.model} judged its own work as {' and '.join(roles)}: the reward has a confidence of "
        f"{SELF_CONFIDENCE:g} only; name another model as judge"
    )
    return Scored(Grade(reward, "rubric", SELF_CONFIDENCE, reply.value.reason), reply.usage, notice)


def share_met(criteria: Criteria) -> float | None:
    """Return the share of criteria met, among those the judge is sure of.

    0 when an essential one is not met; None when no essential one fails, but the judge is not sure of them all.
    """
    met = criteria.model_dump(exclude={"reason"})
    essential = [met[name] for name in _ESSENTIAL]
    if "no" in essential:
        return 0.0
    if "unsure" in essential:
        return None
    sure = [answer for answer in met.values() if answer != "unsure"]
    return sure.count("yes") / len(sure)
