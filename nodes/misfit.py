"""One clear sentence of a pydantic error in something that a user gave: an option, a variable, a setting."""

import re
from collections.abc import Callable
from typing import Final

from pydantic import ValidationError

from memento.memory.errors import InvalidInput

_SHOWN_CHARS: Final = 80
_HIDDEN: Final = re.compile(r"(?i)key|ledger_url|password|secret|token$")


def misfit_of(error: ValidationError, named: Callable[[str], str] = str) -> InvalidInput:
    """The first fault: `--max-cycles should be less than or equal to 10, not '99'`.

    Args:
        error: of parsing what was given.
        named: from the name of a field to the name by which it was given.
    """
    first = error.errors(include_url=False)[0]
    name = named(".".join(map(str, first["loc"])))
    problem = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
    if _HIDDEN.search(name):
        return InvalidInput(f"{name} {problem}")
    return InvalidInput(f"{name} {problem}, not {str(first.get('input'))[:_SHOWN_CHARS]!r}")
