"""Function calls as text: parsed, never evaluated. One call of a plain name, with literals as arguments."""

import ast
from typing import Any, Final, NamedTuple

_LONGEST: Final = 20_000
_LARGEST: Final = 2**63
_LITERAL: Final = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.UnaryOp, ast.USub, ast.UAdd, ast.Load)
_CONSTANT: Final = (str, int, float, bool, type(None))
_WANTED: Final = "An action is one function call with literal arguments, such as cd(folder='documents')."


class NotACall(ValueError):
    """The text is not one call of a function with literal arguments; the message says why."""


class FunctionCall(NamedTuple):
    """A call as it was written."""

    name: str
    args: list[Any]
    named: dict[str, Any]


def parse_call(text: str) -> FunctionCall:
    """Parse a call.

    Raises:
        NotACall: it is something else.
    """
    if len(text) > _LONGEST:
        raise NotACall(f"That is longer than {_LONGEST} characters. {_WANTED}")
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotACall(f"That cannot be read. {_WANTED}") from None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise NotACall(f"That is not a call. {_WANTED}")
    names = [keyword.arg for keyword in call.keywords]
    if None in names or len(set(names)) < len(names):
        raise NotACall(f"Each argument must have a name of its own. {_WANTED}")
    return FunctionCall(
        call.func.id,
        [_literal(node) for node in call.args],
        {str(keyword.arg): _literal(keyword.value) for keyword in call.keywords},
    )


def _literal(node: ast.expr) -> Any:
    for part in ast.walk(node):
        if not isinstance(part, _LITERAL):
            raise NotACall(f"Arguments must be literals: text in quotes, numbers, True, False, None, lists. {_WANTED}")
        if isinstance(part, ast.Constant):
            if not isinstance(part.value, _CONSTANT):
                raise NotACall(f"Arguments must be text, numbers, True, False, None, lists or dicts. {_WANTED}")
            if isinstance(part.value, int) and part.value >= _LARGEST:
                raise NotACall("A whole number is too large; write it as text or as a float.")
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError):
        raise NotACall(f"An argument is not a literal. {_WANTED}") from None
