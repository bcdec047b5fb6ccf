"""Disables streaming for model calls whose reply must come in one piece."""

from typing import Any

from langchain_core.language_models import BaseChatModel


def unstreamed(model: BaseChatModel) -> dict[str, Any]:
    """Return call arguments that disable streaming; empty for models that do not need it.

    OpenAI's package drops the words of a refusal from streams, and warns about every object that it parses in one.
    """
    is_openai = any(base.__name__ == "BaseChatOpenAI" for base in type(model).__mro__)
    return {"stream": False} if is_openai else {}
