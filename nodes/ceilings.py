"""Ceilings: what a host lets its clients set in a run's `Context`, field by field.

A number above its ceiling is lowered, and a switch is set as the host wants it, each with a notice; a model, policy or
evaluator that is not allowed refuses the run, since another one in its place would be a surprise; so do instructions
for a role that are too long.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import ValidationError

from memento.memory.errors import InvalidInput
from memento.nodes.context import RunSettings
from memento.nodes.misfit import misfit_of

SettingsT = TypeVar("SettingsT", bound=RunSettings)

_MODELS: Final = ("planner", "executor", "judge", "second_judge")
_CHOICES: Final = (
    *("policy", "subtask_policy", "case_budget", "cases_for", "skills", "lessons", "failures", "acting", "evaluator"),
)
_VALUES: Final = ("positive_from",)
_PROMPTS: Final = ("planner_prompt", "executor_prompt", "judge_prompt")
_SWITCHES: Final = tuple(name for name, field in RunSettings.model_fields.items() if field.annotation is bool)
_WHAT: Final = {
    **dict.fromkeys(_MODELS, "a list of models as provider:model; an empty one leaves the configured model"),
    **dict.fromkeys(_CHOICES, "a list of the allowed names"),
    **dict.fromkeys(_VALUES, "a list of the allowed values"),
    **dict.fromkeys(_PROMPTS, "a number of characters; 0 leaves the built-in instructions"),
    **dict.fromkeys(_SWITCHES, "true or false: what every run has"),
}


class Bounded(NamedTuple):
    """Settings within the ceilings."""

    settings: Any
    """Of the class that was given."""
    notices: list[str]
    """What was changed, as sentences for the run's notices."""


class Ceilings:
    """The most that a run's settings may be; fields without one are bounded by `RunSettings` alone."""

    def __init__(self, limits: Mapping[str, Any]) -> None:
        """Check them.

        Args:
            limits: field of `RunSettings` to a number (the most; of instructions, their characters), a list of names
                (the allowed ones; the configured model and policy always are) or a truth value (what every run has).
                The list of `policy` is that of `subtask_policy`, too, unless that has one of its own.

        Raises:
            InvalidInput: a field that does not exist, or a limit that its field cannot have.
        """
        self._limits = {name: _checked(name, limit) for name, limit in limits.items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ceilings) and self._limits == other._limits

    def __hash__(self) -> int:
        return hash(json.dumps(self._limits, sort_keys=True))

    def over(self, defaults: "Ceilings") -> "Ceilings":
        """These ceilings, and those of `defaults` for fields that have none here."""
        return Ceilings(defaults._limits | self._limits)

    def _with_implied(self) -> dict[str, Any]:
        implied = {"subtask_policy": self._limits["policy"]} if "policy" in self._limits else {}
        return implied | self._limits

    def bounded(self, settings: RunSettings) -> Bounded:
        """Return the settings within the ceilings.

        Raises:
            InvalidInput: a model, a policy or an evaluator that is not allowed, or instructions that are too long.
        """
        changes: dict[str, Any] = {}
        notices = []
        for name, limit in self._with_implied().items():
            given = getattr(settings, name)
            if isinstance(limit, list):
                _refuse_unless_allowed(name, given, limit)
            elif name in _PROMPTS:
                _refuse_if_longer(name, given, limit)
            elif isinstance(limit, bool):
                if given != limit:
                    changes[name] = limit
                    if name in settings.model_fields_set:
                        notices.append(f"{name} is {str(limit).lower()} here, whatever a run asks for")
            elif given is None or given > limit:
                changes[name] = limit
                if given is not None:
                    notices.append(f"{name} is {limit:g} instead of {given:g}: the most that is allowed here")
        return Bounded(settings.model_copy(update=changes) if changes else settings, notices)


def parse_ceilings(text: str) -> Ceilings:
    """Parse a JSON object from fields to ceilings; empty: none.

    Raises:
        InvalidInput: it is no such object.
    """
    if not text.strip():
        return Ceilings({})
    try:
        limits = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f'ceilings are a JSON object such as {{"k": 8}}, and this is no JSON: {error}') from error
    if not isinstance(limits, dict):
        raise InvalidInput('ceilings are a JSON object from settings of a run to limits, such as {"k": 8}')
    return Ceilings(limits)


def _checked(name: str, limit: Any) -> Any:
    field = RunSettings.model_fields.get(name)
    if field is None:
        known = ", ".join(RunSettings.model_fields)
        raise InvalidInput(f"a run has no setting {name!r} to set a ceiling for; there are {known}")
    if name in _SWITCHES:
        is_right = isinstance(limit, bool)
    elif name in (*_MODELS, *_CHOICES):
        is_right = isinstance(limit, list) and all(isinstance(one, str) and one for one in limit)
    elif name in _VALUES:
        is_right = isinstance(limit, list) and not any(isinstance(one, bool) for one in limit)
    elif name in _PROMPTS:
        is_right = isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0
    else:
        is_right = isinstance(limit, int | float) and not isinstance(limit, bool)
    if not is_right:
        raise InvalidInput(f"the ceiling of {name} is {_WHAT.get(name, 'a number')}, not {str(limit)[:80]!r}")
    try:
        # of instructions, a text of that length
        samples = ["x" * limit] if name in _PROMPTS else limit if isinstance(limit, list) else [limit]
        for one in samples:
            RunSettings.model_validate({name: one})
    except ValidationError as error:
        raise misfit_of(error, lambda field_name: f"the ceiling of {field_name}") from error
    return sorted(limit, key=str) if isinstance(limit, list) else limit


def _refuse_unless_allowed(name: str, given: str | float | None, allowed: list[str | float]) -> None:
    if given is None or given in allowed:
        return
    instead = f"choose one of: {', '.join(map(str, allowed))}" if allowed else "leave it empty for the configured one"
    raise InvalidInput(f"{name} {str(given)[:80]!r} is not allowed here; {instead}")


def _refuse_if_longer(name: str, given: str, limit: int) -> None:
    if len(given) > limit:
        instead = f"has {len(given):,} characters, at most {limit:,} are" if limit else "of your own is not"
        raise InvalidInput(f"{name} {instead} allowed here")


AUTHENTICATED_CEILINGS: Final = Ceilings(
    {
        name: getattr(RunSettings(), name)
        for name in (
            "max_case_tokens",
            "max_cycles",
            "max_model_calls",
            "max_tool_calls",
            "max_seconds",
            "max_tool_seconds",
            "run_max_model_calls",
            "run_max_tool_calls",
            "run_max_seconds",
        )
    }
    | {name: [] for name in _MODELS}
    | dict.fromkeys(_PROMPTS, 0)
)
"""Where users are authenticated and the host says nothing else: budgets up to their defaults, no choice of models, no
instructions of their own."""
