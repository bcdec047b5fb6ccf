"""Arguments of the tools that `case_tools` makes, as a model is shown them."""

from typing import Final, Literal

from pydantic import BaseModel, Field

_EVENT: Final = "The event id that recall_cases told; empty when no cases were recalled for this task."

AgentOutcome = Literal["worked", "failed", "unknown"]


class RecallArguments(BaseModel):
    """Arguments of `recall_cases`."""

    task: str = Field(min_length=1, max_length=20_000, description="What is to be done, complete in itself.")


class RememberArguments(BaseModel):
    """Arguments of `remember_case`."""

    task: str = Field(min_length=1, max_length=20_000, description="What was to be done, complete in itself.")
    approach: str = Field(
        min_length=1, max_length=20_000, description="What you did, step by step, so that it can be repeated."
    )
    outcome: AgentOutcome = Field(
        description="worked or failed only where you have seen it: a test, a tool's result, the user. Else unknown."
    )
    lesson: str = Field(default="", max_length=4_000, description="Why it worked or failed, in a sentence or two.")
    event_id: str = Field(default="", max_length=64, description=_EVENT)


class FeedbackArguments(BaseModel):
    """Arguments of `give_feedback`."""

    event_id: str = Field(min_length=1, max_length=64, description="The event id that recall_cases told for the task.")
    outcome: AgentOutcome = Field(description="How the task ended, as far as you have seen it. unknown withdraws it.")
    lesson: str = Field(default="", max_length=4_000, description="Why, in a sentence or two.")
