"""Environment variables of settings: their names, sentences about those that do not parse, and misspelt ones."""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from memento.memory.reasons import masked

PREFIX = "MEMENTO_"

_OTHER_VARIABLES = frozenset({"MEMENTO_EXECUTION"})
"""Set by our own sandbox, for what runs in it."""


def variable(field_name: str | None, fields: Mapping[str, FieldInfo]) -> str:
    """The environment variable of a setting."""
    field = fields.get(field_name or "")
    alias = field.validation_alias if field is not None else None
    return alias if isinstance(alias, str) else f"{PREFIX}{str(field_name).upper()}"


def setting_faults(error: ValidationError, fields: Mapping[str, FieldInfo]) -> list[str]:
    """A sentence for each setting that does not parse, under its variable's name: `MEMENTO_POLICY should be ...`."""
    faults = []
    for fault in error.errors(include_url=False):
        name = str(fault["loc"][0])
        name = name if name.isupper() else variable(name, fields)
        problem = fault["msg"].removeprefix("Input ").removeprefix("Value error, ")
        if problem.startswith(f"{name} "):  # it shows what was given, without passwords
            faults.append(problem)
        elif re.search(r"KEY|URL", name):
            faults.append(f"{name} {problem}")
        else:
            faults.append(f"{name} {problem}, not {masked(str(fault.get('input')))[:80]!r}")
    return faults


def unknown_variables(environment: Mapping[str, str], fields: Mapping[str, FieldInfo]) -> dict[str, str]:
    """`MEMENTO_*` variables that no setting reads, mostly misspelt, each with the setting it resembles, or empty."""
    known = {variable(name, fields) for name in fields}
    ours = sorted(name.removeprefix(PREFIX) for name in known if name.startswith(PREFIX))
    given = (name for name, value in environment.items() if value and name.upper().startswith(PREFIX))
    unknown = sorted(name for name in given if name.upper() not in known | _OTHER_VARIABLES)
    resembled = {name: get_close_matches(name.upper().removeprefix(PREFIX), ours, n=1) for name in unknown}
    return {name: f"{PREFIX}{found[0]}" if found else "" for name, found in resembled.items()}
