"""The evaluate node: the run's reward in [0, 1], or None when unknown; an outage never counts as a failure."""

import time
from typing import Any

from langgraph.runtime import Runtime

from memento.memory.case import ErrorClass
from memento.nodes.agent.outages import away_in
from memento.nodes.answer_stream import answer_in
from memento.nodes.context import Context
from memento.nodes.costs import unpriced_notice
from memento.nodes.events import emit
from memento.nodes.human_reward import reward_by_person
from memento.nodes.node import Node
from memento.nodes.redaction import Redact
from memento.nodes.scoring.custom import Scorer
from memento.nodes.scoring.grade import Grade, unknown
from memento.nodes.scoring.parts import Answered, Scored, ScoringParts
from memento.nodes.scoring.registry import score
from memento.nodes.sources import ModelSource, Price
from memento.nodes.state import MementoState
from memento.nodes.step_time import StepTime
from memento.nodes.structured import StructuredCaller
from memento.nodes.usage import no_usage


def make_evaluate(
    models: ModelSource,
    caller: StructuredCaller,
    *,
    price: Price | None = None,
    scorer: Scorer | None = None,
    redact: Redact = str,
) -> Node[MementoState]:
    """Make the evaluate node.

    Args:
        models: gives the judges.
        caller: asks them for a verdict.
        price: says what calls cost.
        scorer: the host's own, for the evaluator `custom`.
        redact: takes secrets out of what it says.
    """
    parts = ScoringParts(models=models, caller=caller, price=price, scorer=scorer, redact=redact)

    async def evaluate(state: MementoState, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Score the answer; never raises because a judge failed or hung."""
        run, answer = state["run"], state.get("answer")
        if not answer:
            return _scored(Grade(None, "none", reason=state.get("error") or "no answer")) | _notices(state)
        clock = StepTime(state, runtime.execution_info)
        deadline = time.monotonic() + clock.grace()
        answered = Answered(run, answer, state.get("results") or [], state.get("models") or {}, deadline)
        if answered.settings.evaluator == "human":
            reward = reward_by_person(task=run["task"], answer=answer, references=run["references"])
            scored = Scored(Grade(reward.reward, "human", reason=reward.reason))
        elif why := state.get("error"):  # an answer in place of the one that the planner did not give
            scored = Scored(Grade(None, "none", reason=why))
        else:
            scored = _without_outages(await score(answered, parts), away_in(answered.results))
        evaluation = scored.evaluation
        emit(runtime, {"event": "reward", "reward": evaluation.reward, "evaluator": evaluation.evaluator})
        seconds = 0.0 if evaluation.evaluator == "human" else clock.spent()
        update = {"usage": scored.usage or no_usage(), "asked_seconds": seconds}
        # Not there where the run began with an earlier release, or the answer was edited since.
        update |= {"messages": messages} if (messages := answer_in(state, answer)) else {}
        return _scored(evaluation, scored.error_class) | update | _notices(state, scored.notice)

    return evaluate


def _without_outages(scored: Scored, away: list[str]) -> Scored:
    """Leave a reward unknown where something did not answer; a good one, too: what is known must not depend on it."""
    grade = scored.evaluation
    if not away or grade.reward is None:
        return scored
    reason = (
        f"{', '.join(away)} did not answer, so nothing is known of the reward ({grade.reward:g} by {grade.evaluator})"
    )
    return Scored(unknown(grade.evaluator, reason), scored.usage, scored.notice, error_class="tool")


def _notices(state: MementoState, *more: str) -> dict[str, Any]:
    of_results = [notice for result in state.get("results") or [] for notice in result.get("notices", [])]
    told = dict.fromkeys([*state["notices"], *of_results, *more, unpriced_notice(state)])
    notices = [notice for notice in told if notice]
    return {"notices": notices} if notices != state["notices"] else {}


def _scored(evaluation: Grade, error_class: ErrorClass = "judge") -> dict[str, Any]:
    update: dict[str, Any] = {
        "reward": evaluation.reward,
        "confidence": evaluation.confidence,
        "evaluator": evaluation.evaluator,
        "lesson": evaluation.reason if evaluation.reward is not None else "",
    }
    if evaluation.reward is None and evaluation.evaluator not in ("none", "human"):
        update |= {"error": evaluation.reason, "error_class": error_class}
    return update
