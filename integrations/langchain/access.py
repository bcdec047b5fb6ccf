"""The memory as adapters use it: opened on use, failures named, one namespace per run, no secrets."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeAlias, TypeVar

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.namespaces import checked_namespace
from memento.memory.owner_loop import OwnerLoop
from memento.memory.sync_case_memory import SyncCaseMemory
from memento.memory.task_keys import checked_key
from memento.nodes.memory_calls import of_memory
from memento.nodes.redaction import make_redact
from memento.nodes.sources import Secrets

T = TypeVar("T")

HostMemory: TypeAlias = CaseMemory | SyncCaseMemory | Callable[[], Awaitable[CaseMemory]]
"""An open memory, which stays the caller's to close, or an async function that gives one."""

NamespaceRule: TypeAlias = str | Callable[[Any], str | Awaitable[str]] | None
"""A namespace, or a function of LangGraph's runtime that tells it; None: the memory's own."""

KeyRule: TypeAlias = Callable[[Any], str] | None
"""A function of LangGraph's runtime that tells the key of a run's task; None: the task's text is its identity."""

_MAX_SECONDS: Final = 60.0
"""A call of the memory may take; a first read loads the encoder and what was learned."""


class MemoryAccess:
    """One memory, and whose cases an adapter uses in it."""

    def __init__(self, memory: HostMemory, *, namespace: NamespaceRule, secrets: Secrets | None) -> None:
        """Wire the parts.

        Args:
            memory: an open one, or a function that gives it.
            namespace: whose cases.
            secrets: texts that are taken out of what is kept and told.

        Raises:
            InvalidInput: the namespace is not valid.
        """
        self._memory = memory.memory if isinstance(memory, SyncCaseMemory) else memory
        self._loop = OwnerLoop("adapter", in_thread=True, survives_fork=True)
        self._namespace = checked_namespace(namespace) if isinstance(namespace, str) else namespace
        self.redact = make_redact(secrets)

    async def memory(self) -> CaseMemory:
        """The memory; raises what the host's function raises."""
        return self._memory if isinstance(self._memory, CaseMemory) else await self._memory()

    async def opened(self) -> CaseMemory:
        """The memory.

        Raises:
            MemoryFailed: it cannot be opened.
        """
        return await of_memory(self.memory, self.redact)

    async def ask(self, of: Callable[[CaseMemory], Awaitable[T]]) -> T:
        """Call the memory.

        Raises:
            MemoryFailed: it cannot be reached, failed, or took longer than a minute; the message says why.
            InvalidInput: the caller's mistake.
        """
        memory = await self.opened()
        return await of_memory(lambda: of(memory), self.redact, seconds=_MAX_SECONDS)

    async def namespace(self, runtime: Any) -> str | None:
        """The namespace of a run; None stands for the memory's own.

        Raises:
            InvalidInput: the host's function gave none: nobody else's cases are used in its place.
        """
        return await namespace_by(self._namespace, runtime)

    def from_sync(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine to its end from synchronous code, on an event loop in a thread that the adapter keeps."""
        return self._loop.run_blocking(ask)


async def namespace_by(rule: NamespaceRule, runtime: Any) -> str | None:
    """The namespace of a run by its runtime; None stands for the memory's own.

    Raises:
        InvalidInput: the host's function gave none: nobody else's cases are used in its place.
    """
    if rule is None or isinstance(rule, str):
        return rule
    if runtime is None:
        raise InvalidInput(
            "the `namespace` function needs the runtime that agents give their tools; call it by an agent"
        )
    found = rule(runtime)
    found = await found if inspect.isawaitable(found) else found
    if not isinstance(found, str) or not found:
        raise InvalidInput("the `namespace` function gave no namespace for this run: it is refused")
    return checked_namespace(found)


def key_by(rule: KeyRule, runtime: Any) -> str:
    """The key of a run's task by its runtime; empty where it has none.

    Raises:
        InvalidInput: the host's function gave none, or no valid one.
    """
    if rule is None:
        return ""
    if runtime is None:
        raise InvalidInput("the `key` function needs the runtime that agents give their tools; call it by an agent")
    return checked_key(rule(runtime))
