"""Signed tokens that let somebody without a key judge one run: HMAC-SHA256 over event, namespace and expiry."""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
import time
from pathlib import Path
from typing import Final, NamedTuple

from memento.memory.errors import MementoError
from memento.private_files import make_private_folder, private_modes
from memento.service.errors import NotAuthenticated

PREFIX: Final = "mft1."
_DAY_S: Final = 86_400
MAX_DAYS: Final = 90
"""The longest that a token may be valid."""
_MAX_CHARS: Final = 2_000
_BAD: Final = "the feedback token is not valid; ask the application for another one"


class FeedbackGrant(NamedTuple):
    """What a token allows: to judge one run."""

    event_id: str
    namespace: str
    expires_at: int
    """Seconds since 1970."""


class FeedbackTokens:
    """Signs and verifies tokens with one secret."""

    def __init__(self, secret: bytes) -> None:
        """Derive the signing key.

        Args:
            secret: of the servers that accept each other's tokens.
        """
        self._key = hmac.digest(secret, b"memento feedback tokens, 1", "sha256")

    def sign(self, event_id: str, namespace: str, *, days: float) -> str:
        """Return a token for one run.

        Args:
            event_id: of the run's last reading.
            namespace: that it belongs to.
            days: that the token is valid.
        """
        grant = [event_id, namespace, int(time.time() + days * _DAY_S)]
        content = json.dumps(grant, separators=(",", ":")).encode()
        return f"{PREFIX}{_coded(content)}.{_coded(self._signature(content))}"

    def read(self, token: str) -> FeedbackGrant:
        """Verify a token.

        Raises:
            NotAuthenticated: it was not signed with this secret, was changed, or has expired.
        """
        content, _, signature = token.removeprefix(PREFIX).partition(".")
        if not token.startswith(PREFIX) or len(token) > _MAX_CHARS:
            raise NotAuthenticated(_BAD)
        try:
            signed, given = _decoded(content), _decoded(signature)
        except (binascii.Error, ValueError) as error:
            raise NotAuthenticated(_BAD) from error
        if not hmac.compare_digest(self._signature(signed), given):
            raise NotAuthenticated(_BAD)
        grant = FeedbackGrant(*json.loads(signed))
        if grant.expires_at <= time.time():
            raise NotAuthenticated("the feedback token has expired; ask the application for another one")
        return grant

    def _signature(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, hashlib.sha256)


def kept_secret(path: Path) -> bytes:
    """Return the secret in a file, which is made on first use and which its owner alone can read. Blocking.

    Raises:
        MementoError: the file cannot be made or read, or is damaged.
    """
    try:
        make_private_folder(path.parent)
        made = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
        if not path.exists():
            mode = private_modes(path.parent.stat()).file
            with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
                stream.write(secrets.token_bytes(32))
                stream.flush()
                os.fsync(stream.fileno())
            try:
                os.link(made, path)  # whole or not at all; the first of several processes wins
            except FileExistsError:
                pass
            finally:
                made.unlink(missing_ok=True)
        secret = path.read_bytes()
    except OSError as error:
        raise MementoError(f"{path}, which signs feedback tokens, cannot be used: {error.strerror or error}") from error
    if len(secret) < 32:
        raise MementoError(f"{path}, which signs feedback tokens, is damaged: remove it, and tokens are signed anew")
    return secret


def _coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
