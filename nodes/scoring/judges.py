"""Two LLM judges, the second a different model or the same one with another prompt.

both say the same            their reward, with more confidence than one judge has
they disagree                unknown
one is not sure              unknown
one fails                    the other's reward, as one judge's
both fail                    unknown
"""

from typing import Final, Literal

from langchain_core.messages import BaseMessage
from pydantic import BaseModel, ConfigDict, Field

from memento.nodes.prompts import judge_messages, second_judge_messages
from memento.nodes.scoring.ask_judge import Reply, ask_judge
from memento.nodes.scoring.grade import Grade, unknown
from memento.nodes.scoring.judge import JUDGE_CONFIDENCE, JudgeVerdict
from memento.nodes.scoring.parts import Answered, Scored, ScoringParts
from memento.nodes.usage import add_usage

AGREED: Final = 0.95
"""Confidence of two models that agree."""
AGREED_WITH_ITSELF: Final = 0.9
"""Of one model that says the same twice: where it erred once, it errs again more easily than another would."""


class SecondVerdict(BaseModel):
    """The second judge's reply: what differs comes first, so that the verdict follows from it."""

    model_config = ConfigDict(title="Comparison")  # as models are shown it

    difference: str = Field(default="", description="What differs in substance, in one sentence; empty if nothing.")
    same: Literal["yes", "no", "unsure"]


async def score_by_judges(answered: Answered, parts: ScoringParts) -> Scored:
    """Ask both, the second only if its verdict can matter; each has half of the time."""
    run, settings, answer = answered.run, answered.settings, answered.answer

    def ask_first(max_tokens: int) -> list[BaseMessage]:
        return judge_messages(run=run, answer=answer, max_tokens=max_tokens)

    def ask_second(max_tokens: int) -> list[BaseMessage]:
        return second_judge_messages(run=run, answer=answer, max_tokens=max_tokens)

    first = await ask_judge(parts, settings.judge, JudgeVerdict, ask_first, seconds=answered.seconds_left() / 2)
    if first.value is not None and first.value.correct == "unsure":
        return Scored(unknown("judges", first.value.reason or "the first judge is not sure"), first.usage)
    named = settings.second_judge or settings.judge
    second = await ask_judge(parts, named, SecondVerdict, ask_second, seconds=answered.seconds_left())
    usage = add_usage(first.usage, second.usage) if second.usage else first.usage
    return Scored(_decided(first, second), usage)


def _decided(first: Reply[JudgeVerdict], second: Reply[SecondVerdict]) -> Grade:
    verdict, comparison = first.value, second.value
    if verdict is None and comparison is None:
        return unknown("judges", first.failure)
    if comparison is None and verdict is not None:
        return Grade(float(verdict.correct == "yes"), "judges", JUDGE_CONFIDENCE, verdict.reason)
    assert comparison is not None  # noqa: S101  for the type checker
    if comparison.same == "unsure":
        return unknown("judges", comparison.difference or "the second judge is not sure")
    if verdict is None:
        return Grade(float(comparison.same == "yes"), "judges", JUDGE_CONFIDENCE, comparison.difference)
    if verdict.correct != comparison.same:
        said = (
            f"the first says {verdict.correct}: {verdict.reason}; the second {comparison.same}: {comparison.difference}"
        )
        return unknown("judges", f"the judges disagree: {said}")
    confidence = AGREED_WITH_ITSELF if first.model == second.model else AGREED
    return Grade(float(verdict.correct == "yes"), "judges", confidence, verdict.reason or comparison.difference)
