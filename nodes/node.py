"""Protocol of a node: state in, partial update out, with the run's context."""

from typing import Any, Protocol, TypeVar

from langgraph.runtime import Runtime

from memento.nodes.context import Context

StateT_contra = TypeVar("StateT_contra", contravariant=True)


class Node(Protocol[StateT_contra]):
    """A node as returned by every `make_*`: a closure over its dependencies."""

    async def __call__(self, state: StateT_contra, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Return only the keys that change, as JSON values; never changes `state` itself."""
        ...
