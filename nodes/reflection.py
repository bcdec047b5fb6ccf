"""Reflection: a model writes a lesson after a known failure, or after a success against the odds.

    the reward is unknown                   none: an unknown outcome teaches nothing
    it is below the line of success         due
    it is not, and most of the cases
    that were shown had failed              due: something was different this time
    otherwise                               none
    the run's tokens, money or time
    are used up, or there was no reading    none: nothing is spent beyond them, and without an event no feedback could
                                            take the lesson back

A model that fails, hangs or finds nothing to learn leaves the run as it is, without a lesson.
"""

from typing import Any, Final, NamedTuple

from langchain_core.messages import BaseMessage
from langgraph.runtime import ExecutionInfo
from pydantic import BaseModel, ConfigDict, Field

from memento.memory.case import POSITIVE_FROM
from memento.memory.lessons import Reflection
from memento.nodes.agent.budgets import run_ended_by
from memento.nodes.context import RunSettings
from memento.nodes.costs import spent_of
from memento.nodes.reflection_prompt import Occasion, reflection_messages
from memento.nodes.scoring.ask_judge import ask_judge
from memento.nodes.scoring.parts import ScoringParts
from memento.nodes.state import MementoState
from memento.nodes.step_time import StepTime
from memento.nodes.usage import Usage
from memento.nodes.worked import has_worked
from memento.tools.text import without_middle

_LEAST_FAILED: Final = 2
"""Cases shown that must have failed before a success is one against the odds: one failure is no pattern."""
_WHEN_CHARS: Final = 1_000
_ADVICE_CHARS: Final = 2_000


class LessonReply(BaseModel):
    """The model's reply."""

    model_config = ConfigDict(title="Lesson")  # as models are shown it

    when: str = Field(description="The situation, in one or two sentences; empty if there is nothing to learn.")
    advice: str = Field(description="What to do or to avoid there, in two sentences at most; empty if nothing.")


class Reflected(NamedTuple):
    """What has come of a reflection."""

    lesson: Reflection | None = None
    usage: Usage | None = None
    seconds: float = 0.0
    notice: str = ""
    """Why a lesson that was due was not written; empty otherwise."""

    def spent(self) -> dict[str, Any]:
        """Return the update of the run's state for what it cost."""
        used = {"usage": self.usage} if self.usage else {}
        return used | ({"asked_seconds": self.seconds} if self.seconds else {})


NOTHING_TO_LEARN: Final = Reflected()


class Reflections:
    """Has the judge's model write lessons."""

    def __init__(self, parts: ScoringParts) -> None:
        """Keep the parts.

        Args:
            parts: the judge, and how to ask it.
        """
        self._parts = parts

    async def on(self, state: MementoState, action: str, info: ExecutionInfo | None) -> Reflected:
        """Reflect on a run that has been evaluated, where that is due; never raises because a model failed or hung.

        Args:
            state: of the run.
            action: what was done, as its case keeps it.
            info: of the step; None outside of a graph.
        """
        settings = RunSettings.model_validate(state["run"]["settings"])
        occasion = occasion_of(state)
        if not settings.lesson_calls or occasion is None:
            return NOTHING_TO_LEARN
        clock = StepTime(state, info)
        # its calls are apart from those of the run, as the judge's are
        ended_by = run_ended_by(state, n_calls=-spent_of(state)["model_calls"])
        if ended_by or clock.left() <= 0:
            return Reflected(notice=f"no lesson was written: {ended_by or clock.ended_by()} of the run is used up")
        given = self._material(state, action)

        def asked(max_tokens: int) -> list[BaseMessage]:
            return reflection_messages(occasion=occasion, **given, max_tokens=max_tokens)

        calls, seconds = settings.lesson_calls, clock.left()
        reply = await ask_judge(self._parts, settings.judge, LessonReply, asked, seconds=seconds, max_attempts=calls)
        if reply.value is None:
            return Reflected(None, reply.usage, clock.spent(), f"no lesson was written: {reply.failure}")
        redact = self._parts.redact
        when = without_middle(redact(reply.value.when).strip(), _WHEN_CHARS)
        advice = without_middle(redact(reply.value.advice).strip(), _ADVICE_CHARS)
        if not when or not advice:
            return Reflected(None, reply.usage, clock.spent())
        line = _line_of(state)
        lesson = Reflection(when=when, advice=advice, after=occasion, line=line, model=reply.model)
        return Reflected(lesson, reply.usage, clock.spent())

    def _material(self, state: MementoState, action: str) -> dict[str, Any]:
        redact = self._parts.redact
        results = [
            {**result, "description": redact(result["description"]), "result": redact(result["result"])}
            for result in state.get("results") or []
        ]
        cases = [
            {**case, **{name: redact(str(case[name])) for name in ("state", "action", "lesson")}}
            for case in state["cases"]
        ]
        texts = {"task": state["run"]["task"], "answer": state["answer"] or "", "reason": state["lesson"]}
        return {name: redact(text) for name, text in texts.items()} | {
            "action": redact(action),
            "results": results,
            "cases": cases,
        }


def occasion_of(state: MementoState) -> Occasion | None:
    """Return what a lesson of a run would be written after; None where none is due. See the module."""
    reward = state["reward"]
    if reward is None or state.get("event_id") is None:
        return None
    if reward < _line_of(state):
        return "failure"
    cases = state["cases"]
    n_failed = sum(not has_worked(case) for case in cases)
    is_unlikely = n_failed >= _LEAST_FAILED and 2 * n_failed > len(cases)
    return "success" if is_unlikely else None


def _line_of(state: MementoState) -> float:
    return state.get("positive_from", POSITIVE_FROM)  # a run that began with an earlier release has none
