"""Per-run settings. Studio and the Assistants API draw a form from this model."""

from difflib import get_close_matches
from typing import Any, Self

from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field, model_validator

from memento.memory.policies.registry import PolicyName
from memento.nodes.scoring.grade import EvaluatorName

MAX_CASE_TOKENS = 8_000
"""Of all cases in a prompt together, unless a run says otherwise."""


_MISSPELT = 0.85
"""How alike a foreign name and one of ours are, from which on it is taken for a misspelling: difflib's ratio."""


class RunSettings(BaseModel):
    """Settings of a run, as its state keeps them; every field has a default, and none holds a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: PolicyName | None = Field(
        default=None, description="How cases are chosen. Empty: the memory's own policy (MEMENTO_POLICY)."
    )
    k: int = Field(default=4, ge=0, le=32, description="How many cases the planner is shown at most.")
    max_case_tokens: int = Field(
        default=MAX_CASE_TOKENS,
        ge=200,
        le=200_000,
        description=(
            "Tokens of all cases in the planner's prompt, about; never more than a quarter of what its model can read. "
            "Longer cases are shown shortened."
        ),
    )
    max_cycles: int = Field(default=3, ge=1, le=10, description="How many times the planner may plan.")
    reread: bool = Field(
        default=False,
        description="Read cases again before every further plan, with the results so far in the query.",
    )
    max_model_calls: int = Field(default=12, ge=1, le=100, description="Model calls per subtask.")
    max_tool_calls: int = Field(default=40, ge=1, le=500, description="Tool calls per subtask.")
    max_tokens: int | None = Field(default=None, ge=1, description="Tokens per subtask, read and written. Empty: any.")
    max_cost_usd: float | None = Field(default=None, gt=0, description="US dollars per subtask. Empty: any.")
    max_seconds: float = Field(
        default=600, ge=0.1, le=86_400, description="Time per subtask; also for making one plan, and for the reward."
    )
    max_tool_seconds: float = Field(default=300, ge=0.1, le=3_600, description="Time per tool call.")
    run_max_model_calls: int = Field(
        default=400, ge=1, le=10_000, description="Model calls of the whole run, the judge's apart."
    )
    run_max_tool_calls: int = Field(default=1_000, ge=1, le=50_000, description="Tool calls of the whole run.")
    run_max_tokens: int | None = Field(default=None, ge=1, description="Tokens of the whole run. Empty: any.")
    run_max_cost_usd: float | None = Field(default=None, gt=0, description="US dollars of the whole run. Empty: any.")
    run_max_seconds: float = Field(
        default=3_600,
        ge=0.1,
        le=604_800,
        description="Time in which the whole run plans and works on subtasks; waiting for a person costs nothing.",
    )
    planner: str | None = Field(default=None, description="Planner model as provider:model. Empty: the configured one.")
    executor: str | None = Field(default=None, description="Executor model as provider:model.")
    judge: str | None = Field(default=None, description="Judge model as provider:model.")
    second_judge: str | None = Field(
        default=None,
        description="With judges: the second one as provider:model. Empty: the first is asked again in another way.",
    )
    evaluator: EvaluatorName = Field(
        default="auto",
        description=(
            "Who gives the reward. With a reference: auto (exact match, then the judge), exact, f1 (words in common), "
            "gaia (its rules), judge, judges (two must agree). Without one: rubric (a judge's list of criteria), "
            "custom (the host's own function), human. none: nobody."
        ),
    )
    approve_plan: bool = Field(default=False, description="Pause before a plan is carried out: approve, edit, reject.")


class Context(RunSettings):
    """Per-run settings, beside what a host has of its own.

    A host's keys pass: tools find them in `ToolRuntime.context`, and nothing of them enters the state. A host may also
    subclass this class, and give it to `Deps.context_schema`.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    namespace: str | None = Field(
        default=None,
        description="Whose cases to use, whatever the input says. Empty: the input's namespace, or the usual one.",
        max_length=200,
    )

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
