"""Interface of what can be loaded in advance, so that its first use is as fast as the next."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Warmable(Protocol):
    """Something that loads a model, a package or a file on first use."""

    async def warm(self) -> None:
        """Load it now; does nothing once it is loaded. Must not block the event loop."""
        ...
