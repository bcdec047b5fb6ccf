"""Labels a run's model calls in traces with the served cases and the reading.

Both are known only once cases were chosen, so the labels of the run itself cannot hold them.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, var_child_runnable_config
from langgraph.runtime import Runtime

from memento.nodes.context import Context
from memento.nodes.node import Node

StateT = TypeVar("StateT", bound=Mapping[str, Any])


def labelled(node: Node[StateT]) -> Node[StateT]:
    """Wrap a node so that its model and tool calls carry `event_id`, `case_ids` and `policy` in their metadata.

    Args:
        node: of a state that has them.
    """

    async def labelled_node(state: StateT, *, runtime: Runtime[Context]) -> dict[str, Any]:
        token = var_child_runnable_config.set(_labelled(ensure_config(), state))
        try:
            return await node(state, runtime=runtime)
        finally:
            var_child_runnable_config.reset(token)

    return labelled_node


@contextmanager
def labelled_calls(labels: Mapping[str, Any]) -> Iterator[None]:
    """Let the model and tool calls inside carry further labels in their metadata."""
    config = ensure_config()
    token = var_child_runnable_config.set({**config, "metadata": {**(config.get("metadata") or {}), **labels}})
    try:
        yield
    finally:
        var_child_runnable_config.reset(token)


def case_ids(state: Mapping[str, Any]) -> list[str]:
    """Return the ids of the cases shown to the planner."""
    return state["case_ids"] if "case_ids" in state else [case["id"] for case in state.get("cases") or []]


def _labelled(config: RunnableConfig, state: Mapping[str, Any]) -> RunnableConfig:
    if not state.get("event_id"):
        return config
    labels = {"event_id": state["event_id"], "case_ids": case_ids(state)}
    if "policy" in state:
        labels["policy"] = state["policy"]
    return {**config, "metadata": {**(config.get("metadata") or {}), **labels}}
