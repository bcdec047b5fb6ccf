"""Opens the configured memory for a command, and finds cases and events in it by their ids."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from memento.graph.app import Application
from memento.graph.settings import read_settings
from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import ErasedRecord, InvalidInput, UnknownCase
from memento.memory.namespaces import checked_namespace


@asynccontextmanager
async def opened(namespace: str | None) -> AsyncIterator[CaseMemory]:
    """Open the configured memory, with another namespace if one was named."""
    async with application(namespace) as app:
        yield await app.memory()


@asynccontextmanager
async def application(namespace: str | None) -> AsyncIterator[Application]:
    """Make everything that is configured, with another namespace if one was named; what is used is opened then."""
    settings = read_settings()
    if namespace is not None:
        settings = settings.model_copy(update={"namespace": checked_namespace(namespace)})
    app = Application(settings)
    try:
        yield app
    finally:
        await app.aclose()


async def find_case(memory: CaseMemory, case_id: str) -> Case:
    """Find a case by its id or a unique prefix of it.

    Raises:
        UnknownCase: there is none.
        InvalidInput: several ids begin so.
    """
    exact = await memory.views.cases([case_id], namespace=memory.namespace)
    if exact:
        return exact[case_id]
    found = [case async for case in memory.views.walk(namespace=memory.namespace) if case.id.startswith(case_id)]
    if not found and await memory.views.erased_among([case_id], namespace=memory.namespace):
        raise ErasedRecord(f"case {case_id!r}", memory.namespace)
    if not found:
        raise UnknownCase(case_id, memory.namespace)
    if len(found) > 1:
        raise InvalidInput(f"{len(found)} cases have an id that begins with {case_id!r}; give a longer prefix")
    return found[0]
