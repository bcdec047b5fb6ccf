"""Users of the served graph: their identity, and the namespace that their runs use."""

from dataclasses import dataclass
from typing import Any, Final, Literal

UserKind = Literal["key", "jwt", "anonymous"]

MAX_IDENTITY: Final = 180
"""Characters of an identity; a namespace that is made from it has a prefix, and at most 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUser:
    """Whoever sends a request."""

    identity: str
    """The name of a key's user, or `jwt:` and a token's subject. Owns threads, assistants, crons and stored items."""
    namespace: str
    """Whose cases are used; empty for nobody in particular."""
    kind: UserKind

    @property
    def is_authenticated(self) -> bool:
        """Whether it has shown a key or a token."""
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
