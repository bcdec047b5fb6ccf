"""The planner node p_LLM(a | s, c): from task, served cases and results to a plan or the final answer.

The node is entered once per cycle to plan, and in between only to pass on: subtasks whose turn has come are handed out,
and, where a run wants that, cases are read again before the next plan.
"""

from typing import Any, Generic, NamedTuple, TypeVar

from langgraph.runtime import Runtime
from pydantic import BaseModel

from memento.memory.case import storable
from memento.nodes.agent.budgets import run_ended_by
from memento.nodes.agent.deadlines import DeadlinePassed
from memento.nodes.agent.notes import WHY_ENDED
from memento.nodes.answer_stream import AnswerStream
from memento.nodes.context import Context, RunSettings
from memento.nodes.costs import usage_of_structured
from memento.nodes.errors import InvalidReply, ModelTimedOut
from memento.nodes.events import emit
from memento.nodes.node import Node
from memento.nodes.plan import FinalAnswer, FixedPlan, Plan, plan_text
from memento.nodes.plan_review import PlanReview, review_of
from memento.nodes.planning_call import Planned, PlanningCall, narrowed, unseen
from memento.nodes.prompt_budgets import REASON_CHARS
from memento.nodes.prompts import PlannerPrompt, planner_messages
from memento.nodes.reread import needs_reread
from memento.nodes.shown_steps import plan_shown
from memento.nodes.sources import AnswerFromResults, ModelSource, Price, model_name
from memento.nodes.state import MementoState, remaining
from memento.nodes.step_time import StepTime
from memento.nodes.structured import StructuredCaller
from memento.nodes.subtasks import Subtask
from memento.nodes.usage import Usage, no_usage
from memento.tools.text import without_middle

T = TypeVar("T", bound=BaseModel)


class _Update(NamedTuple, Generic[T]):
    value: T
    update: dict[str, Any]


class _PlannerStep(NamedTuple):
    state: MementoState
    runtime: Runtime[Context]
    why: str
    """What ends the run early; empty otherwise."""
    stream: AnswerStream


def make_planner(
    models: ModelSource,
    caller: StructuredCaller,
    *,
    schema: type[Plan] = Plan,
    prompt: PlannerPrompt = planner_messages,
    fixed_plan: FixedPlan | None = None,
    answer_from_results: AnswerFromResults | None = None,
    price: Price | None = None,
) -> Node[MementoState]:
    """Make the planner node.

    Args:
        models: gives the planner model.
        caller: asks it for a plan.
        schema: `Plan`, or a narrower subclass of it.
        prompt: how the model is asked.
        fixed_plan: makes the first plan, where no model is needed for that; where a person rejects it, the model makes
            another one.
        answer_from_results: makes the answer of a finished plan, where no model is needed for that.
        price: says what calls cost.
    """
    call = PlanningCall(models=models, caller=caller, prompt=prompt)

    async def planner(state: MementoState, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Plan, answer, or pass on.

        Raises:
            ModelError: the model cannot be asked; the run can be resumed once it can.
        """
        if needs_approval(state):
            return _reviewed(state, review_of(state["plan"], schema))
        has_more = bool(remaining(state))
        # A subtask's call and the answer's; a plan's comes on top where there is nothing to carry out yet.
        why = run_ended_by(state, n_calls=2 if has_more else 3)
        # An executor that has no budget left says so: no model is asked for what it was not asked to plan.
        if has_more and (not why or (fixed_plan is not None and state["cycle"] == 1)):
            return {}
        is_first = state["cycle"] == 0 and not state["plan"] and not state.get("rejection")
        if is_first and fixed_plan is not None and (plan := fixed_plan(state["run"])) and plan.subtasks:
            return unseen(state) | _accept(plan.steps(), state, runtime)
        stream = AnswerStream(state, runtime)
        if not has_more and state["plan"] and answer_from_results and (answer := answer_from_results(state["results"])):
            return _answered(answer, {}, stream)
        if needs_reread(state) and not why:
            return {}
        try:
            return await _asked(_PlannerStep(state, runtime, why, stream))
        except BaseException:  # what was streamed so far is not the answer, whatever ended the call
            stream.withdraw()
            raise

    async def _asked(step: _PlannerStep) -> dict[str, Any]:
        state, stream = step.state, step.stream
        settings = RunSettings.model_validate(state["run"]["settings"])
        is_last = bool(step.why) or state["cycle"] >= settings.max_cycles
        clock = StepTime(state, step.runtime.execution_info)

        async def asked(form: type[T], why: str) -> _Update[T]:
            seconds = clock.grace() if why else clock.left()
            stream.expect(has_plan=form is not FinalAnswer)
            reader = stream if stream.is_wanted else None
            planned = await call.ask(form, state, is_last=form is FinalAnswer, seconds=seconds, reader=reader)
            return _Update(planned.reply.value, _spent(planned, state, why, clock, price))

        try:
            if is_last:
                last = await asked(FinalAnswer, step.why)
                return _answered(last.value.answer, last.update, stream)
            try:
                value, update = await asked(schema, "")
            except DeadlinePassed:
                if not state["results"]:
                    raise
                last = await asked(FinalAnswer, clock.ended_by())
                return _answered(last.value.answer, last.update, stream)
        except InvalidReply as error:
            stream.withdraw()
            model = await models.get("planner", settings.planner)
            return _unreadable(
                error, usage_of_structured(error.spent, model, price) if error.spent else no_usage(), clock
            )
        except DeadlinePassed:
            return _stand_in(state, clock, stream)
        if value.subtasks:
            stream.withdraw()
            notices = _and_mended(update.get("notices", state["notices"]), value)
            return update | {"notices": notices} | _accept(value.steps(), state, step.runtime)
        return _answered(value.answer or "", update, stream)

    return planner


def _spent(
    planned: Planned[Any], state: MementoState, why: str, clock: StepTime, price: Price | None
) -> dict[str, Any]:
    """Return the update for a call's usage, shown cases and notices."""
    narrow = narrowed(state, planned.cases)
    notices = narrow.get("notices", state["notices"])
    if why:
        notices = [*notices, f"the run ended early, {WHY_ENDED[why]} ({why}): the answer is the best there was"]
    return narrow | {
        "usage": usage_of_structured(planned.reply, planned.model, price),
        "asked_seconds": clock.spent(),
        "models": {"planner": model_name(planned.model)},
        "rejection": "",
        "notices": notices,
    }


def _unreadable(error: InvalidReply, usage: Usage, clock: StepTime) -> dict[str, Any]:
    """End a run whose planner gave no valid plan; its replies are charged all the same."""
    failed = {"error": f"no valid plan: {error}", "error_class": "format"}
    return failed | {"plan": [], "rejection": "", "usage": usage, "asked_seconds": clock.spent()}


def _answered(answer: str, update: dict[str, Any], stream: AnswerStream) -> dict[str, Any]:
    answer = storable(answer)
    return update | {"plan": [], "answer": answer, "messages": [stream.finished(answer)]}


def _stand_in(state: MementoState, clock: StepTime, stream: AnswerStream) -> dict[str, Any]:
    """Use the newest result as the answer; it says nothing about the cases, so it is not judged.

    Raises:
        ModelTimedOut: there is no result.
    """
    late = f"the planner did not answer within {clock.spent():.3g} s ({clock.ended_by()})"
    complete = [result for result in state["results"] if result["is_complete"]]
    if not complete:
        raise ModelTimedOut(f"{late}; resume the run to ask it again, or give it more time") from None
    error = f"{late}: the answer is the newest result, and is not judged"
    update = {"rejection": "", "asked_seconds": clock.spent(), "notices": [*state["notices"], error]}
    return _answered(complete[-1]["result"], update | {"error": error, "error_class": "budget"}, stream)


def _and_mended(notices: list[str], plan: Plan) -> list[str]:
    text = f"the plan was mended: {'; '.join(plan.mended)}"
    return [*notices, text] if plan.mended and text not in notices else notices


def needs_approval(state: MementoState) -> bool:
    """Whether a person must approve the plan before it is carried out."""
    is_wanted = state["run"]["settings"]["approve_plan"]
    return bool(is_wanted and state.get("plan") and not state.get("is_plan_approved"))


def _accept(plan: list[Subtask], state: MementoState, runtime: Runtime[Context]) -> dict[str, Any]:
    cycle = state["cycle"] + 1
    emit(runtime, {"event": "plan", "cycle": cycle, "plan": plan})
    update = {"plan": plan, "plans": [*state["plans"], plan], "cycle": cycle, "is_plan_approved": False}
    return update | plan_shown(state["run"], cycle, plan)


def _reviewed(state: MementoState, review: PlanReview[Plan]) -> dict[str, Any]:
    """Apply a person's decision: approve, replace, or reject; a rejected plan costs no cycle."""
    if review.decision == "approve":
        return {"is_plan_approved": True}
    earlier = state["plans"][:-1]
    if review.decision == "edit" and review.plan is not None:
        plan, notices = review.plan.steps(), _and_mended(state["notices"], review.plan)
        update = {"plan": plan, "is_plan_approved": True, "plans": [*earlier, plan], "notices": notices}
        return update | plan_shown(state["run"], state["cycle"], plan)
    reason = without_middle(review.reason.strip(), REASON_CHARS) or "none given"
    rejection = f"{plan_text([state['plan']])}\nReason: {reason}"
    return {"plan": [], "plans": earlier, "cycle": state["cycle"] - 1, "rejection": rejection}
