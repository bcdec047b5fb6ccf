"""The reward of a run: in [0, 1], or None when it cannot be known. An outage never becomes a failure."""

import logging
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from memento.nodes.context import Context
from memento.nodes.costs import unpriced_notice, usage_of_structured
from memento.nodes.errors import InvalidReply, ModelError
from memento.nodes.node import Node
from memento.nodes.prompts import judge_messages
from memento.nodes.rewards import Evaluation, Verdict, exact_match, judged
from memento.nodes.sources import ModelSource, Price
from memento.nodes.state import MementoState, Run
from memento.nodes.structured import StructuredCaller
from memento.nodes.usage import Usage, no_usage

_LOG = logging.getLogger(__name__)


class HumanReward(BaseModel):
    """What a person says about an answer; the bare number will do."""

    model_config = ConfigDict(extra="forbid")

    reward: float | None = Field(default=None, ge=0, le=1, description="0 wrong, 1 right, empty when unknown.")
    reason: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, given: Any) -> Any:
        return given if isinstance(given, dict | HumanReward) else {"reward": given}


def make_evaluate(models: ModelSource, caller: StructuredCaller, *, price: Price | None = None) -> Node[MementoState]:
    """Make the node.

    Args:
        models: gives the judge model.
        caller: asks it for a verdict.
        price: says what calls cost.
    """

    async def evaluate(state: MementoState, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Score the answer; never raises because a judge failed."""
        run, answer = state["run"], state.get("answer")
        settings = Context.model_validate(run["settings"])
        if not answer:
            return _scored(Evaluation(None, "none", reason=state.get("error") or "no answer")) | _notice(state)
        usage: Usage = no_usage()
        if settings.evaluator == "human":
            question = {"kind": "reward", "task": run["task"], "answer": answer, "references": run["references"]}
            reward: HumanReward = interrupt(question, response_schema=HumanReward)
            evaluation = Evaluation(reward.reward, "human", reason=reward.reason)
        else:
            evaluation, usage = await _automatic(run, answer, settings, models, caller, price)
        runtime.stream_writer({"event": "reward", "reward": evaluation.reward, "evaluator": evaluation.evaluator})
        # An id of this run's own, so that a repeat replaces the message instead of adding a second.
        message = AIMessage(answer, id=f"answer-{state['event_id'] or state['messages'][-1].id}")
        return _scored(evaluation) | {"usage": usage, "messages": [message]} | _notice(state)

    return evaluate


async def _automatic(
    run: Run, answer: str, settings: Context, models: ModelSource, caller: StructuredCaller, price: Price | None
) -> tuple[Evaluation, Usage]:
    if settings.evaluator == "none":
        return Evaluation(None, "none", reason="evaluation is off"), no_usage()
    if not run["references"]:
        return Evaluation(None, "none", reason="no reference to compare with"), no_usage()
    if settings.evaluator in ("auto", "exact"):
        is_match = exact_match(answer, run["references"])
        if is_match or settings.evaluator == "exact":
            return Evaluation(float(is_match), "exact"), no_usage()
    try:
        model = await models.get("judge", settings.judge)
        reply = await caller.ask(model, Verdict, judge_messages(run=run, answer=answer))
    except (ModelError, InvalidReply) as error:  # the answer may well be right: the reward is unknown, not 0
        _LOG.warning("the judge failed: %s", error)
        return Evaluation(None, "judge", confidence=0.0, reason=f"the judge failed: {error}"), no_usage()
    return judged(reply.value), usage_of_structured(reply, model, price)


def _notice(state: MementoState) -> dict[str, Any]:
    notice = unpriced_notice(state)
    return {"notices": [*state["notices"], notice]} if notice else {}


def _scored(evaluation: Evaluation) -> dict[str, Any]:
    is_judge = evaluation.reward is None and evaluation.evaluator == "judge"
    update: dict[str, Any] = {
        "reward": evaluation.reward,
        "confidence": evaluation.confidence,
        "evaluator": evaluation.evaluator,
        "lesson": evaluation.reason if evaluation.reward is not None else "",
    }
    if is_judge:
        update |= {"error": evaluation.reason, "error_class": "judge"}
    return update
