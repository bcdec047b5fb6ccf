"""Chat models by role, created on first use and once per process.

a BaseChatModel               used as it is
"openai:gpt-4.1"              any provider of LangChain whose package is installed: provider:model
"local"                       the packaged SmolLM2-135M, run in this process
"local:/path/to/model.gguf"   your own GGUF, run in this process
None                          OpenAI's models if a key or base URL is configured; else a server found on this machine;
                              else the configured GGUF; else `NoModelConfigured`
"""

import asyncio
from pathlib import Path
from typing import Any, NamedTuple, Self, get_args
from weakref import WeakKeyDictionary

import httpx
from langchain_core.language_models import BaseChatModel

from memento.graph.endpoints import Endpoints, FoundServer, find_local_server
from memento.graph.local_model import LocalModelServer, check_runnable
from memento.graph.model_specs import Choice, is_local, local_path, with_provider
from memento.graph.remote_models import RemoteModels, answers
from memento.graph.settings import Settings
from memento.nodes.constrained import ConstrainedChatModel
from memento.nodes.errors import ModelError, NoModelConfigured, brief_reason
from memento.nodes.sources import Role

DEFAULT_MODELS: dict[Role, str] = {
    "planner": "openai:gpt-4.1",
    "executor": "openai:o4-mini",
    "judge": "openai:gpt-4o-mini",
}

_LOCAL_MAX_TOKENS = 1500
_LOCAL_MAX_ITEMS = 5
"""Of a list, so that a plan of a small model that rambles ends before its tokens do."""
_LOCAL_TIMEOUT_S = 600.0
"""A busy processor is no outage; a run has limits of its own."""


class RoleModel(NamedTuple):
    """One line of `memento doctor`."""

    role: Role
    spec: str | None
    source: str
    is_reachable: bool | None
    """None when it cannot be told without paying for a call."""
    problem: str = ""


class ChatModels:
    """Provides the chat model of each role.

    Models are shared by all runs of an event loop, to which their connections belong; local models share one server
    per file, which `aclose` stops.
    """

    def __init__(
        self,
        *,
        planner: BaseChatModel | str | None = None,
        executor: BaseChatModel | str | None = None,
        judge: BaseChatModel | str | None = None,
        endpoints: Endpoints | None = None,
        timeout_s: float = 120.0,
        max_retries: int = 2,
    ) -> None:
        self._configured: dict[Role, BaseChatModel | str | None]
        self._configured = {"planner": planner, "executor": executor, "judge": judge}
        self._endpoints = endpoints or Endpoints()
        self._limits: dict[str, Any] = {"timeout": timeout_s, "max_retries": max_retries}
        self._models: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str | None], BaseChatModel]]
        self._models = WeakKeyDictionary()
        self._servers: dict[Path, LocalModelServer] = {}
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, list[httpx.AsyncClient]] = WeakKeyDictionary()
        self._found: FoundServer | None = None
        self._remote = RemoteModels(endpoints=self._endpoints, limits=self._limits)

    @classmethod
    def configured(
        cls,
        settings: Settings,
        *,
        planner: BaseChatModel | str | None = None,
        executor: BaseChatModel | str | None = None,
        judge: BaseChatModel | str | None = None,
    ) -> Self:
        """Make the models of the settings, with the roles named here overridden."""
        return cls(
            planner=planner or settings.planner,
            executor=executor or settings.executor,
            judge=judge or settings.judge,
            endpoints=settings.endpoints(),
        )

    async def get(self, role: Role, override: str | None = None) -> BaseChatModel:
        """Return the model for a role, or the one named by `override`.

        Raises:
            UnknownModel: the name leads to no installed provider.
            NoModelConfigured: nothing is named, configured or found.
            LocalModelUnusable: a local model's file or runtime is missing or damaged.
            ModelRejected: the provider's package refuses its configuration (a missing key, mostly).
        """
        named = override or self._configured[role]
        if isinstance(named, BaseChatModel):
            return named
        return await self._model(await self._choose(role, named))

    async def choice(self, role: Role) -> Choice:
        """Tell which model a role has, and why; looks for a server on this machine if none is configured.

        Raises:
            NoModelConfigured: there is none.
        """
        named = self._configured[role]
        if isinstance(named, BaseChatModel):
            return Choice(type(named).__name__, "given")
        return await self._choose(role, named)

    async def describe(self) -> list[RoleModel]:
        """Report each role's model and whether it answers; calls no model, starts no local server."""
        return list(await asyncio.gather(*(self._describe(role) for role in get_args(Role))))

    async def warm(self) -> None:
        """Make the configured remote models, which imports their packages; no server is asked, none is started.

        Raises:
            UnknownModel, ModelRejected: as `get`.
        """
        for role, named in self._configured.items():
            if isinstance(named, str) or (named is None and self._endpoints.has_openai):
                choice = await self._choose(role, named)
                if not is_local(choice.spec):
                    await self._model(choice)

    async def aclose(self) -> None:
        """Stop the local servers; models made here must not be used afterwards."""
        servers, clients = list(self._servers.values()), self._clients.pop(asyncio.get_running_loop(), [])
        self._servers.clear()
        self._models.clear()
        self._clients.clear()  # those of other loops close with them
        for client in clients:
            await client.aclose()
        for server in servers:
            await server.stop()

    async def _choose(self, role: Role, named: str | None) -> Choice:
        endpoints = self._endpoints
        if named:
            spec = with_provider(named)
            is_openai = spec.startswith("openai:")
            return Choice(spec, "configured", endpoints.openai_base_url if is_openai else None)
        if endpoints.has_openai:
            return Choice(DEFAULT_MODELS[role], "default", endpoints.openai_base_url)
        self._found = self._found or await find_local_server(endpoints.local_servers)
        if self._found:
            return Choice(f"openai:{self._found.model}", "found on this machine", self._found.base_url)
        if endpoints.local_model:
            return Choice(f"local:{endpoints.local_model}", "the configured local model")
        raise NoModelConfigured

    async def _model(self, choice: Choice) -> BaseChatModel:
        key = choice.spec, choice.base_url
        models = self._models.setdefault(asyncio.get_running_loop(), {})
        if key not in models:
            make = self._make_local if is_local(choice.spec) else self._make_remote
            models.setdefault(key, await make(choice))
        return models[key]

    async def _make_remote(self, choice: Choice) -> BaseChatModel:
        return await asyncio.to_thread(self._remote.make, choice, self._own_clients())

    def _own_clients(self) -> list[httpx.AsyncClient]:
        """The clients made for the running loop. LangChain's are shared by the process, whatever loop they ran on."""
        return self._clients.setdefault(asyncio.get_running_loop(), [])

    async def _make_local(self, choice: Choice) -> BaseChatModel:
        path = await asyncio.to_thread(local_path, choice.spec)
        server = self._servers.setdefault(path, LocalModelServer(path))
        base_url = await server.start()
        options = self._limits | {"base_url": base_url, "api_key": "none", "timeout": _LOCAL_TIMEOUT_S}
        options |= {"temperature": 0, "max_tokens": _LOCAL_MAX_TOKENS}

        clients = self._own_clients()

        def build() -> BaseChatModel:
            from langchain_openai import ChatOpenAI

            client = httpx.AsyncClient(trust_env=False)  # no proxy on loopback
            clients.append(client)
            return ChatOpenAI(model=path.stem, http_async_client=client, **options)

        return ConstrainedChatModel(
            inner=await asyncio.to_thread(build),
            max_items=_LOCAL_MAX_ITEMS,
            # What it can read, so that cases and results are kept within it.
            profile={"max_input_tokens": server.n_ctx},
        )

    async def _describe(self, role: Role) -> RoleModel:
        named = self._configured[role]
        if isinstance(named, BaseChatModel):
            return RoleModel(role, type(named).__name__, "given as an object", None)
        spec, source = named, "configured" if named else "nothing configured"
        try:
            choice = await self._choose(role, named)
            spec, source = choice.spec, " at ".join(filter(None, (choice.source, choice.base_url)))
            if is_local(choice.spec):
                await asyncio.to_thread(lambda: check_runnable(local_path(choice.spec)))
                return RoleModel(role, spec, source, is_reachable=True)
            return RoleModel(role, spec, source, await answers(await self._model(choice)))
        except ModelError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001  of a provider's package: told of this role, the others are examined
            problem = f"{type(error).__name__}: {brief_reason(error)}"
        return RoleModel(role, spec, source, is_reachable=False, problem=problem)
