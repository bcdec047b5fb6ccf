"""A scorer of the host's own: unit tests, results of a query, whatever else can say how good an answer is."""

import asyncio
import inspect
from collections.abc import Awaitable, Sequence
from typing import Any, Final, Protocol, TypeAlias

from memento.nodes.errors import brief_reason
from memento.nodes.redaction import Redact
from memento.nodes.scoring.evaluation import Evaluation, unknown

Grade: TypeAlias = float | bool | Evaluation | None
"""A reward in [0, 1], right or wrong, None when it cannot be known, or an `Evaluation` with confidence and reason."""

_REASON_CHARS: Final = 500
"""Of a scorer's reason: it becomes the lesson of a case."""


class Scorer(Protocol):
    """A function, or an object that is called like one; one that is not async runs in a thread."""

    def __call__(self, task: str, answer: str, references: Sequence[str], /) -> Grade | Awaitable[Grade]:
        """How good an answer is.

        Args:
            task: what was asked.
            answer: never empty.
            references: accepted answers; empty when none is known.
        """
        ...


async def scored_by(
    scorer: Scorer, task: str, answer: str, references: Sequence[str], *, redact: Redact = str
) -> Evaluation:
    """What a scorer says. One that fails, or says what is no reward, leaves it unknown, and never fails the answer."""
    try:
        grade = await _called(scorer, task, answer, references)
        return _evaluation(grade, redact)
    except Exception as error:  # noqa: BLE001  it is the host's code, and may raise anything
        return unknown("custom", f"the scorer failed: {type(error).__name__}: {brief_reason(error, redact)}")


async def _called(scorer: Scorer, task: str, answer: str, references: Sequence[str]) -> Any:
    is_async = inspect.iscoroutinefunction(scorer) or inspect.iscoroutinefunction(type(scorer).__call__)
    given: Any = scorer if is_async else asyncio.to_thread
    arguments = (task, answer, list(references))
    grade = await (given(*arguments) if is_async else given(scorer, *arguments))
    return await grade if inspect.isawaitable(grade) else grade


def _evaluation(grade: Any, redact: Redact) -> Evaluation:
    if isinstance(grade, Evaluation):
        given, reason = grade, redact(grade.reason)[:_REASON_CHARS]
    elif grade is None or hasattr(grade, "__float__"):
        given, reason = Evaluation(grade, "custom"), ""
    else:
        return unknown("custom", f"the scorer gave a {type(grade).__name__}, not a reward from 0 to 1")
    if given.reward is None:
        return unknown("custom", reason or "the scorer gave no reward")
    reward, confidence = float(given.reward), float(given.confidence)
    if not (0 <= reward <= 1 and 0 <= confidence <= 1):
        return unknown("custom", f"the scorer gave reward={reward:g}, confidence={confidence:g}: not from 0 to 1")
    return Evaluation(reward, "custom", confidence, reason)
