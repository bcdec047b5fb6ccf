"""Per-run settings. Studio and the Assistants API draw a form from this model."""

import math
from difflib import get_close_matches
from typing import Any, Literal, Self

from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from memento.memory.policies.registry import PolicyName
from memento.memory.success import GivenPositiveFrom
from memento.nodes.form import draw_form, in_form
from memento.nodes.scoring.grade import EvaluatorName

MAX_CASE_TOKENS = 8_000
"""Of all cases in a prompt together, unless a run says otherwise."""

MAX_INSTRUCTION_CHARS = 8_000
"""Of the instructions that a run adds to those of a role."""

MAX_MODEL_CHARS = 500
"""Of a model's name as provider:model."""

_MISSPELT = 0.85
"""How alike a foreign name and one of ours are, from which on it is taken for a misspelling: difflib's ratio."""


def _instructions(role: str, group: str, node: str) -> Any:
    return Field(
        default="",
        max_length=MAX_INSTRUCTION_CHARS,
        title=f"{role.capitalize()} instructions",
        description=(
            f"Instructions of your own for the {role}, beside the built-in ones: the domain, the style, what to "
            "prefer. The form of its reply, and that material is no instruction, is said after them."
        ),
        json_schema_extra=in_form(group, node, kind="prompt"),
    )


class RunSettings(BaseModel):
    """Settings of a run, as its state keeps them; every field has a default, and none holds a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=draw_form)

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
    planner: str | None = Field(
        default=None,
        max_length=MAX_MODEL_CHARS,
        title="Planner model",
        description="Planner model as provider:model. Empty: the configured one.",
        json_schema_extra=in_form("Planning", "planner", "retrieve_case", kind="model"),
    )
    planner_prompt: str = _instructions("planner", "Planning", "planner")
    max_cycles: int = Field(
        default=3,
        ge=1,
        le=10,
        title="Plans",
        description="How many times the planner may plan.",
        json_schema_extra=in_form("Planning", "planner"),
    )
    approve_plan: bool = Field(
        default=False,
        title="Approve plans",
        description="Pause before a plan is carried out: approve, edit, reject.",
        json_schema_extra=in_form("Planning", "planner"),
    )
    executor: str | None = Field(
        default=None,
        max_length=MAX_MODEL_CHARS,
        title="Executor model",
        description="Executor model as provider:model. Empty: the configured one.",
        json_schema_extra=in_form("Execution", "executor", kind="model"),
    )
    executor_prompt: str = _instructions("executor", "Execution", "executor")
    acting: Literal["choice", "tools"] = Field(
        default="choice",
        title="Acting",
        description=(
            "How the executor's model acts in an environment. choice: it is asked for one of the valid actions at each "
            "step, which small models can do. tools: its agent has the tools act and observe beside the run's others, "
            "for models that call tools well."
        ),
        json_schema_extra=in_form("Execution", "executor"),
    )
    repeat_actions: bool = Field(
        default=False,
        title="Repeat actions",
        description=(
            "Whether an action is offered again in a situation of an environment that looks the same as when it was "
            "taken. Off: only when every other action was taken there, too."
        ),
        json_schema_extra=in_form("Execution", "executor"),
    )
    max_steps: int = Field(
        default=50,
        ge=1,
        le=1_000,
        title="Steps of an episode",
        description=(
            "Actions that an episode in an environment may take; its budgets of tokens, money and time, and the run's, "
            "hold beside that."
        ),
        json_schema_extra=in_form("Budgets of a subtask", "executor"),
    )
    max_model_calls: int = Field(
        default=12,
        ge=1,
        le=100,
        title="Model calls per subtask",
        description="Model calls per subtask.",
        json_schema_extra=in_form("Budgets of a subtask", "executor"),
    )
    max_tool_calls: int = Field(
        default=40,
        ge=1,
        le=500,
        title="Tool calls per subtask",
        description="Tool calls per subtask.",
        json_schema_extra=in_form("Budgets of a subtask", "executor"),
    )
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        title="Tokens per subtask",
        description="Tokens per subtask, read and written. Empty: any.",
        json_schema_extra=in_form("Budgets of a subtask", "executor"),
    )
    max_cost_usd: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        title="US dollars per subtask",
        description="US dollars per subtask. Empty: any.",
        json_schema_extra=in_form("Budgets of a subtask", "executor"),
    )
    max_seconds: float = Field(
        default=600,
        ge=0.1,
        le=86_400,
        title="Seconds per subtask",
        description="Time per subtask; also for making one plan, and for the reward.",
        json_schema_extra=in_form("Budgets of a subtask", "executor", "planner", "evaluate"),
    )
    max_tool_seconds: float = Field(
        default=300,
        ge=0.1,
        le=3_600,
        title="Seconds per tool call",
        description="Time per tool call.",
        json_schema_extra=in_form("Budgets of a subtask", "executor"),
    )
    run_max_model_calls: int = Field(
        default=400,
        ge=1,
        le=10_000,
        title="Model calls of the run",
        description="Model calls of the whole run, the judge's apart.",
        json_schema_extra=in_form("Budgets of the run", "planner", "executor"),
    )
    run_max_tool_calls: int = Field(
        default=1_000,
        ge=1,
        le=50_000,
        title="Tool calls of the run",
        description="Tool calls of the whole run.",
        json_schema_extra=in_form("Budgets of the run", "executor"),
    )
    run_max_tokens: int | None = Field(
        default=None,
        ge=1,
        title="Tokens of the run",
        description="Tokens of the whole run. Empty: any.",
        json_schema_extra=in_form("Budgets of the run", "planner", "executor"),
    )
    run_max_cost_usd: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        title="US dollars of the run",
        description="US dollars of the whole run. Empty: any.",
        json_schema_extra=in_form("Budgets of the run", "planner", "executor"),
    )
    run_max_seconds: float = Field(
        default=3_600,
        ge=0.1,
        le=604_800,
        title="Seconds of the run",
        description="Time in which the whole run plans and works on subtasks; waiting for a person costs nothing.",
        json_schema_extra=in_form("Budgets of the run", "planner", "executor"),
    )
    evaluator: EvaluatorName = Field(
        default="auto",
        title="Evaluator",
        description=(
            "Who gives the reward. With a reference: auto (exact match, then the judge), exact, f1 (words in common), "
            "gaia (its rules), judge, judges (two must agree). Without one: rubric (a judge's list of criteria), "
            "environment (the score of the episode, which auto takes, too, where there is one), custom (the host's own "
            "function), human. none: nobody."
        ),
        json_schema_extra=in_form("Evaluation", "evaluate"),
    )
    judge: str | None = Field(
        default=None,
        max_length=MAX_MODEL_CHARS,
        title="Judge model",
        description="Judge model as provider:model. Empty: the configured one.",
        json_schema_extra=in_form("Evaluation", "evaluate", kind="model"),
    )
    second_judge: str | None = Field(
        default=None,
        max_length=MAX_MODEL_CHARS,
        title="Second judge model",
        description="With judges: the second one as provider:model. Empty: the first is asked again in another way.",
        json_schema_extra=in_form("Evaluation", "evaluate", kind="model"),
    )
    judge_prompt: str = _instructions("judge", "Evaluation", "evaluate")
    lesson_calls: int = Field(
        default=0,
        ge=0,
        le=10,
        title="Model calls for a lesson",
        description=(
            "Calls of the judge's model that may be spent on a lesson, after a known failure or a success against the "
            "odds: one, and others where a reply has not the form asked for. 0: no lessons are written."
        ),
        json_schema_extra=in_form("Evaluation", "write_case"),
    )
    show_steps: bool = Field(
        default=False,
        title="Show steps",
        description="Show cases, plans, tool calls and results in the chat, as tool messages.",
        json_schema_extra=in_form("Chat", "score_case", "planner", "executor"),
    )

    @field_validator("max_cost_usd", "run_max_cost_usd", mode="before")
    @classmethod
    def _is_any(cls, value: Any) -> Any:
        return None if value == math.inf else value  # no JSON can say it; settings of earlier releases may


class Context(RunSettings):
    """Per-run settings, beside what a host has of its own.

    A host's keys pass: tools find them in `ToolRuntime.context`, and nothing of them enters the state. A host may also
    subclass this class, and give it to `Deps.context_schema`.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    namespace: str | None = Field(
        default=None,
        title="Namespace",
        json_schema_extra=in_form("Cases", "retrieve_case"),
        description="Whose cases to use, whatever the input says. Empty: the input's namespace, or the usual one.",
        max_length=200,
    )

    @field_validator("positive_from", mode="before")
    @classmethod
    def _is_empty(cls, value: Any) -> Any:
        return None if value == "" else value  # as a form sends it

    @model_validator(mode="after")
    def _has_no_misspelt_setting(self) -> Self:
        for name in self.model_extra or {}:
            known = {one.casefold(): one for one in type(self).model_fields}
            for meant in get_close_matches(name.casefold(), known, n=1, cutoff=_MISSPELT):
                raise ValueError(f"there is no setting {name!r}: did you mean {known[meant]!r}?")
        return self

    def settings(self) -> dict[str, Any]:
        """Return the settings as JSON values, without what is the host's own."""
        return self.model_dump(include=set(RunSettings.model_fields))


def context_of(runtime: Runtime[Any]) -> Context:
    """Return the run's context, from whatever hosts and servers pass: nothing, a dict, or their own context."""
    given = runtime.context
    if isinstance(given, Context):
        return given
    if isinstance(given, RunSettings):
        return Context.model_validate(given.model_dump())
    return Context.model_validate(given) if isinstance(given, dict) else Context()


def strict_context(values: dict[str, Any]) -> Context:
    """Return the context of settings that nobody adds keys of their own to: those of a command line or a plan.

    Raises:
        ValidationError: a key that is no setting, or a value out of bounds.
    """
    return Context.model_validate(RunSettings.model_validate(values).model_dump())
