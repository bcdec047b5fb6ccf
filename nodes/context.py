"""Per-run settings. Studio and the Assistants API draw a form from this model."""

from difflib import get_close_matches
from typing import Any, Self

from langgraph.runtime import Runtime
from pydantic import ConfigDict, Field, field_validator, model_validator

from memento.nodes.run_settings.budgets import BudgetSettings
from memento.nodes.run_settings.cases import CaseSettings
from memento.nodes.run_settings.evaluation import EvaluationSettings
from memento.nodes.run_settings.form import draw_form, in_form
from memento.nodes.run_settings.roles import RoleSettings

_MISSPELT = 0.85
"""How alike a foreign name and one of ours are, from which on it is taken for a misspelling: difflib's ratio."""


class RunSettings(EvaluationSettings, BudgetSettings, RoleSettings, CaseSettings):  # fields: the last base's first
    """Settings of a run, as its state keeps them; every field has a default, and none holds a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=draw_form)


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
