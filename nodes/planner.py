"""p_LLM(a | s, c): from the task, the served cases and the results so far to a plan, or to the answer.

The node is entered once per cycle to plan, and in between only to hand out subtasks whose turn has come.
"""

from typing import Any, Literal

from langgraph.runtime import Runtime
from langgraph.types import interrupt
from pydantic import BaseModel, Field

from memento.nodes.context import Context
from memento.nodes.errors import InvalidReply
from memento.nodes.node import Node
from memento.nodes.plan import FinalAnswer, Plan
from memento.nodes.prompts import PlannerPrompt, planner_messages
from memento.nodes.sources import ModelSource
from memento.nodes.state import MementoState, Subtask, remaining, tokens_of
from memento.nodes.structured import StructuredCaller


class PlanReview(BaseModel):
    """What a person says about a plan that waits for approval."""

    decision: Literal["approve", "edit", "reject"] = "approve"
    plan: Plan | None = Field(default=None, description="With edit: the plan to carry out instead.")
    reason: str = Field(default="", description="With reject: shown to the planner, which plans again.")


def make_planner(
    models: ModelSource,
    caller: StructuredCaller,
    *,
    schema: type[Plan] = Plan,
    prompt: PlannerPrompt = planner_messages,
) -> Node[MementoState]:
    """Make the node.

    Args:
        models: gives the planner model.
        caller: asks it for a plan.
        schema: `Plan`, or a narrower subclass of it.
        prompt: how the model is asked.
    """

    async def planner(state: MementoState, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Plan, answer, or pass on.

        Raises:
            ModelError: the model cannot be asked; the run can be resumed once it can.
        """
        settings = Context.model_validate(state["run"]["settings"])
        feedback = ""
        if needs_approval(state):
            review = PlanReview.model_validate(interrupt({"kind": "approve_plan", "plan": state["plan"]}))
            if review.decision == "approve":
                return {"is_plan_approved": True}
            if review.decision == "edit" and review.plan is not None and review.plan.subtasks:
                plan = review.plan.steps()
                return {"plan": plan, "is_plan_approved": True, "plans": [*state["plans"][:-1], plan]}
            feedback = review.reason or "no reason given"
        elif remaining(state):
            return {}
        is_last = state["cycle"] >= settings.max_cycles
        messages = prompt(
            run=state["run"], cases=state["cases"], results=state["results"], is_last=is_last, feedback=feedback
        )
        model = await models.get("planner", settings.planner)
        try:
            if is_last:
                final = await caller.ask(model, FinalAnswer, messages)
                return {"usage": tokens_of(final), "plan": [], "answer": final.value.answer.strip()}
            reply = await caller.ask(model, schema, messages)
        except InvalidReply as error:
            return {"plan": [], "error": f"no valid plan: {error}", "error_class": "format"}
        if reply.value.subtasks:
            plans = state["plans"][:-1] if feedback else state["plans"]  # a rejected plan was never accepted
            return {"usage": tokens_of(reply)} | _accept(reply.value.steps(), plans, state["cycle"], runtime)
        return {"usage": tokens_of(reply), "plan": [], "answer": (reply.value.answer or "").strip()}

    return planner


def needs_approval(state: MementoState) -> bool:
    """Whether a person has to look at the plan before it is carried out."""
    is_wanted = state["run"]["settings"]["approve_plan"]
    return bool(is_wanted and state.get("plan") and not state.get("is_plan_approved"))


def _accept(plan: list[Subtask], plans: list[list[Subtask]], cycle: int, runtime: Runtime[Context]) -> dict[str, Any]:
    runtime.stream_writer({"event": "plan", "cycle": cycle + 1, "plan": plan})
    return {"plan": plan, "plans": [*plans, plan], "cycle": cycle + 1, "is_plan_approved": False}
