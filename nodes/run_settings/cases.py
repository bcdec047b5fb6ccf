"""Settings of a run: which cases are shown, to whom, and which are kept."""

from typing import Literal

from pydantic import BaseModel, Field

from memento.memory.policies.registry import PolicyName
from memento.memory.success import GivenPositiveFrom
from memento.nodes.run_settings.form import in_form

MAX_CASE_TOKENS = 8_000
"""Of all cases in a prompt together, unless a run says otherwise."""


class CaseSettings(BaseModel):
    """How cases are chosen and shown."""

    policy: PolicyName | None = Field(
        default=None,
        title="Policy",
        description="How cases are chosen. Empty: the memory's own policy (MEMENTO_POLICY).",
        json_schema_extra=in_form("Cases", "retrieve_case", "score_case"),
    )
    k: int = Field(
        default=4,
        ge=0,
        le=32,
        title="Cases shown",
        description="How many cases are shown at most.",
        json_schema_extra=in_form("Cases", "score_case"),
    )
    max_case_tokens: int = Field(
        default=MAX_CASE_TOKENS,
        ge=200,
        le=200_000,
        title="Tokens of all cases",
        description=(
            "Tokens of all cases in a prompt, about; never more than a quarter of what its model can read. Longer "
            "cases are shown shortened."
        ),
        json_schema_extra=in_form("Cases", "planner", "executor"),
    )
    case_budget: Literal["shorten", "choose"] = Field(
        default="shorten",
        title="Cases over the budget",
        description=(
            "How cases are kept within max_case_tokens. Shorten: all are shown, long ones shortened. Choose: those "
            "are served that add most for their tokens, fewer where the budget is used up."
        ),
        json_schema_extra=in_form("Cases", "score_case"),
    )
    cases_for: Literal["planner", "executor", "both"] = Field(
        default="planner",
        title="Who is shown cases",
        description=(
            "Who is shown the cases: the planner, the executors, or both. The actor in an environment is always shown "
            "them."
        ),
        json_schema_extra=in_form("Cases", "planner", "executor"),
    )
    subtask_k: int = Field(
        default=0,
        ge=0,
        le=32,
        title="Subtask cases shown",
        description=(
            "How many cases of earlier subtasks each executor is shown at most, beside other cases: what it was asked, "
            "how it was carried out, and how the run ended. 0: none are read or written."
        ),
        json_schema_extra=in_form("Cases", "executor", "write_case"),
    )
    subtask_policy: PolicyName | None = Field(
        default=None,
        title="Policy of subtask cases",
        description="How cases of earlier subtasks are chosen. Empty: as the run's other cases are.",
        json_schema_extra=in_form("Cases", "executor"),
    )
    step_k: int = Field(
        default=0,
        ge=0,
        le=32,
        title="Step cases shown",
        description=(
            "How many cases of steps in similar situations the actor in an environment is shown at most before each "
            "action; not with acting=tools. 0: none are read or written."
        ),
        json_schema_extra=in_form("Cases", "executor", "write_case"),
    )
    skills: Literal["off", "trial"] = Field(
        default="off",
        title="Skills",
        description=(
            "Whether skills, procedures written from several cases, are shown. trial: the nearest one takes the place "
            "of the last case, at random until outcomes show that it is worth that, and never once they do not."
        ),
        json_schema_extra=in_form("Cases", "score_case"),
    )
    lessons: Literal["off", "trial"] = Field(
        default="off",
        title="Lessons",
        description=(
            "Whether lessons, reflections on runs that went wrong or better than expected, are shown. trial: as with "
            "skills, at random until outcomes show what they are worth."
        ),
        json_schema_extra=in_form("Cases", "score_case"),
    )
    failures: Literal["shown", "hidden"] = Field(
        default="shown",
        title="Failed cases",
        description=(
            "Whether cases that failed are shown, too, as what to avoid. Hidden: cases are chosen among those that "
            "worked, and nothing is learned of the others."
        ),
        json_schema_extra=in_form("Cases", "score_case"),
    )
    positive_from: GivenPositiveFrom | None = Field(
        default=None,
        title="Worked from",
        description=(
            "Reward from which on a case is shown as one that worked: a number above 0 and at most 1, or usual, the "
            "mean of the namespace's newest outcomes. Empty: the memory's own (MEMENTO_POSITIVE_FROM)."
        ),
        json_schema_extra=in_form("Cases", "score_case"),
    )
    reread: bool = Field(
        default=False,
        title="Read cases again",
        description="Read cases again before every further plan, with the results so far in the query.",
        json_schema_extra=in_form("Cases", "planner", "retrieve_case"),
    )
    pictures: bool = Field(
        default=False,
        title="Pictures",
        description=(
            "Whether the first image of the task's message is the picture of its situation: it is kept with the case, "
            "and tells the task together with the text. Cases are searched by it where the memory has an image encoder "
            "(MEMENTO_IMAGE_ENCODER). It is not shown to models."
        ),
        json_schema_extra=in_form("Cases", "retrieve_case", "write_case"),
    )
