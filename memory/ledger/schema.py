"""Tables of the ledger as this release writes them. Rows are only ever added; the newest of its kind is current.

case_revisions     every version of every case; its offset is the change feed the search index follows
case_heads         one row per living case: its newest revision; made from `case_revisions` in the same transaction
namespace_counts   how many cases of each kind, events and known outcomes a namespace has; made likewise, can be lost
events, slots      every selection and its propensities; slots repeat what the event's body says, for searching
outcomes           what came of an event; the newest row of an event counts
settings_versions  what offline learning decided: settings that serve, were refused, or were rolled back to
pictures           pictures of situations, each once in a namespace, by content address
vectors            encoded texts and pictures by content address: a cache that can be lost
audit              who changed what, and why
batch_changes      what an audited change did to a case, by the batch that it belongs to
snapshots          a name for a moment of a namespace: the offset of its newest case revision
set_aside          rows that did not pass their checks, and are left out of everything
facts              single values: encoder of the bank, its id, the release that can read it

A change here needs a revision in `migrations/versions`; a test compares both.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from memento.memory.case import PLAN, storable

metadata = MetaData()


def kept_text(value: str) -> str:
    """Replace lone surrogates and NUL with question marks, which some databases refuse."""
    kept = storable(value)
    return kept.replace("\0", "?") if "\0" in kept else kept


class _String(TypeDecorator[str]):
    """Text column whose values have lone surrogates and NUL replaced by question marks.

    So an id or a name that cannot be kept is one that is not there, and not an error of the driver's own.
    """

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Convert a value for the database."""
        del dialect
        return None if value is None else kept_text(value)


class _Text(_String):
    """The same text column, of any length."""

    impl = Text
    cache_ok = True


# SQLite gives growing, never reused row numbers only to an INTEGER PRIMARY KEY with AUTOINCREMENT.
_Offset = BigInteger().with_variant(Integer, "sqlite")


def _offset() -> Column[int]:
    return Column("offset", _Offset, primary_key=True, autoincrement=True)


def _digest() -> Column[str]:
    """Digest column over the row's other columns; see `digests`."""
    return Column("digest", _String(40), nullable=True)


def _kind() -> Column[str]:
    """Kind of a case. Outside of digests, which are older: the body says it too, and both are compared."""
    return Column("kind", _String(16), nullable=False, server_default=PLAN)


case_revisions = Table(
    "case_revisions",
    metadata,
    _offset(),
    Column("case_id", _String(36), nullable=False),
    Column("version", Integer, nullable=False),
    Column("namespace", _String(200), nullable=False),
    Column("status", _String(16), nullable=False),
    Column("question", _String(32), nullable=False),
    Column("state_hash", _String(32), nullable=False),
    Column("reward", Float, nullable=False),
    Column("event_id", _String(64), nullable=True),
    Column("body", _Text, nullable=False),
    _digest(),
    _kind(),
    UniqueConstraint("case_id", "version"),
    Index("case_revisions_namespace", "namespace", "offset"),
    Index("case_revisions_event", "event_id"),
    sqlite_autoincrement=True,
)

case_heads = Table(
    "case_heads",
    metadata,
    Column("case_id", _String(36), primary_key=True),
    Column("namespace", _String(200), nullable=False),
    Column("ordinal", _Offset, nullable=False),  # of its kind, from 1, by first revision; for uniform draws
    Column("revision_offset", _Offset, nullable=False),
    Column("status", _String(16), nullable=False),
    Column("question", _String(32), nullable=False),
    Column("reward", Float, nullable=False),
    _kind(),
    Index("case_heads_ordinal", "namespace", "kind", "ordinal"),
    Index("case_heads_question", "namespace", "question"),
)

namespace_counts = Table(
    "namespace_counts",
    metadata,
    Column("namespace", _String(200), primary_key=True),
    Column("kind", _String(16), primary_key=True),
    Column("heads", _Offset, nullable=False),
    Column("cases", _Offset, nullable=False),
    Column("positive", _Offset, nullable=False),
    Column("active", _Offset, nullable=False),
    Column("ordinals", _Offset, nullable=False),
    Column("events", _Offset, nullable=False),
    Column("known", _Offset, nullable=False),
)

events = Table(
    "events",
    metadata,
    _offset(),
    Column("event_id", _String(64), nullable=False, unique=True),
    Column("namespace", _String(200), nullable=False, index=True),
    Column("is_degraded", Boolean, nullable=False),
    Column("body", _Text, nullable=False),
    _digest(),
    sqlite_autoincrement=True,
)

slots = Table(
    "slots",
    metadata,
    Column("event_id", _String(64), ForeignKey("events.event_id"), primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("case_id", _String(36), nullable=True, index=True),
    Column("similarity", Float, nullable=False),
    Column("score", Float, nullable=False),
    Column("propensity", Float, nullable=False),
    Column("is_randomised", Boolean, nullable=False),
)

outcomes = Table(
    "outcomes",
    metadata,
    _offset(),
    Column("key", _String(200), nullable=False, unique=True),
    Column("event_id", _String(64), nullable=False, index=True),
    Column("namespace", _String(200), nullable=False),
    Column("reward", Float, nullable=True),
    Column("body", _Text, nullable=False),
    _digest(),
    Index("outcomes_namespace", "namespace", "offset"),
    sqlite_autoincrement=True,
)

settings_versions = Table(
    "settings_versions",
    metadata,
    _offset(),
    Column("namespace", _String(200), nullable=False),
    Column("estimator", _String(40), nullable=False),
    Column("verdict", _String(16), nullable=False),
    Column("body", _Text, nullable=False),
    _digest(),
    Index("settings_versions_serving", "namespace", "estimator", "offset"),
    sqlite_autoincrement=True,
)

pictures = Table(
    "pictures",
    metadata,
    Column("namespace", _String(200), primary_key=True),
    Column("picture_hash", _String(32), primary_key=True),
    Column("media_type", _String(16), nullable=False),
    Column("content", LargeBinary, nullable=False),
    _digest(),
)

vectors = Table(
    "vectors",
    metadata,
    Column("text_hash", _String(32), primary_key=True),
    Column("encoder", _String(200), primary_key=True),
    Column("vector", LargeBinary, nullable=False),
    _digest(),
)

audit = Table(
    "audit",
    metadata,
    _offset(),
    Column("at", _String(40), nullable=False),
    Column("namespace", _String(200), nullable=False),
    Column("verb", _String(40), nullable=False),
    Column("subject", _String(200), nullable=False),
    Column("detail", _Text, nullable=False),
    _digest(),
    sqlite_autoincrement=True,
)

batch_changes = Table(
    "batch_changes",
    metadata,
    Column("audit_offset", _Offset, ForeignKey("audit.offset"), primary_key=True, autoincrement=False),
    Column("batch_id", _String(36), nullable=False, index=True),
    Column("case_id", _String(36), nullable=False, index=True),
    Column("version_before", Integer, nullable=False),
    Column("version_after", Integer, nullable=False),
    _digest(),
)

snapshots = Table(
    "snapshots",
    metadata,
    _offset(),
    Column("namespace", _String(200), nullable=False),
    Column("name", _String(200), nullable=False),
    Column("revision_offset", _Offset, nullable=False),
    Column("at", _String(40), nullable=False),
    _digest(),
    UniqueConstraint("namespace", "name"),
    sqlite_autoincrement=True,
)

set_aside = Table(
    "set_aside",
    metadata,
    Column("table_name", _String(40), primary_key=True),
    Column("row_key", _String(80), primary_key=True),
    Column("namespace", _String(200), nullable=False),
    Column("reason", _Text, nullable=False),
    Column("at", _String(40), nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("name", _String(64), primary_key=True),
    Column("value", _Text, nullable=False),
)

alembic_version = Table(
    "alembic_version",
    metadata,
    Column("version_num", String(32), primary_key=True),
)
