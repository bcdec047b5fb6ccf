"""Tells who sends a request, by the key or JWT in its headers. One per process; the settings say what is accepted."""

import asyncio
from collections.abc import Mapping
from functools import cached_property
from typing import Final

from memento.graph.app import Application
from memento.service.errors import NotAuthenticated
from memento.service.jwt_verifier import JWT_PREFIX, JwtVerifier, namespace_in
from memento.service.keys import PREFIX, KeyStore
from memento.service.users import ANONYMOUS, ServiceUser

_WHAT_TO_SEND: Final = "send `Authorization: Bearer KEY` or `X-Api-Key: KEY`; `memento keys create` makes a key"


class Authentication:
    """Authenticates requests. Use it from one event loop."""

    def __init__(self, application: Application) -> None:
        """Prepare; reads nothing.

        Args:
            application: of this process.
        """
        self._application = application
        application.namespace_named = self.namespace_named
        self.owns_resources = False
        """Whether LangGraph's own resources are kept to their owners: `memento.service.identity` is loaded."""

    @cached_property
    def _keys(self) -> KeyStore:
        return KeyStore(self._application.settings.keys_file)

    @cached_property
    def _tokens(self) -> JwtVerifier | None:
        settings = self._application.settings
        return JwtVerifier(settings) if settings.has_jwt else None

    def check(self) -> None:
        """Check the settings.

        Raises:
            InvalidInput: those of JWTs do not go together, or PyJWT is missing.
        """
        _ = self._tokens

    async def is_required(self) -> bool:
        """Whether requests without a user are refused."""
        return await self._application.owner.is_required()

    async def user(self, headers: Mapping[str, str]) -> ServiceUser:
        """Return the user of a request.

        Args:
            headers: of the request, by names in lower case.

        Raises:
            NotAuthenticated: none was shown, or what was shown is not valid.
            KeysUnreadable: who it is cannot be told now.
        """
        if not await self.is_required():
            return ANONYMOUS
        secret = _secret_in(headers)
        if not secret:
            raise NotAuthenticated(f"this server asks for a key; {_WHAT_TO_SEND}")
        if secret.startswith(PREFIX) or self._tokens is None:
            record = await asyncio.to_thread(self._keys.find, secret)
            if record is None:
                raise NotAuthenticated(f"the key is not valid, was revoked, or has expired; {_WHAT_TO_SEND}")
            return ServiceUser(identity=record.name, namespace=record.namespace, kind="key")
        return await self._tokens.user(secret)

    async def named(self, identity: str) -> ServiceUser | None:
        """Return the user of an identity that this server has authenticated before, as long as it still would.

        Args:
            identity: as LangGraph's server keeps it with crons.
        """
        settings = self._application.settings
        if identity.startswith(JWT_PREFIX):
            namespace = namespace_in(identity, settings) if settings.has_jwt else ""
            return ServiceUser(identity=identity, namespace=namespace, kind="jwt") if namespace else None
        namespace = await asyncio.to_thread(self._keys.namespace_of, identity)
        return ServiceUser(identity=identity, namespace=namespace, kind="key") if namespace else None

    async def namespace_named(self, identity: str) -> str:
        """Return the namespace of such a user; empty for an unknown one."""
        user = await self.named(identity)
        return user.namespace if user is not None else ""


def has_credentials(headers: Mapping[str, str]) -> bool:
    """Whether a request shows a key or a token at all."""
    return bool(_secret_in(headers))


def _secret_in(headers: Mapping[str, str]) -> str:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and given.strip():
        return given.strip()
    return headers.get("x-api-key", "").strip()
