"""Lets the nodes of a graph be invoked synchronously: `invoke`, `stream` and `batch` beside `ainvoke` and `astream`.

Nodes are asynchronous. A synchronous call runs each of them on an event loop in a thread that the graph keeps, so that
models, tools and their connections always meet the same loop, whatever thread the host calls from.
"""

import functools
from collections.abc import Callable
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, var_child_runnable_config
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import StateGraph

from memento.graph.sync_saver import ThreadedSaver
from memento.memory.owner_loop import OwnerLoop

_CHECKPOINTER = "__pregel_checkpointer"
"""Key under which LangGraph lends a graph's checkpointer to graphs within its nodes."""


def add_sync_nodes(builder: "StateGraph[Any, Any, Any, Any]") -> None:
    """Give every node of a graph a synchronous function beside its asynchronous one. Starts no thread."""
    loop = OwnerLoop("graph", in_thread=True, survives_fork=True)
    for spec in builder.nodes.values():
        node: Any = spec.runnable
        node.func = _blocking(node.afunc, loop)


def _blocking(node: Callable[..., Any], loop: OwnerLoop) -> Callable[..., Any]:
    @functools.wraps(node)
    def in_thread(*args: Any, **kwargs: Any) -> Any:
        token = var_child_runnable_config.set(_with_threaded_saver(ensure_config()))
        try:
            return loop.run_blocking(lambda: node(*args, **kwargs))
        finally:
            var_child_runnable_config.reset(token)

    return in_thread


def _with_threaded_saver(config: RunnableConfig) -> RunnableConfig:
    lent = config.get("configurable", {}).get(_CHECKPOINTER)
    if not isinstance(lent, BaseCheckpointSaver) or isinstance(lent, ThreadedSaver):
        return config
    return {**config, "configurable": {**config["configurable"], _CHECKPOINTER: ThreadedSaver(lent)}}
