"""Servers of the OpenAI protocol: configured ones, and discovery of one running on this machine."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx
from pydantic import SecretStr

LOCAL_SERVERS = ("http://127.0.0.1:11434/v1", "http://127.0.0.1:8080/v1", "http://127.0.0.1:1234/v1")
"""Ollama, llama-server, LM Studio, in the order in which they are preferred."""

# Servers list these beside the chat models.
_NOT_CHAT = ("embed", "rerank", "whisper", "tts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Configured endpoints; other providers' packages find their keys in the environment themselves."""

    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    azure_endpoint: str | None = None
    azure_api_version: str | None = None
    local_model: Path | None = None
    """A GGUF file to be run in this process."""
    local_servers: Sequence[str] = LOCAL_SERVERS
    """Base URLs to look at when nothing else is configured."""

    @property
    def has_openai(self) -> bool:
        """Whether OpenAI, or a server in its place, is configured."""
        return self.openai_api_key is not None or self.openai_base_url is not None


class FoundServer(NamedTuple):
    """A server that answered, and the first chat model it lists."""

    base_url: str
    model: str


async def find_local_server(base_urls: Sequence[str], *, timeout_s: float = 0.3) -> FoundServer | None:
    """Ask all servers at once for their models, and return the first in the given order that lists one."""
    if not base_urls:
        return None
    # Made in a thread since it reads certificates; no proxy, for these are addresses of this machine.
    async with await asyncio.to_thread(httpx.AsyncClient, timeout=timeout_s, trust_env=False) as client:
        listed = await asyncio.gather(*(_first_model(client, base_url) for base_url in base_urls))
    found = (FoundServer(url, model) for url, model in zip(base_urls, listed, strict=True) if model)
    return next(found, None)


async def _first_model(client: httpx.AsyncClient, base_url: str) -> str | None:
    try:
        response = await client.get(f"{base_url}/models")
        names = [str(model["id"]) for model in response.raise_for_status().json()["data"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None  # nothing there, or something else than a model server
    return next((name for name in names if not any(word in name.lower() for word in _NOT_CHAT)), None)
