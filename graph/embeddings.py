"""The memory's encoder from configured embeddings, by `provider:model`."""

import asyncio
from typing import Any

from memento.graph.endpoints import Endpoints
from memento.memory.embeddings import EmbeddingsEncoder
from memento.memory.errors import EncoderUnavailable
from memento.memory.openai_texts import OpenAITexts
from memento.memory.places import parse_encoder_name
from memento.memory.reasons import brief_reason

_LIMITS = {"timeout": 60.0, "max_retries": 2}


async def make_encoder(spec: str, endpoints: Endpoints) -> EmbeddingsEncoder:
    """Make the encoder; no server is called.

    Args:
        spec: `openai:model` for OpenAI and every server with its protocol, else a provider of LangChain's embeddings.
        endpoints: keys and addresses; other providers' packages find theirs in the environment.

    Raises:
        InvalidInput: the name is not of this form.
        EncoderUnavailable: no such provider, its package is missing, or it refuses its configuration.
    """
    provider, model = parse_encoder_name(spec, "MEMENTO_ENCODER")
    if provider == "openai":
        return EmbeddingsEncoder(_openai(model, endpoints), name=spec)
    try:
        embeddings = await asyncio.to_thread(_build, provider, model, endpoints)
    except Exception as error:  # whatever the constructor of any provider's class raises
        reason = brief_reason(error)
        if "is not supported" in reason:  # LangChain's list of all providers and their packages follows
            reason = f"there is no provider {provider!r}; for a server that speaks OpenAI's protocol write openai:model"
        raise EncoderUnavailable(f"MEMENTO_ENCODER={spec} cannot be set up: {reason}") from error
    return EmbeddingsEncoder(embeddings, name=spec)


def _openai(model: str, endpoints: Endpoints) -> OpenAITexts:
    key = endpoints.openai_api_key
    return OpenAITexts(
        model, base_url=endpoints.openai_base_url, api_key=key.get_secret_value() if key is not None else None
    )


def _build(provider: str, model: str, endpoints: Endpoints) -> Any:
    """Build the embeddings in a thread: the first import of a provider's package takes seconds."""
    from langchain.embeddings import init_embeddings

    options: dict[str, Any] = {}
    if provider == "azure_openai":
        known = {"azure_endpoint": endpoints.azure_endpoint, "api_version": endpoints.azure_api_version}
        options = {key: value for key, value in known.items() if value} | _LIMITS
        options["check_embedding_ctx_length"] = False  # texts, no token ids: their vocabulary would be downloaded
    return init_embeddings(model, provider=provider, **options)
