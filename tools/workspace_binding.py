"""Binds the `workspace` argument of a tool function, for callers without LangChain."""

import functools
import inspect
from collections.abc import Awaitable, Callable

from memento.tools.workspace import Workspace


def bind_workspace(function: Callable[..., Awaitable[str]], workspace: Workspace) -> Callable[..., Awaitable[str]]:
    """Bind a workspace to a tool function; the result's signature no longer shows that argument.

    Args:
        function: a tool. One that takes no `workspace` is returned as it is.
        workspace: what it works in.
    """
    signature = inspect.signature(function)
    if "workspace" not in signature.parameters:
        return function

    @functools.wraps(function)
    async def given(*args: object, **kwargs: object) -> str:
        return await function(*args, workspace=workspace, **kwargs)

    kept = [parameter for name, parameter in signature.parameters.items() if name != "workspace"]
    # Set, since `wraps` would have both looked up on the function itself.
    given.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]  # read by inspect
    given.__annotations__ = {name: kind for name, kind in function.__annotations__.items() if name != "workspace"}
    del given.__dict__["__wrapped__"]
    return given
