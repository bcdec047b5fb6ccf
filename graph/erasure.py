"""Erases runs from a home: memory, and the threads and run folders that belong to them, in one call."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from memento.graph.settings import Settings
from memento.memory.case_memory import CaseMemory
from memento.memory.lifecycle.erasure import ErasureReport, RemoveThreads
from memento.nodes.attachments import RUNS


async def erase(
    memory: CaseMemory,
    settings: Settings,
    *,
    namespace: str | None = None,
    on_step: Callable[[str], None] = lambda _: None,
    **scope: Any,
) -> ErasureReport:
    """Erase what `scope` names, with the conversations and files of the erased runs.

    Args:
        memory: the open memory of the settings.
        settings: where threads and runs' folders are.
        namespace: the memory's own by default.
        on_step: told what is going on.
        scope: the arguments of `Lifecycle.erase`.

    Raises:
        InvalidInput, UnknownCase, UnknownEvent, LedgerUnavailable: as `Lifecycle.erase`.
    """
    lifecycle = memory.lifecycle if namespace is None else memory.lifecycle.within(namespace)
    return await lifecycle.erase(**scope, on_step=on_step, remove_threads=thread_remover(settings))


async def finish_erasures(memory: CaseMemory, settings: Settings) -> list[str]:
    """Finish erasures that were cut short, threads included.

    Returns:
        What could not be done yet, and why.
    """
    return await memory.lifecycle.finish_erasures(remove_threads=thread_remover(settings))


def thread_remover(settings: Settings) -> RemoveThreads:
    """What removes conversations of this home."""

    async def remove(names: Sequence[str], event_ids: Sequence[str]) -> None:
        if not await asyncio.to_thread(_has_threads, settings):
            return
        from memento.graph.home_saver import open_checkpointer  # of an extra: its file is there, so it is
        from memento.graph.thread_erasure import erase_threads

        async with open_checkpointer(settings.threads) as saver:
            await erase_threads(saver, settings.workspace, names, event_ids)

    return remove


def _has_threads(settings: Settings) -> bool:
    return settings.threads.exists() or (settings.workspace / RUNS).exists()
