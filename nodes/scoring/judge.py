"""LLM judge with references: decides whether an answer means the same as a reference."""

from typing import Final, Literal

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, ConfigDict, Field

from memento.nodes.prompts import judge_messages
from memento.nodes.scoring.ask_judge import ask_judge
from memento.nodes.scoring.grade import Grade, unknown
from memento.nodes.scoring.parts import Answered, Scored, ScoringParts

JUDGE_CONFIDENCE: Final = 0.8
"""Of one judge's verdict: models that judge are wrong now and then."""


class JudgeVerdict(BaseModel):
    """A judge's reply."""

    model_config = ConfigDict(title="Verdict")  # as models are shown it

    correct: Literal["yes", "no", "unsure"]
    reason: str = Field(default="", description="One sentence.")


async def score_by_judge(answered: Answered, parts: ScoringParts) -> Scored:
    """Ask the judge; the reward is unknown when it fails or is unsure."""

    def asked(max_tokens: int) -> list[BaseMessage]:
        return judge_messages(run=answered.run, answer=answered.answer, max_tokens=max_tokens)

    reply = await ask_judge(parts, answered.settings.judge, JudgeVerdict, asked, seconds=answered.seconds_left())
    evaluation = unknown("judge", reply.failure) if reply.value is None else judged(reply.value)
    return Scored(evaluation, reply.usage)


def judged(verdict: JudgeVerdict) -> Grade:
    """Convert a judge's verdict to a grade; an unsure one gives no reward."""
    if verdict.correct == "unsure":
        return unknown("judge", verdict.reason or "the judge is not sure")
    return Grade(float(verdict.correct == "yes"), "judge", JUDGE_CONFIDENCE, verdict.reason)
