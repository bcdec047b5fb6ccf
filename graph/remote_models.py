"""Chat models of providers, made by LangChain from their specs, and whether their servers answer."""

import threading
from collections.abc import Mapping
from typing import Any, Final

import httpx
from langchain_core.language_models import BaseChatModel

from memento.graph.endpoints import Endpoints
from memento.graph.model_specs import Choice, unknown_model
from memento.nodes.errors import ModelRejected, UnknownModel, as_model_error, brief_reason

# Providers whose classes take `timeout` and `max_retries`; some of the others refuse unknown arguments.
_TIMED: Final = frozenset(
    {"openai", "azure_openai", "anthropic", "mistralai", "groq", "deepseek", "xai", "google_genai"}
)
_OPENAI: Final = frozenset({"openai", "azure_openai"})
"""Providers whose classes take a client of ours."""
_CHECK_TIMEOUT_S: Final = 3.0


class RemoteModels:
    """Makes models of providers with these endpoints and limits."""

    def __init__(self, *, endpoints: Endpoints, limits: Mapping[str, Any]) -> None:
        """Prepare.

        Args:
            endpoints: addresses and keys.
            limits: `timeout` in seconds and `max_retries`, for the providers that take them.
        """
        self._endpoints = endpoints
        self._limits = limits
        self._lock = threading.Lock()  # taken in worker threads only, so any number of event loops may ask

    def make(self, choice: Choice, clients: list[httpx.AsyncClient]) -> BaseChatModel:
        """Make a model. Blocking: the first import of a provider's package takes seconds.

        Args:
            choice: which one.
            clients: of the event loop that it is made for; one that it gets of its own is added.

        Raises:
            UnknownModel: the name leads to no installed provider.
            ModelRejected: the provider's package refuses its configuration (a missing key, mostly).
        """
        provider, _, name = choice.spec.partition(":")
        options = self._options(choice)
        with self._lock:
            from langchain.chat_models import init_chat_model

            if provider in _OPENAI:
                from openai import DefaultAsyncHttpxClient

                options["http_async_client"] = DefaultAsyncHttpxClient()
                clients.append(options["http_async_client"])
            try:
                model: BaseChatModel = init_chat_model(name, model_provider=provider, **options)
            except ImportError as error:
                raise UnknownModel(f"{choice.spec}: {error}") from error
            except Exception as error:  # whatever the constructor of any provider's class raises
                if "Unsupported provider" in str(error):
                    raise unknown_model(choice.spec) from error
                raise ModelRejected(f"{choice.spec} cannot be set up: {brief_reason(error)}") from error
        return model

    def _options(self, choice: Choice) -> dict[str, Any]:
        provider, _, name = choice.spec.partition(":")
        options = dict(self._limits) if provider in _TIMED else {}
        if choice.base_url:
            options["base_url"] = choice.base_url
            options["api_key"] = "none"  # the client demands one, local servers do not
        if provider == "openai" and self._endpoints.openai_api_key:
            options["api_key"] = self._endpoints.openai_api_key
        if provider == "azure_openai":
            known = {"azure_endpoint": self._endpoints.azure_endpoint, "api_version": self._endpoints.azure_api_version}
            options |= {"azure_deployment": name} | {key: value for key, value in known.items() if value}
        return options


async def answers(model: BaseChatModel) -> bool | None:
    """Whether the server lists its models with our key: free of charge, and known for OpenAI's client only."""
    client = getattr(model, "root_async_client", None)
    if client is None:
        return None
    try:
        await client.with_options(timeout=_CHECK_TIMEOUT_S, max_retries=0).models.list()
    except Exception as error:
        refused = as_model_error(error)
        if refused is None:
            raise
        raise refused from error
    return True
