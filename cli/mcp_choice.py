"""Chooses what `memento mcp` serves: execution tools, memory tools, and the namespace of the memory."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from memento.graph.app import Application
from memento.graph.settings import Settings, environment_secrets, file_secrets, read_settings
from memento.integrations.agent_hooks.socket_server import serving_hooks
from memento.integrations.memory_tool_texts import INSTRUCTIONS
from memento.integrations.memory_tools import MemoryTools
from memento.integrations.project_namespace import project_namespace, project_root
from memento.memory.errors import InvalidInput
from memento.memory.namespaces import checked_namespace
from memento.nodes.redaction import Redact, make_redact
from memento.nodes.secret_shapes import without_secret_shapes
from memento.tools.mcp_server import CODE_TOOLS
from memento.tools.registry import ToolFunction
from memento.tools.workspace import Workspace

_LOG = logging.getLogger(__name__)

MEMORY_TOOLS = ("recall_cases", "remember_case", "give_feedback", "why_case")


@dataclass(frozen=True, kw_only=True)
class ToolChoice:
    """The options of `memento mcp` that say what is served."""

    names: tuple[str, ...] = ()
    """Those to serve; empty means all."""
    with_memory: bool = False
    with_tools: bool = True
    """Whether the execution tools are served."""
    namespace: str | None = None
    project: Path | None = None
    """Folder whose project gives the namespace."""
    workspace: Path | None = None
    """Folder that the tools work in; one below MEMENTO_HOME by default."""

    def __post_init__(self) -> None:
        if self.namespace is not None and self.project is not None:
            raise InvalidInput("--namespace and --project exclude each other: both name the memory's namespace")
        if not self.with_memory:
            named = [name for name in self.names if name in MEMORY_TOOLS]
            if named:
                raise InvalidInput(f"{named[0]} is a tool of the memory; add --memory to serve it")
            if self.namespace is not None or self.project is not None:
                raise InvalidInput("--namespace and --project are about the memory; add --memory to serve it")
        if self.with_memory and self.names and not set(self.names) & set(MEMORY_TOOLS):
            raise InvalidInput(
                f"--tool leaves out every tool of the memory; name some of {', '.join(MEMORY_TOOLS)} too, or leave out "
                "--memory"
            )
        if not self.with_tools and self.workspace is not None:
            raise InvalidInput("--workspace is for the other tools; --memory-only serves none of them")

    async def settings(self) -> Settings:
        """Settings of the process, with the namespace that is served."""
        settings = read_settings()
        name = self.namespace
        if self.project is not None:
            name = await asyncio.to_thread(project_namespace, self.project)
        return settings if name is None else settings.model_copy(update={"namespace": checked_namespace(name)})

    async def functions(self, app: Application, *, with_code: bool) -> dict[str, ToolFunction]:
        """The chosen functions by name.

        Raises:
            InvalidInput: one that is wanted is not there, or may not be.
        """
        available: dict[str, ToolFunction] = dict(await app.toolset.functions()) if self.with_tools else {}
        if self.with_memory:
            available |= MemoryTools(memory=app.memory, redact=await self._redact(app)).functions()
        return chosen(available, self.names, with_code=with_code)

    @asynccontextmanager
    async def hooks(self, app: Application) -> AsyncIterator[None]:
        """Let the hooks of coding agents use this memory too, where all its tools are served."""
        if not self.with_memory or self.names:
            yield
            return
        settings, redact = app.settings, await self._redact(app)
        async with serving_hooks(home=settings.folder, namespace=settings.namespace, memory=app.memory, redact=redact):
            yield

    async def _redact(self, app: Application) -> Redact:
        """Redacts the secrets of this process and of the project's `.env` file."""
        root = await asyncio.to_thread(project_root, self.project or Path())
        return redact_for(app.settings, await asyncio.to_thread(file_secrets, root / ".env"))

    def workspace_of(self, app: Application) -> Workspace | None:
        """The tools' workspace; None where no tool needs one."""
        if not self.with_tools:
            return None
        return app.toolset.workspace_in(self.workspace or app.settings.folder / "mcp-workspace")

    @property
    def instructions(self) -> str | None:
        """What clients are told of when to use the tools."""
        return INSTRUCTIONS if self.with_memory else None


async def _warmed(app: Application) -> None:
    """Load what the first call needs; a failure is told to the call that meets it again."""
    try:
        await app.warm_memory()
    except Exception as error:  # noqa: BLE001  of any package: serving goes on all the same
        _LOG.warning("the memory could not be loaded in advance: %s", type(error).__name__)  # its text may hold keys


def redact_for(settings: Settings, more: Sequence[str] = ()) -> Redact:
    """Redacts this process's secrets, those of a project, and what looks like anybody's."""
    known = make_redact(lambda: (*environment_secrets(), *settings.secrets, *more))
    return lambda text: without_secret_shapes(known(text.replace("\x00", "")))  # which no Postgres takes


def chosen(
    functions: Mapping[str, ToolFunction], names: tuple[str, ...], *, with_code: bool
) -> dict[str, ToolFunction]:
    """Pick the tools to serve.

    Args:
        functions: all there are.
        names: those wanted; none means all.
        with_code: whether those that run code may be among them.

    Raises:
        InvalidInput: one that is wanted is not there, or may not be.
    """
    unknown = [name for name in names if name not in functions]
    if unknown:
        raise InvalidInput(f"there is no tool {unknown[0]!r}; there are: {', '.join(functions)}")
    refused = CODE_TOOLS.intersection(names)
    if refused and not with_code:
        raise InvalidInput(f"over HTTP, {min(refused)} is served only with --allow-code")
    return {
        name: function
        for name, function in functions.items()
        if (not names or name in names) and (with_code or name not in CODE_TOOLS)
    }
