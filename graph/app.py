"""The composition root: builds memory, models and tools from the settings, once per process, on first use.

`graph` is what langgraph.json serves. Importing this module wires it and opens nothing.
"""

import asyncio
import logging
from functools import cached_property
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langchain_core.messages.ai import UsageMetadata
from langgraph.runtime import Runtime

from memento.graph.deps import Deps
from memento.graph.embeddings import make_encoder
from memento.graph.erasure import finish_erasures
from memento.graph.models import ChatModels
from memento.graph.prices import load_prices, make_price, parse_prices
from memento.graph.run_owner import NamespaceNamed, RunOwner
from memento.graph.settings import Settings, environment_secrets, process_environment, read_settings
from memento.graph.toolset import Toolset
from memento.graph.variables.names import unknown_variables
from memento.graph.workflow import build_graph
from memento.memory.case_memory import CaseMemory
from memento.memory.embeddings import EmbeddingsEncoder
from memento.memory.encoder import Encoder
from memento.memory.encoders import as_encoder
from memento.memory.loop_lock import LoopLock
from memento.memory.owner_loop import OwnerLoop
from memento.memory.warmable import Warmable
from memento.nodes.ceilings import Ceilings
from memento.nodes.context import Context
from memento.nodes.run_bounds import AsGiven
from memento.nodes.run_drain import RunDrain
from memento.nodes.sources import Price, Role, Toolbox
from memento.nodes.state import Run

_LOG = logging.getLogger(__name__)


class Application:
    """Everything that one process needs, for any number of event loops; `aclose` it when done.

    Memory, tools and their servers live on an event loop in a thread of their own: a server may run each thread of a
    conversation on another loop. Models are made for each loop that asks for one.
    """

    def __init__(
        self, settings: Settings | None = None, *, workspace: Path | None = None, is_served: bool = False
    ) -> None:
        """Prepare; opens nothing.

        Args:
            settings: read from the environment on first use when not given.
            workspace: folder of the runs' files, instead of the one below MEMENTO_HOME.
            is_served: whether its graph does runs of a server's users, who own their namespaces and have ceilings,
                and not those of whoever started the process.
        """
        self._is_served = is_served
        self.namespace_named: NamespaceNamed | None = None
        """Set by a service that knows its users by their names."""
        self.drain = RunDrain()
        """Of the runs of a served graph."""
        self._given = settings
        self._workspace = workspace
        self._memory: CaseMemory | None = None
        self._encoder: Encoder | None = None
        self._loop = OwnerLoop("application", in_thread=True, survives_fork=True)
        self._opening = LoopLock()
        self._knows_prices = False

    @cached_property
    def settings(self) -> Settings:
        """Settings of the process; misspelt variables are logged."""
        if self._given is not None:
            return self._given
        for name, meant in unknown_variables(process_environment(), Settings.model_fields).items():
            _LOG.warning("%s is not a setting, nothing reads it%s", name, f"; did you mean {meant}?" if meant else "")
        return read_settings()

    @cached_property
    def models(self) -> ChatModels:
        """Chat models of all roles."""
        return ChatModels.configured(self.settings)

    @property
    def workspace(self) -> Path:
        """Folder for attachments, with a folder for each run."""
        return self._workspace or self.settings.workspace

    @cached_property
    def toolset(self) -> Toolset:
        """Tools of all runs."""
        return Toolset(self.settings, self, workspace=self.workspace, loop=self._loop)

    def deps(self) -> Deps:
        """Dependencies for `build_graph`, each opened when a run first needs it."""

        async def toolbox(run: Run) -> Toolbox:
            return await self.toolset.toolbox(run)

        def price(model: str, usage: UsageMetadata, /) -> float | None:
            return self._price(model, usage)

        async def namespace_of(runtime: Runtime[Context]) -> str | AsGiven:
            return await self.owner.namespace_of(runtime)

        async def ceilings(runtime: Runtime[Context]) -> Ceilings:
            return await self.owner.ceilings(runtime)

        return Deps(
            memory=self.memory,
            models=self,
            tools=toolbox,
            workspace=lambda: self.workspace,
            price=price,
            secrets=lambda: (*environment_secrets(), *self.settings.secrets),
            namespace_of=namespace_of if self._is_served else None,
            ceilings=ceilings if self._is_served else None,
            drain=self.drain if self._is_served else None,
        )

    @cached_property
    def owner(self) -> RunOwner:
        """Tells whose a served run is."""
        return RunOwner(self.settings, namespace_named=self.namespace_named)

    @cached_property
    def _price(self) -> Price:
        return make_price(parse_prices(self.settings.prices))

    async def get(self, role: Role, override: str | None = None) -> BaseChatModel:
        """Return the model of a role (a `ModelSource`)."""
        if not self._knows_prices:  # before the first call is priced, on the event loop
            await asyncio.to_thread(load_prices)
            self._knows_prices = True
        return await self.models.get(role, override)

    async def memory(self) -> CaseMemory:
        """Return the open memory.

        Raises:
            LedgerUnavailable: the ledger cannot be opened.
            EncoderMismatch: the bank was written by another encoder.
            EncoderUnavailable: there is no such encoder, or it is used for the first time and does not answer.
        """
        memory = self._memory
        return memory if memory is not None else await self._loop.run(self._opened_memory)

    async def _opened_memory(self) -> CaseMemory:
        async with self._opening:
            if self._memory is None:
                memory = await self.describe_memory(await self.encoder()).__aenter__()
                try:
                    if not memory.only_read_because:
                        await finish_erasures(memory, self.settings)
                except BaseException:  # a cancellation, too, must not leave what was opened
                    await memory.aclose()
                    raise
                self._memory = memory  # from now on it is given without waiting
            return self._memory

    def describe_memory(self, encoder: Encoder | None, *, is_reindexing: bool = False) -> CaseMemory:
        """Return the configured memory, not opened."""
        settings = self.settings
        return CaseMemory.open(
            settings.qdrant_url or settings.folder,
            encoder=encoder,
            policy=settings.policy,
            namespace=settings.namespace,
            ledger_url=settings.ledger_url.get_secret_value() if settings.ledger_url else None,
            api_key=settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None,
            collection=settings.collection(),
            approximate_from=settings.approximate_from,
            home=settings.folder,
            is_reindexing=is_reindexing,
            positive_from=settings.positive_from,
            image_encoder=settings.image_encoder,
        )

    async def encoder(self) -> Encoder | None:
        """Return the configured embeddings, not yet called; None stands for the packaged encoder.

        Raises:
            EncoderUnavailable: no such provider, or its package is missing.
        """
        if self._encoder is None and self.settings.encoder is not None:
            self._encoder = await make_encoder(self.settings.encoder, self.settings.endpoints())
        return self._encoder

    async def warm(self) -> None:
        """Load in advance what a first run would load, for processes that serve.

        The configured models' packages, the tools, the encoder, and the bank if there is one: none is created. What
        cannot be loaded is logged, and named again by the run that needs it.
        """
        parts = {"the memory": self.warm_memory, "a model": self.models.warm, "a tool": self.toolset.functions}
        for name, warm in parts.items():
            try:
                await warm()
            except Exception as error:  # noqa: BLE001  of any package: serving must begin all the same
                _LOG.warning("%s could not be loaded in advance: %s", name, error)

    async def warm_memory(self) -> None:
        """Load in advance what a first read would load; a bank that is not there yet is not created.

        Raises:
            EncoderUnavailable, LedgerUnavailable: as `memory`.
        """
        await self._loop.run(self._warm_memory)

    async def _warm_memory(self) -> None:
        settings = self.settings
        if settings.ledger_url is not None or await asyncio.to_thread(settings.ledger_file.exists):
            await (await self.memory()).warm()
            return
        async with self._opening:  # whoever opens the memory meanwhile should use this one
            encoder = self._encoder = await self.encoder() or as_encoder(None)
        if isinstance(encoder, Warmable):
            await encoder.warm()

    async def aclose(self) -> None:
        """Close what was opened."""
        if "models" in self.__dict__:
            await self.models.aclose()
        if self._loop.is_used:
            try:
                await self._loop.run(self._close)
            finally:
                await self._loop.release()

    async def _close(self) -> None:
        memory, self._memory = self._memory, None
        encoder, self._encoder = self._encoder, None
        if memory is not None:
            await memory.aclose()
        if isinstance(encoder, EmbeddingsEncoder):
            await encoder.aclose()
        if "toolset" in self.__dict__:
            await self.toolset.aclose()


application = Application(is_served=True)
"""What this process uses; the routes beside the served graph share it."""

graph = build_graph(application.deps())
"""The graph that langgraph.json serves; the server brings the checkpointer."""
