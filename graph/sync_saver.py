"""A host's synchronous checkpointer for the agents within the nodes of a graph that is invoked synchronously."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, ChannelVersions, Checkpoint, CheckpointMetadata
from langgraph.checkpoint.base import CheckpointTuple as SavedCheckpoint


class ThreadedSaver(BaseCheckpointSaver[Any]):
    """Runs the synchronous methods of a checkpointer in threads, for a graph that is run on an event loop.

    Checkpointers such as `SqliteSaver` and `PostgresSaver` have no asynchronous methods, and those of asynchronous ones
    belong to an event loop of the host's.
    """

    def __init__(self, saver: BaseCheckpointSaver[Any]) -> None:
        """Wrap a checkpointer."""
        super().__init__(serde=saver.serde)
        self._saver = saver

    @property
    def config_specs(self) -> list[Any]:
        """Return those of the checkpointer."""
        return self._saver.config_specs

    def get_next_version(self, current: Any, channel: None) -> Any:
        """Return a version in the checkpointer's own form."""
        return self._saver.get_next_version(current, channel)

    async def aget_tuple(self, config: RunnableConfig) -> SavedCheckpoint | None:
        """Return the checkpoint of a config."""
        return await asyncio.to_thread(self._saver.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  LangGraph's own name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[SavedCheckpoint]:
        """Yield checkpoints, newest first."""
        found = await asyncio.to_thread(
            lambda: list(self._saver.list(config, filter=filter, before=before, limit=limit))
        )
        for one in found:
            yield one

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint."""
        return await asyncio.to_thread(self._saver.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Save writes of a task."""
        await asyncio.to_thread(self._saver.put_writes, config, writes, task_id, task_path)
