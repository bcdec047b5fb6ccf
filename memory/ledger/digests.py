"""Checksums of stored rows: a changed letter, reward or vector bit is found when the row is read.

A digest covers every column but the row's offset, which the database gives. It protects against damage, not against
somebody who may write to the database.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_VERSION: Final = "1"
_NO_VALUE: Final = b"\x00"

DIGEST_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "case_revisions": (
        *("case_id", "version", "namespace", "status", "question", "state_hash", "reward", "event_id", "body"),
    ),
    "events": ("event_id", "namespace", "is_degraded", "body"),
    "outcomes": ("key", "event_id", "namespace", "reward", "body"),
    "settings_versions": ("namespace", "estimator", "verdict", "body"),
    "vectors": ("text_hash", "encoder", "vector"),
    "audit": ("at", "namespace", "verb", "subject", "detail"),
    "batch_changes": ("audit_offset", "batch_id", "case_id", "version_before", "version_after"),
    "snapshots": ("namespace", "name", "revision_offset", "at"),
    "pictures": ("namespace", "picture_hash", "media_type", "content"),
}
"""Columns in the order in which digests of version 1 take them. Frozen: rows hold digests of exactly these."""

_FLOATS: Final = frozenset({"reward"})
_FLAGS: Final = frozenset({"is_degraded"})


def row_digest(table: str, values: Sequence[Any]) -> str:
    """The digest of a row.

    Args:
        table: its name.
        values: of the table's `DIGEST_COLUMNS`, in that order.

    Returns:
        `1:` and 32 hex digits.
    """
    parts: list[bytes] = []
    for canonical, value in zip(_CANONICAL[table], values, strict=True):
        part = _NO_VALUE if value is None else canonical(value)
        parts += (len(part).to_bytes(8, "little"), part)
    return f"{_VERSION}:{hashlib.blake2b(b''.join(parts), digest_size=16).hexdigest()}"


def _float_bytes(value: Any) -> bytes:
    return repr(float(value) if isinstance(value, int | float) else value).encode("utf-8", "surrogatepass")


def _flag_bytes(value: Any) -> bytes:
    return b"1" if value else b"0"


def _plain_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return str(value).encode("utf-8", "surrogatepass")


def _canonical(name: str) -> Callable[[Any], bytes]:
    """Canonical form of a column: databases return numbers in other types (1 for 1.0, 1 for true)."""
    if name in _FLOATS:
        return _float_bytes
    return _flag_bytes if name in _FLAGS else _plain_bytes


_CANONICAL: Final = {table: tuple(map(_canonical, names)) for table, names in DIGEST_COLUMNS.items()}
