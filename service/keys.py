"""API keys of the served graph, kept as SHA-256 hashes in one JSON file that its owner alone can read.

A key is 256 random bits, so its plain hash cannot be guessed; it is shown once, when it is made. Functions block: call
them in a thread.
"""

import hashlib
import hmac
import os
import re
import secrets
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from memento.memory.errors import InvalidInput
from memento.memory.namespaces import checked_namespace
from memento.private_files import make_private_folder, private_modes
from memento.service.errors import KeysUnreadable
from memento.service.users import MAX_IDENTITY

PREFIX: Final = "mem_"
"""Of every key, by which scanners of leaked secrets know one."""
_SHAPE: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]*[A-Za-z0-9])?")
_LOCK_S: Final = 10.0


class KeyRecord(BaseModel):
    """What is kept of a key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """Short name of this key, which is no secret."""
    name: str
    """Of its user, who may have several keys."""
    namespace: str
    sha256: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> str:
        """Return `active`, `revoked` or `expired`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = 1
    keys: list[KeyRecord] = []


class NewKey(NamedTuple):
    """A key that was just made."""

    secret: str
    """The key itself; it is kept nowhere."""
    record: KeyRecord


class KeyStore:
    """The keys in one file. Changes of other processes are seen at the next call."""

    def __init__(self, path: Path) -> None:
        """Prepare; reads nothing.

        Args:
            path: of the file, which need not exist.
        """
        self._path = path
        self._read: tuple[tuple[int, int, int] | None, list[KeyRecord]] = (None, [])
        self._reading = threading.Lock()

    def create(self, name: str, *, namespace: str | None = None, days: float | None = None) -> NewKey:
        """Make a key for a user.

        Args:
            name: of the user; another key of the same user is for the same namespace.
            namespace: whose cases its runs use; by default the one of the user's other keys, or the name.
            days: after which it expires; None for never.

        Raises:
            InvalidInput: the name or the namespace is not valid, or the user has keys for another namespace.
            KeysUnreadable: the file is damaged.
            OSError: it cannot be written.
        """
        if len(name) > MAX_IDENTITY or not _NAME.fullmatch(name):
            raise InvalidInput(f"a key's user is 1 to {MAX_IDENTITY} letters, digits, or . _ @ + -, not {name[:80]!r}")
        if days is not None and not 0 < days <= 36_500:
            raise InvalidInput(f"a key expires after more than 0 and at most 36,500 days, not {days:g}")
        make_private_folder(self._path.parent)
        with self._lock():
            records = self.records()
            now = datetime.now(UTC)
            others = {one.namespace for one in records if one.name == name and one.state(now) == "active"}
            place = checked_namespace(namespace if namespace is not None else next(iter(sorted(others)), name))
            if others - {place}:
                raise InvalidInput(
                    f"{name} has keys for namespace {min(others)!r}; revoke them first, or make a key for {place!r} "
                    "under another name"
                )
            secret = PREFIX + secrets.token_urlsafe(32)
            expires = None if days is None else now + timedelta(days=days)
            record = KeyRecord(
                id=secrets.token_hex(4),
                name=name,
                namespace=place,
                sha256=_hash(secret),
                created_at=now,
                expires_at=expires,
            )
            self._write([*records, record])
        return NewKey(secret, record)

    def revoke(self, name_or_id: str) -> list[KeyRecord]:
        """Revoke one key by its id, or all of a user by the name.

        Returns:
            The keys that were valid until now.

        Raises:
            InvalidInput: there is no such key.
            KeysUnreadable: the file is damaged.
            OSError: it cannot be written.
        """
        make_private_folder(self._path.parent)
        with self._lock():
            records, now = self.records(), datetime.now(UTC)
            meant = [one for one in records if name_or_id in (one.id, one.name)]
            if not meant:
                raise InvalidInput(f"no key has the id or the user {name_or_id[:80]!r}; see `memento keys list`")
            revoked = {one.id: one.model_copy(update={"revoked_at": now}) for one in meant if one.revoked_at is None}
            if revoked:
                self._write([revoked.get(one.id, one) for one in records])
        return list(revoked.values())

    def records(self) -> list[KeyRecord]:
        """Return all keys that were ever made, oldest first.

        Raises:
            KeysUnreadable: the file is damaged, or cannot be read.
        """
        with self._reading:
            try:
                seen = os.stat(self._path)
                version = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
                if self._read[0] != version:
                    self._read = (version, _KeyFile.model_validate_json(self._path.read_bytes()).keys)
            except FileNotFoundError:
                return []
            except (OSError, ValidationError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is damaged"
                raise KeysUnreadable(f"the keys in {self._path} cannot be read ({reason}): restore the file") from error
            return self._read[1]

    def find(self, secret: str) -> KeyRecord | None:
        """Return the record of a valid key; None for any other text, and for a revoked or expired key.

        Raises:
            KeysUnreadable: the file is damaged, or cannot be read.
        """
        records = self.records()
        if not _SHAPE.fullmatch(secret):
            return None
        given, found = _hash(secret), None
        for record in records:  # all of them, so that the time tells nothing
            if hmac.compare_digest(record.sha256, given):
                found = record
        return found if found is not None and found.state(datetime.now(UTC)) == "active" else None

    def namespace_of(self, name: str) -> str:
        """Return the namespace of a user's valid keys; empty without any.

        Raises:
            KeysUnreadable: the file is damaged, or cannot be read.
        """
        now = datetime.now(UTC)
        return next((one.namespace for one in self.records() if one.name == name and one.state(now) == "active"), "")

    def _lock(self) -> FileLock:
        path = self._path.with_name(f"{self._path.name}.lock")
        return FileLock(path, timeout=_LOCK_S, mode=private_modes(path.parent.stat()).file, thread_local=False)

    def _write(self, records: list[KeyRecord]) -> None:
        """Replace the file at once, and see to it that it is on the disk: a revoked key must not come back."""
        text = _KeyFile(keys=records).model_dump_json(indent=1)
        made = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}.new")
        mode = private_modes(self._path.parent.stat()).file
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), mode)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(made, self._path)
        except BaseException:
            made.unlink(missing_ok=True)
            raise


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
