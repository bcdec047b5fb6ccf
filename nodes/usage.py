"""Usage and spending of a run, as counted against budgets. JSON values, as all of the state."""

from typing_extensions import TypedDict  # pydantic draws no schema of typing's own before Python 3.12


class Usage(TypedDict):
    """Tokens, calls and cost used."""

    input_tokens: int
    output_tokens: int
    model_calls: int
    tool_calls: int
    cost_usd: float
    """Of the calls whose price is known."""
    unpriced_calls: int
    """Model calls whose price is not known."""


class Spent(TypedDict):
    """Amounts spent of a run's budgets."""

    model_calls: int
    tool_calls: int
    tokens: int
    cost_usd: float
    seconds: float
    """In which plans were made or at least one subtask was worked on: waiting for a person costs nothing."""


def add_usage(old: Usage | None, new: Usage | list[Usage] | None) -> Usage:
    """Reducer: the sum. None resets; a list of one starts afresh with that."""
    if new is None:
        return no_usage()
    if isinstance(new, list):
        old, new = None, new[0]
    # Threads that began with an earlier release lack some.
    one, other = no_usage() | (old or {}), no_usage() | new
    return {
        "input_tokens": one["input_tokens"] + other["input_tokens"],
        "output_tokens": one["output_tokens"] + other["output_tokens"],
        "model_calls": one["model_calls"] + other["model_calls"],
        "tool_calls": one["tool_calls"] + other["tool_calls"],
        "cost_usd": one["cost_usd"] + other["cost_usd"],
        "unpriced_calls": one["unpriced_calls"] + other["unpriced_calls"],
    }


def no_usage() -> Usage:
    """Return a `Usage` of zero."""
    return {
        "input_tokens": 0,
        "output_tokens": 0,
        "model_calls": 0,
        "tool_calls": 0,
        "cost_usd": 0.0,
        "unpriced_calls": 0,
    }
