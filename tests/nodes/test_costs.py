"""What model calls used and cost."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage

from memento.nodes.costs import unpriced_notice, usage_of_reply
from memento.nodes.usage import no_usage
from tests.agent_parts import counted
from tests.node_parts import a_run, begun, scripted

PRICES = {"scripted": 0.25, "gpt-4.1-2025-04-14": 0.5}


def price(model: str, _usage: Any) -> float | None:
    return PRICES.get(model)


def test_configured_name_is_priced_before_the_one_that_the_provider_reports() -> None:
    reply = counted("42", 10, 2)
    reply.response_metadata["model_name"] = "gpt-4.1-2025-04-14"
    usage = usage_of_reply(reply, scripted(), price)
    assert (usage["cost_usd"], usage["unpriced_calls"]) == (0.25, 0)
    assert (usage["input_tokens"], usage["output_tokens"], usage["model_calls"]) == (10, 2, 1)


def test_reported_name_is_priced_when_the_configured_one_is_a_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(PRICES, "scripted")
    reply = counted("42", 10)
    reply.response_metadata["model_name"] = "gpt-4.1-2025-04-14"
    assert usage_of_reply(reply, scripted(), price)["cost_usd"] == 0.5


@pytest.mark.parametrize("reply", [AIMessage("42"), counted("42", -5, -5)])
def test_nothing_is_subtracted_when_tokens_are_absent_or_nonsense(reply: AIMessage) -> None:
    usage = usage_of_reply(reply, scripted(), None)
    assert (usage["input_tokens"], usage["cost_usd"], usage["unpriced_calls"]) == (0, 0.0, 1)


def test_a_free_call_has_a_price_when_it_is_zero() -> None:
    assert usage_of_reply(counted("42", 1), scripted(), lambda _model, _usage: 0.0)["unpriced_calls"] == 0


@pytest.mark.parametrize(
    ("settings", "n_unpriced", "is_told"),
    [
        ({}, 2, False),
        ({"max_cost_usd": 1}, 0, False),
        ({"max_cost_usd": 1}, 2, True),
        ({"run_max_cost_usd": 1}, 2, True),
    ],
)
def test_user_is_told_only_when_a_budget_of_money_cannot_be_kept(
    settings: dict[str, Any], n_unpriced: int, is_told: bool
) -> None:
    state = begun(a_run(settings=settings), usage=no_usage() | {"model_calls": 3, "unpriced_calls": n_unpriced})
    assert bool(unpriced_notice(state)) is is_told
