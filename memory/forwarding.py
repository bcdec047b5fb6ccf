"""Runs methods of an object, and of its parts, on the object's owner loop."""

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
ClassT = TypeVar("ClassT", bound=type)


class LoopOwner(Protocol):
    """Runs coroutines on one event loop; see `OwnerLoop`."""

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine there."""
        ...

    def bound(self, part: T) -> T:
        """Return a part for the running loop."""
        ...


class Forwarding:
    """Stands for a part of an object on a foreign event loop: its coroutine functions run on the owner loop."""

    def __init__(self, part: object, owner: LoopOwner) -> None:
        self._part, self._owner = part, owner

    def __getattr__(self, name: str) -> Any:
        found, owner, kind = getattr(self._part, name), self._owner, type(self._part)
        if not callable(found):
            return found
        if not inspect.iscoroutinefunction(found):

            @functools.wraps(found)
            def called(*args: Any, **kwargs: Any) -> Any:
                made = found(*args, **kwargs)  # `lifecycle.within` gives another one of its kind
                return owner.bound(made) if isinstance(made, kind) else made

            return called

        @functools.wraps(found)
        async def forwarded(*args: Any, **kwargs: Any) -> Any:
            return await owner.run(lambda: found(*args, **kwargs))

        return forwarded


class Owned(Protocol):
    """An object with an owner loop."""

    @property
    def owner_loop(self) -> LoopOwner:
        """The loop that it works on."""
        ...


def runs_on_owner_loop(owned: ClassT) -> ClassT:
    """Class decorator: run every public coroutine method of an `Owned` class on its owner loop.

    `aclose` is left as it is, because it ends the loop.
    """
    for name, method in list(vars(owned).items()):
        if not name.startswith("_") and name != "aclose" and inspect.iscoroutinefunction(method):
            setattr(owned, name, _forwarded(method))
    return owned


def _forwarded(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    @functools.wraps(method)
    async def on_owner_loop(self: Owned, *args: Any, **kwargs: Any) -> Any:
        return await self.owner_loop.run(lambda: method(self, *args, **kwargs))

    return on_owner_loop
