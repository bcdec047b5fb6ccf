"""Users of the served graph: their identity, and the namespace that their runs use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

UserKind = Literal["key", "jwt", "host", "anonymous"]

MAX_IDENTITY: Final = 180
"""Characters of an identity; a namespace that is made from it has a prefix, and at most 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUser:
    """The sender of a request."""

    identity: str
    """The name of a key's user; or `jwt:`, the namespace where a claim names it, and a token's subject. Owns threads,
    assistants, crons and stored items."""
    namespace: str
    """Whose cases are used; empty for nobody in particular."""
    kind: UserKind

    @property
    def is_authenticated(self) -> bool:
        """Whether somebody has found out who it is: these routes, or the host's own authentication."""
        return self.kind != "anonymous"

    def as_mapping(self) -> dict[str, Any]:
        """Return it as LangGraph's server keeps users, with runs and crons: without a secret."""
        return {
            "identity": self.identity,
            "display_name": self.identity,
            "is_authenticated": self.is_authenticated,
            "permissions": [],
            "namespace": self.namespace,
            "kind": self.kind,
        }


ANONYMOUS: Final = ServiceUser(identity="anonymous", namespace="", kind="anonymous")
"""Nobody in particular: a developer on their own machine, or a page that brings a token for feedback."""


def host_user(scope: Mapping[str, Any]) -> ServiceUser | None:
    """Return the user whom a host's own authentication has found; None where there is none.

    Args:
        scope: ASGI's, with the `user` that LangGraph's server has put there.
    """
    user = scope.get("user")
    identity = getattr(user, "identity", "") if user is not None and user.is_authenticated else ""
    if not identity or not isinstance(identity, str):
        return None
    try:
        namespace = user["namespace"]  # type: ignore[index]
    except (KeyError, TypeError, AttributeError):
        namespace = identity
    return ServiceUser(identity=identity, namespace=namespace or identity, kind="host")
