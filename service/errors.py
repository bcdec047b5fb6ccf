"""Errors of the service: requests that are refused, each with its HTTP status."""

from typing import ClassVar

from memento.memory.errors import MementoError


class RequestRefused(MementoError):
    """A request that is not answered; nothing has happened."""

    status: ClassVar[int] = 403


class NotAuthenticated(RequestRefused):
    """No key and no token, or one that is not valid (any more)."""

    status: ClassVar[int] = 401


class NotAllowed(RequestRefused):
    """A request of another site, to another host, or to what belongs to somebody else."""

    status: ClassVar[int] = 403


class KeysUnreadable(RequestRefused):
    """The keys, or those of the issuer, cannot be read now: nobody can be told from anybody else, so all must wait."""

    status: ClassVar[int] = 503


class OwnersUnknown(RequestRefused):
    """Users are told apart, but the server does not keep its threads and stored items to their owners."""

    status: ClassVar[int] = 503


class BodyRefused(RequestRefused):
    """A request's body is not read on."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.code = status
