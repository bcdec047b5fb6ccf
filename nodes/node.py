"""The form of a node: state in, partial update out, with the run's context at hand."""

from typing import Any, Protocol, TypeVar

from langgraph.runtime import Runtime

from memento.nodes.context import Context

StateT_contra = TypeVar("StateT_contra", contravariant=True)


class Node(Protocol[StateT_contra]):
    """What every `make_*` returns: a closure over the things it needs."""

    async def __call__(self, state: StateT_contra, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Returns only the keys that change, as JSON values; never changes `state` itself."""
        ...
