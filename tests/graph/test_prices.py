"""What calls cost: published prices, prices of one's own, and no price where none is known."""

import subprocess
import sys

import pytest
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from pydantic import ValidationError

from memento.graph.prices import Rate, make_price, parse_prices, price_of
from memento.graph.settings import Settings


def tokens(n_input: int, n_output: int, *, n_cached: int = 0, n_written: int = 0) -> UsageMetadata:
    return UsageMetadata(
        input_tokens=n_input,
        output_tokens=n_output,
        total_tokens=n_input + n_output,
        input_token_details=InputTokenDetails(cache_read=n_cached, cache_creation=n_written),
    )


@pytest.mark.parametrize("name", ["gpt-4.1", "openai:gpt-4.1", "OpenAI:GPT-4.1", "gpt-4.1-2025-04-14"])
def test_the_published_price_is_found_when_the_model_is_known(name: str) -> None:
    assert make_price()(name, tokens(1_000_000, 0)) == pytest.approx(2.0)
    assert make_price()(name, tokens(0, 1_000_000)) == pytest.approx(8.0)


def test_cached_tokens_cost_less_and_written_ones_more() -> None:
    plain, read, written = (
        price_of("claude-sonnet-4-5", "anthropic", tokens(100_000, 0, **details))
        for details in ({}, {"n_cached": 100_000}, {"n_written": 100_000})
    )
    assert plain is not None
    assert read == pytest.approx(0.1 * plain)
    assert written == pytest.approx(1.25 * plain)


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("gpt-4.1", "azure_openai"),
        ("gemini-2.5-pro", "google_genai"),
        ("grok-4.3", "xai"),
        ("mistral-large-latest", "mistralai"),
    ],
)
def test_a_provider_is_known_by_the_name_that_langchain_gives_it(name: str, provider: str) -> None:
    assert price_of(name, provider, tokens(1_000_000, 0)) == make_price()(f"{provider}:{name}", tokens(1_000_000, 0))
    assert price_of(name, provider, tokens(1_000_000, 0)) or pytest.fail("no price")


@pytest.mark.parametrize(
    "name", ["stub", "qwen3:4b", "deepseek-r1:7b", "openai:no-such-model", "nobody:gpt-4.1", "", ":"]
)
def test_there_is_no_price_when_the_model_is_not_known(name: str) -> None:
    assert make_price()(name, tokens(1_000_000, 1_000_000)) is None


def test_there_is_a_price_when_more_tokens_are_cached_than_were_given() -> None:
    assert price_of("gpt-4.1", "openai", tokens(10, 0, n_cached=1_000_000)) == pytest.approx(0.5)


def test_the_price_of_ones_own_wins_with_or_without_provider() -> None:
    price = make_price(parse_prices(" gpt-4.1 = 1/3, openai:o4-mini=0.5/5,, Qwen3:4b=0/0,"))
    assert price("openai:gpt-4.1", tokens(2_000_000, 1_000_000)) == pytest.approx(5.0)
    assert price("openai:o4-mini", tokens(2_000_000, 0)) == pytest.approx(1.0)
    assert price("qwen3:4b", tokens(5, 5)) == 0.0
    assert price("o4-mini", tokens(2_000_000, 0)) == pytest.approx(1.0)  # as models call themselves
    assert price("gpt-4.1-mini", tokens(1_000_000, 0)) == price_of("gpt-4.1-mini", None, tokens(1_000_000, 0))


@pytest.mark.parametrize("text", ["gpt-4.1", "gpt-4.1=2", "=2/8", "a=2/8/1", "a=x/1", "a=-1/2", "a=nan/1", "a=inf/1"])
def test_the_error_shows_the_entry_and_the_form_when_a_price_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="write name=in/out"):
        parse_prices(f"ok=1/2, {text}")


def test_settings_read_prices_and_name_the_variable_when_they_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_PRICES", "mine=1/2")
    assert parse_prices(Settings().prices) == {"mine": Rate(1.0, 2.0)}
    monkeypatch.setenv("MEMENTO_PRICES", "mine=1")
    with pytest.raises(ValidationError, match=r"(?s)prices.*write name=in/out"):
        Settings()


def test_no_thread_and_no_connection_is_made_when_prices_are_asked_for() -> None:
    source = (
        "import sys\n"
        "seen = []\n"
        "sys.addaudithook(lambda event, _: seen.append(event))\n"
        "from memento.graph.prices import load_prices, make_price\n"
        "load_prices()\n"
        "usage = {'input_tokens': 1000000, 'output_tokens': 0, 'total_tokens': 0}\n"
        "print(make_price()('gpt-4.1', usage))\n"
        "print([event for event in seen if event.startswith(('socket.', '_thread.start'))], 'import' in seen)\n"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert done.stdout == "2.0\n[] True\n", done.stderr
