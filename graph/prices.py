"""Cost of model calls in US dollars, from the price list of genai-prices; no server is asked.

Prices of the user's own come first: a contract, a model of one's own server (0/0), one that is not in the list.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from memento.extras import optional_imports
from memento.memory.errors import InvalidInput

if TYPE_CHECKING:
    from langchain_core.messages.ai import UsageMetadata

    from memento.nodes.sources import Price

# LangChain's names of providers, where genai-prices has others.
_PROVIDERS: Final = MappingProxyType(
    {
        "azure_ai": "azure",
        "azure_openai": "azure",
        "bedrock": "aws",
        "bedrock_converse": "aws",
        "anthropic_bedrock": "aws",
        "google_genai": "google",
        "google_vertexai": "google",
        "google_anthropic_vertex": "google",
        "mistralai": "mistral",
        "xai": "x-ai",
    }
)


class Rate(NamedTuple):
    """US dollars per million tokens."""

    input: float
    output: float


def parse_prices(text: str) -> dict[str, Rate]:
    """Parse the user's own prices.

    Args:
        text: `name=in/out, ...` in US dollars for a million tokens; a name may carry its provider, `openai:gpt-4.1`.

    Raises:
        ValueError: an entry that is not of this form; the message shows it.
    """
    rates = {}
    for entry in filter(None, (entry.strip() for entry in text.split(","))):
        name, _, amounts = entry.rpartition("=")
        try:
            dollars = [float(amount) for amount in amounts.split("/")]
        except ValueError:
            dollars = []
        if not name.strip() or len(dollars) != 2 or not all(math.isfinite(d) and d >= 0 for d in dollars):
            raise ValueError(
                f"{entry!r} is not a price: write name=in/out in US dollars for a million tokens, "
                "several separated by commas, such as gpt-4.1=2/8, my-model=0/0"
            )
        rates[name.strip().lower()] = Rate(*dollars)
    return rates


def make_price(rates: Mapping[str, Rate] = MappingProxyType({})) -> "Price":
    """Make the function that prices calls by a model's name, with or without provider.

    Its first use imports the list of prices, which takes 0.2 s; `load_prices` does so in advance.

    Args:
        rates: the user's own, which win, by lower-case name with or without provider.
    """
    bare_rates = {name.rpartition(":")[2]: rate for name, rate in rates.items()}

    def price(name: str, usage: "UsageMetadata") -> float | None:
        name = name.lower()
        provider, bare = _split(name)
        rate = rates.get(name) or rates.get(bare) or bare_rates.get(bare)
        if rate is not None:
            return (usage["input_tokens"] * rate.input + usage["output_tokens"] * rate.output) / 1e6
        return price_of(bare, provider, usage)

    return price


def price_of(model_name: str, provider: str | None, usage: "UsageMetadata") -> float | None:
    """Return the US dollars of one call by the published prices, including tokens read from and written to a cache.

    Args:
        model_name: as the provider calls it, with or without a date.
        provider: LangChain's name for it; None to go by the model's name alone.
        usage: tokens of the call.

    Raises:
        InvalidInput: the list of prices is not installed.

    Returns:
        None when the model is in no list. A name with a tag, as local servers give them (`deepseek-r1:7b`), is in none
        when no provider is given: it only resembles what is paid for elsewhere.
    """
    with optional_imports("cli", "prices of models are not known", InvalidInput):
        from genai_prices import Usage, calc_price

    if provider is None and ":" in model_name:
        return None
    cached = usage.get("input_token_details") or {}
    n_read, n_written = cached.get("cache_read") or 0, cached.get("cache_creation") or 0
    tokens = Usage(
        input_tokens=max(usage["input_tokens"], n_read + n_written),
        cache_read_tokens=n_read,
        cache_write_tokens=n_written,
        output_tokens=usage["output_tokens"],
    )
    try:
        found = calc_price(tokens, model_name, provider_id=_PROVIDERS.get(provider, provider) if provider else None)
    except (LookupError, ValueError):
        return None
    return float(found.total_price)


def load_prices() -> None:
    """Import the list of prices. It blocks: call it in a thread."""
    price_of("gpt-4.1", "openai", {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0})


def _split(name: str) -> tuple[str | None, str]:
    """Split `provider:model`; a part before a colon may also belong to a local model's name, `qwen3:4b`."""
    from genai_prices.data_snapshot import get_snapshot

    before, _, after = name.partition(":")
    is_provider = before in _PROVIDERS or any(provider.id == before for provider in get_snapshot().providers)
    return (before, after) if after and is_provider else (None, name)
