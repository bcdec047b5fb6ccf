"""Whose a served run is: the namespace and the ceilings of the user that the server has authenticated."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from langgraph.runtime import Runtime

from memento.graph.settings import Settings
from memento.nodes.ceilings import AUTHENTICATED_CEILINGS, Ceilings
from memento.nodes.context import Context
from memento.nodes.run_bounds import AS_GIVEN, AsGiven

NamespaceNamed = Callable[[str], Awaitable[str]]
"""Gives the namespace of the user of an identity; empty for an unknown one."""


class RunOwner:
    """Tells of each run of a server whose it is (`Deps.namespace_of`, `Deps.ceilings`)."""

    def __init__(self, settings: Settings, *, namespace_named: NamespaceNamed | None = None) -> None:
        """Prepare; reads nothing.

        Args:
            settings: of the process.
            namespace_named: gives the namespace of a user of whom the server has kept the name alone, as with crons;
                empty for an unknown one.
        """
        self._settings = settings
        self._namespace_named = namespace_named
        self._has_keys = False

    async def is_required(self) -> bool:
        """Whether users must be authenticated.

        A process that has seen keys goes on asking for them, even when their file is gone.
        """
        settings = self._settings
        if settings.auth != "auto":
            return settings.auth == "on"
        if not settings.has_jwt and not self._has_keys:
            self._has_keys = await asyncio.to_thread(settings.keys_file.exists)
        return settings.has_jwt or self._has_keys

    async def namespace_of(self, runtime: Runtime[Context]) -> str | AsGiven:
        """Return the namespace of the run's user; empty, which refuses the run, where one is required and missing."""
        user = runtime.server_info.user if runtime.server_info else None
        is_known = user is not None and user.is_authenticated and bool(user.identity)
        if await self.is_required():
            return await self._of(user) if is_known else ""
        # Without keys of ours a host may have authentication of its own.
        return (_own(user) or str(getattr(user, "identity", ""))) if is_known else AS_GIVEN

    async def _of(self, user: Any) -> str:
        named = self._namespace_named
        return _own(user) or (await named(str(user.identity)) if named is not None else "")

    async def ceilings(self, runtime: Runtime[Context]) -> Ceilings:
        """Return the configured ceilings, over those that hold wherever users are authenticated."""
        del runtime
        given = self._settings.run_ceilings()
        return given.over(AUTHENTICATED_CEILINGS) if await self.is_required() else given


def _own(user: Any) -> str:
    """The user's namespace, as memento.service has put it there."""
    try:
        found = user["namespace"]
    except (KeyError, TypeError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""
