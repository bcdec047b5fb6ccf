"""Token usage and cost of model calls."""

from collections.abc import Sequence
from math import isfinite

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata

from memento.nodes.sources import Price, model_name
from memento.nodes.state import MementoState
from memento.nodes.structured import StructuredReply
from memento.nodes.subtasks import SubtaskResult
from memento.nodes.usage import Spent, Usage, no_usage


def usage_of_reply(reply: AIMessage, model: BaseChatModel | None, price: Price | None) -> Usage:
    """Return the usage of one reply; without the model, it is priced by the provider's name for it."""
    return _usage(reply.usage_metadata, 1, _names(reply, model), price)


def usage_of_structured(reply: StructuredReply, model: BaseChatModel, price: Price | None) -> Usage:  # type: ignore[type-arg]
    """Return the usage of a structured reply, all attempts together."""
    return _usage(reply.usage, reply.attempts, _names(reply.raw, model), price)


def unpriced_notice(state: MementoState) -> str:
    """Return a notice when a cost budget could not be enforced for lack of prices; empty otherwise."""
    settings, usage = state["run"]["settings"], no_usage() | (state.get("usage") or {})
    has_budget = settings.get("max_cost_usd") is not None or settings.get("run_max_cost_usd") is not None
    if not has_budget or not usage["unpriced_calls"]:
        return ""
    n_calls = f"{usage['unpriced_calls']} of {usage['model_calls']} model calls"
    return f"the budget of money does not hold for {n_calls}: their price is not known, or they do not say their tokens"


def _usage(tokens: UsageMetadata | None, n_calls: int, names: Sequence[str], price: Price | None) -> Usage:
    known = (_priced(price, name, tokens) for name in names) if price and tokens else iter(())
    cost = next((cost for cost in known if cost is not None), None)
    return {
        "input_tokens": max(0, tokens["input_tokens"]) if tokens else 0,
        "output_tokens": max(0, tokens["output_tokens"]) if tokens else 0,
        "model_calls": n_calls,
        "tool_calls": 0,
        "cost_usd": cost or 0.0,
        "unpriced_calls": n_calls if cost is None else 0,
    }


def _priced(price: Price, name: str, tokens: UsageMetadata) -> float | None:
    try:
        cost = price(name, tokens)
        return float(cost) if cost is not None and isfinite(cost) else None
    except Exception:  # noqa: BLE001  it is the host's code; what it cannot price is not known, and the user is told
        return None


def _names(reply: AIMessage, model: BaseChatModel | None) -> list[str]:
    """Return the names to look up a price by: the configured one, then the provider's name for the model."""
    reported = reply.response_metadata.get("model_name")
    names = [model_name(model) if model else "", reported if isinstance(reported, str) else ""]
    return list(dict.fromkeys(name for name in names if name))


def spent_of(state: MementoState) -> Spent:
    """Return what the run has spent so far, from its state."""
    usage = no_usage() | (state.get("usage") or {})
    return {
        "model_calls": usage["model_calls"],
        "tool_calls": usage["tool_calls"],
        "tokens": usage["input_tokens"] + usage["output_tokens"],
        "cost_usd": usage["cost_usd"],
        "seconds": _seconds_worked(state.get("results") or []) + (state.get("asked_seconds") or 0.0),
    }


def _seconds_worked(results: Sequence[SubtaskResult]) -> float:
    """Return the union of the subtasks' working times; parallel ones count once."""
    seconds, until = 0.0, 0.0
    for began, ended in sorted((result.get("began_at", 0.0), result.get("ended_at", 0.0)) for result in results):
        seconds += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return seconds
