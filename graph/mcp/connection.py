"""Connection to one MCP server: started on first use, restarted when it died, all waits limited.

A task of its own owns the connection from opening to closing: only so can calls come from any task, and be cancelled,
without the server ever being left half open. What a server asks for (sampling, elicitation, roots) is not offered.
"""

import asyncio
import contextlib
from contextvars import Context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from memento.graph.mcp.config import MIN_SECRET_CHARS, ServerConfig
from memento.graph.mcp.remote import remote_streams
from memento.memory.forwarding import runs_on_owner_loop
from memento.memory.owner_loop import OwnerLoop
from memento.nodes.redaction import make_redact
from memento.tools.errors import ToolError, ToolUnavailable

if TYPE_CHECKING:
    from mcp import Client, MCPError
    from mcp.types import CallToolResult, Tool

    from memento.graph.mcp.child import Child

MAX_TOOLS: Final = 128
_GIVEN_UP_AFTER_S: Final = 60.0
_TRIED_AGAIN_AFTER_S: Final = 30.0
_ANSWERS_WITHIN_S: Final = 2.0
_CLOSED_WITHIN_S: Final = 4.0
_ERROR_CHARS: Final = 500


@dataclass(eq=False)
class _Life:
    """One run of a server, from start to end."""

    began: float
    """By the event loop's clock."""
    is_retry: bool = False
    """Whether there was a start before, so that nobody has to wait for this one who only asks what there is."""
    known: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is ready or has failed."""
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it shall end."""
    client: "Client | None" = None
    """None before it is ready, and after it ended."""
    listed: "list[Tool]" = field(default_factory=list)
    problem: str = ""
    n_calls: int = 0
    task: asyncio.Task[None] | None = None


@runs_on_owner_loop
class McpConnection:
    """A connection that starts its server when needed."""

    def __init__(
        self, config: ServerConfig, *, start_timeout_s: float, call_timeout_s: float, loop: OwnerLoop | None = None
    ) -> None:
        """Prepare; nothing is started.

        Args:
            config: which server.
            start_timeout_s: how long anybody waits for its start, which itself may go on for a minute.
            call_timeout_s: limit of one call, where the server's own entry names none.
            loop: which it lives on; the running one by default, and then it is used from one at a time.
        """
        self.owner_loop = loop or OwnerLoop("MCP server", in_thread=False)
        self.config = config
        self._redact = make_redact(lambda: config.secrets, min_chars=MIN_SECRET_CHARS)
        self._start_timeout_s = start_timeout_s
        self._call_timeout_s = config.timeout_s or call_timeout_s
        self._life: _Life | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        """Of every life that has not ended yet: one that is replaced takes its time to go."""
        self._listed: list[Tool] | None = None
        self.n_nameless = 0
        """Tools of its last listing that have no name."""

    async def listed(self) -> "list[Tool]":
        """Return the server's tools, as listed when it was last started.

        Raises:
            ToolUnavailable: the server is not ready; it is tried again later.
        """
        if self._listed is None:
            await self._started(is_needed=False)
        return self._listed or []

    async def call(self, name: str, arguments: dict[str, Any], *, may_repeat: bool) -> "CallToolResult":
        """Call one of its tools; a server that died is started again.

        Args:
            name: the tool, as the server calls it.
            arguments: JSON values.
            may_repeat: whether a second call would do no harm.

        Raises:
            ToolUnavailable: nothing was done, or doing it again is harmless.
            ToolError: it was refused, or it is not known whether it was done.
        """
        from mcp import MCPError

        life = await self._started(is_needed=True)
        assert life.client is not None  # noqa: S101 - it has just been started
        life.n_calls += 1
        try:
            async with asyncio.timeout(self._call_timeout_s):
                return await life.client.call_tool(name, arguments)
        except TimeoutError:
            await self._end_if_hung(life)
            raise self._lost(f"did not answer within {self._call_timeout_s:g} s", may_repeat=may_repeat) from None
        except MCPError as error:
            if life.ending.is_set() or life.client is None or not await _answers(life):
                life.ending.set()
                raise self._lost("ended during the call", may_repeat=may_repeat) from error
            raise ToolError(self.masked(error.message)[:_ERROR_CHARS]) from error
        except Exception as error:  # the server's answer may be anything, and the SDK raises as many kinds of errors
            raise ToolError(f"{self._who()} gave an answer that cannot be used: {self.masked(_said(error))}") from error
        finally:
            life.n_calls -= 1

    async def aclose(self) -> None:
        """Stop the server; returns when nothing of it is left."""
        life, self._life = self._life, None
        if life is not None and life.task is not None and not life.ending.is_set():
            life.ending.set()
            if life.client is None:  # still starting
                life.task.cancel()
        here = asyncio.get_running_loop()
        if left := {task for task in self._tasks if task.get_loop() is here}:  # those of a loop that is gone never end
            await asyncio.wait(left)

    def masked(self, text: str) -> str:
        """Redact the secrets that the configuration gave this server."""
        return self._redact(text)

    async def _started(self, *, is_needed: bool) -> _Life:
        """Return the running server, starting it if needed; a restart is awaited only when needed now."""
        life, now = self._life, asyncio.get_running_loop().time()
        is_over = life is not None and (life.task is None or life.task.done() or life.ending.is_set())
        if life is not None and is_over and life.problem and now - life.began < _TRIED_AGAIN_AFTER_S:
            raise ToolUnavailable(life.problem)
        if life is None or is_over:
            life = self._life = _Life(began=now, is_retry=life is not None)
            # In a context of its own, for it outlives the run that happened to start it.
            life.task = asyncio.create_task(self._live(life), name=f"mcp {self.config.name}", context=Context())
            self._tasks.add(life.task)
            life.task.add_done_callback(self._tasks.discard)
        deadline = life.began + self._start_timeout_s if is_needed or not life.is_retry else now
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(max(now, deadline)):
                await life.known.wait()
        if life.client is None:
            raise ToolUnavailable(life.problem or f"{self._who()} was not ready within {self._start_timeout_s:g} s")
        return life

    async def _live(self, life: _Life) -> None:
        """Run the server from start to end, and leave nothing behind."""
        from mcp import Client

        from memento.graph.mcp.child import Child
        from memento.graph.mcp.listing import ToolListing

        child, listing = Child(), ToolListing()
        try:
            async with asyncio.timeout(_GIVEN_UP_AFTER_S) as limit:
                streams = listing.streams(_transport(self.config, child))
                async with Client(streams, cache=None) as client:
                    life.listed = listing.as_said(await _all_tools(client))
                    self._listed, self.n_nameless = life.listed, listing.n_nameless
                    life.client = client
                    life.known.set()
                    limit.reschedule(None)
                    await _first(life.ending, child.over)
                    life.client = None
                    life.ending.set()
                    limit.reschedule(asyncio.get_running_loop().time() + _CLOSED_WITHIN_S)
        except Exception as error:  # noqa: BLE001  a server may fail in any way; others go on
            if not life.ending.is_set():
                why = "gave up after a minute" if isinstance(error, TimeoutError) else _said(error)
                why = "; ".join(part for part in (why, child.last_words()) if part)
                life.problem = self.masked(f"{self._who()} cannot be used: {why}")[:_ERROR_CHARS]
        finally:
            life.client = None
            life.ending.set()
            life.known.set()

    async def _end_if_hung(self, life: _Life) -> None:
        """Stop a server that answers nothing at all, so that the next call starts a new one."""
        if life.n_calls == 1 and not await _answers(life):
            life.ending.set()

    def _who(self) -> str:
        return f"the MCP server {self.config.name!r}"

    def _lost(self, what: str, *, may_repeat: bool) -> ToolError:
        if may_repeat:
            return ToolUnavailable(f"{self._who()} {what}; call again, or do without")
        message = f"{self._who()} {what}; find out whether it was done before you call again"
        return ToolError(message, is_outage=True)


def _transport(config: ServerConfig, child: "Child") -> Any:
    return child.streams(config) if config.command else remote_streams(config)


async def _all_tools(client: "Client") -> "list[Tool]":
    """List the tools page by page, up to a limit on their number."""
    page = await client.list_tools()
    tools = list(page.tools)
    while page.next_cursor and len(tools) < MAX_TOOLS and page.tools:
        page = await client.list_tools(cursor=page.next_cursor)
        tools += page.tools
    return tools[:MAX_TOOLS]


async def _answers(life: _Life) -> bool:
    """Whether the server still responds: it lists its tools, or refuses to."""
    from mcp import MCPError
    from mcp.types import CONNECTION_CLOSED

    if life.client is None:
        return False
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            await life.client.list_tools()
    except MCPError as error:
        return error.code != CONNECTION_CLOSED and not _is_session_lost(error)
    except Exception:  # noqa: BLE001  whatever it is, no answer came
        return False
    return True


def _is_session_lost(error: "MCPError") -> bool:
    """Whether a remote server was restarted meanwhile: the SDK has no error code for that."""
    return "session" in error.message.lower() or "error response" in error.message


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiter in waiting:
            waiter.cancel()


def _said(error: BaseException) -> str:
    """Return the innermost reason; task groups wrap it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error).strip() or type(error).__name__
