"""A person's review of a plan before it is carried out: approve, edit, reject."""

from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from memento.nodes.human_in_the_loop import Question, UnreadableReply, ask_person, decision_of, parsed
from memento.nodes.plan import Plan, plan_text
from memento.nodes.subtasks import Subtask

PlanT = TypeVar("PlanT", bound=Plan)

ACTION = "carry_out_plan"
"""Name of the action that a person approves."""

_DESCRIPTION = "Carry out this plan? Reject it with a reason, and another one is made."


class PlanReview(BaseModel, Generic[PlanT]):
    """What a person says about a plan that waits for approval.

    Replies of chat UIs are read too (see `human_in_the_loop`): a decision of LangChain's middleware or Agent Inbox, a
    bare word, and any other text, which rejects the plan for the reason that it gives.
    """

    model_config = ConfigDict(extra="forbid")  # a misspelt rejection must not pass for an approval

    decision: Literal["approve", "edit", "reject"]
    plan: PlanT | None = Field(default=None, description="With edit: the plan to carry out instead.")
    reason: str = Field(default="", description="With reject: shown to the planner, which plans again.")

    @model_validator(mode="before")
    @classmethod
    def _from_reply(cls, given: Any) -> Any:
        decision = decision_of(given)
        if decision is None:
            given = parsed(given)
            return (
                {"decision": "reject", "reason": given.strip()} if isinstance(given, str) and given.strip() else given
            )
        if decision.verdict == "edit":
            return {"decision": "edit", "plan": _plan(decision.args)}
        is_approval = decision.verdict == "approve"
        return {"decision": "approve" if is_approval else "reject", "reason": decision.reason}

    @model_validator(mode="after")
    def _has_steps_when_edited(self) -> Self:
        if self.decision == "edit" and (self.plan is None or not self.plan.subtasks):
            raise ValueError("with edit, give the plan to carry out instead: at least one subtask")
        return self


def review_of(plan: list[Subtask], schema: type[PlanT]) -> PlanReview[PlanT]:
    """Wait for a person's review of a plan. Call it first in a node.

    Args:
        plan: which.
        schema: of an edited plan, which is held to the same.

    Raises:
        GraphInterrupt: the run waits.
    """
    review: Any = PlanReview[schema]  # type: ignore[valid-type]
    question = Question(
        kind="approve_plan",
        action=ACTION,
        args={"subtasks": plan},
        description=f"{_DESCRIPTION}\n\n{plan_text([plan])}",
        shown={"plan": plan},
        schema=review.model_json_schema(),
    )
    reviewed: PlanReview[PlanT] = ask_person(question, review.model_validate)
    return reviewed


def _plan(args: Any) -> Any:
    """The plan in the arguments of an edited action: forms send its parts as texts."""
    args = parsed(args)
    if isinstance(args, dict) and set(args) == {"plan"}:
        args = parsed(args["plan"])
    if isinstance(args, list):
        return {"subtasks": args}
    if isinstance(args, dict) and "subtasks" in args:
        return {**args, "subtasks": parsed(args["subtasks"])}
    raise UnreadableReply("with edit, give the plan to carry out instead: `subtasks`, each with id and description")
