"""Readable messages for pydantic validation errors of options, variables and settings."""

import re
from collections.abc import Callable
from typing import Any, Final

from pydantic import ValidationError

from memento.memory.errors import InvalidInput
from memento.memory.reasons import masked

_SHOWN_CHARS: Final = 80
_HIDDEN: Final = re.compile(r"(?i)key|url|password|secret|token$")


def misfit_of(error: ValidationError, named: Callable[[str], str] = str) -> InvalidInput:
    """Describe all faults: `--max-cycles should be less than or equal to 10, not '99'`.

    Args:
        error: of parsing what was given.
        named: from the name of a field to the name by which it was given.
    """
    faults = error.errors(include_url=False)
    return InvalidInput("; ".join(fault_sentence(named(".".join(map(str, one["loc"]))), one) for one in faults))


def fault_sentence(name: str, fault: Any) -> str:
    """Describe one fault under the name the value was given by; secret values are not shown."""
    problem: str = fault["msg"].removeprefix("Input ").removeprefix("Value error, ")
    if problem.startswith(f"{name} "):  # it shows what was given, without passwords
        return problem
    given = "" if _HIDDEN.search(name) else f", not {masked(str(fault.get('input')))[:_SHOWN_CHARS]!r}"
    return f"{name} {problem}{given}"
