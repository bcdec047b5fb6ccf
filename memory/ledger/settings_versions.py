"""Versioned estimator settings: which version serves, and which outcomes count. Append-only.

    promoted      better than what served, on outcomes that neither had seen; serves from then on
    refused       not better, or not honest; kept for the record only
    rolled_back   settings of an earlier version serve again; what came after it stopped serving counts no more

The serving version of a namespace and estimator is its newest row that is not a refusal, or version 0, the built-in
settings. Estimates are a fold of the outcomes that count, so a version needs no weights to be restored exactly.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, func, insert, select

from memento.memory.case import text_hash, utc_now
from memento.memory.event import OutcomeRange
from memento.memory.ledger import schema
from memento.memory.ledger.bodies import decode_body, encode_body
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.rows import CheckedConnection, RowKind
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.record import Record

Decision = Literal["promoted", "refused", "rolled_back"]

_VERSIONS = schema.settings_versions
_COLUMNS = {"version", "namespace", "estimator", "verdict"}


class SettingsVersion(Record):
    """One decision about the settings of an estimator in a namespace."""

    version: int = -1
    """Ledger offset of the decision: it only grows. 0 is the built-in settings; -1 is not written yet."""
    namespace: str
    estimator: str
    verdict: Decision = "promoted"
    settings: dict[str, float] = Field(default_factory=dict)
    """Settings that differ from the built-in ones."""
    skipped: list[OutcomeRange] = Field(default_factory=list)
    """Ranges of outcomes that do not count."""
    trained_until: int = 0
    """Ledger offset of the newest outcome that the decision rests on."""
    since: int = 0
    """Ledger offset of the newest outcome when the decision was written."""
    replaces: int = 0
    """The version that served until then."""
    restores: int | None = None
    """Of a rollback: the version whose estimates it restored."""
    seed: int = 0
    reason: str = ""
    report: dict[str, Any] = Field(default_factory=dict)
    created_at: str = Field(default_factory=utc_now)

    @property
    def recipe(self) -> str:
        """Hash of everything that estimates depend on beside the outcomes; empty for version 0's."""
        if not self.settings and not self.skipped:
            return ""
        return text_hash(json.dumps([self.settings, self.skipped], sort_keys=True))[:12]


class SettingsVersions:
    """Reads and adds versions."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def serving_number(self, namespace: str, estimator: str) -> int:
        """Number of the serving version, by one index look-up."""
        query = select(func.max(_VERSIONS.c.offset)).where(*_serving(namespace, estimator))
        return await self._ledger.query(lambda connection: connection.scalar(query)) or 0

    async def serving(self, namespace: str, estimator: str) -> SettingsVersion:
        """The serving version; where the newest cannot be read, the one before it."""
        return await self._ledger.query(lambda connection: _newest_serving(connection, namespace, estimator))

    async def history(self, namespace: str, estimator: str | None = None) -> list[SettingsVersion]:
        """All decisions of a namespace, oldest first; of every estimator when none is named."""
        query = select(*SETTINGS.columns).where(_VERSIONS.c.namespace == namespace).order_by(_VERSIONS.c.offset)
        if estimator is not None:
            query = query.where(_VERSIONS.c.estimator == estimator)
        return await self._ledger.query(lambda connection: connection.records(SETTINGS, query))

    def append(self, writer: LedgerWriter, version: SettingsVersion) -> SettingsVersion:
        """Append a decision; a promotion that another decision has overtaken is recorded as refused.

        Args:
            writer: the transaction.
            version: the decision; its `replaces` says what it was compared with.

        Returns:
            The row as it was written, with its number.
        """
        serving = _newest_serving(writer, version.namespace, version.estimator)
        if version.verdict != "refused" and serving.version != version.replaces:
            overtaken = f"version {serving.version} began to serve while this one was being judged; judge again"
            version = version.model_copy(update={"verdict": "refused", "reason": overtaken})
        newest = writer.scalar(select(func.max(schema.outcomes.c.offset))) or 0
        version = version.model_copy(update={"since": newest})
        row = version.model_dump(include=_COLUMNS - {"version"}) | {"body": encode_body(version, exclude=_COLUMNS)}
        added = insert(_VERSIONS).values(SETTINGS.signed(row)).returning(_VERSIONS.c.offset)
        return version.model_copy(update={"version": writer.scalar(added)})


def built_in(namespace: str, estimator: str) -> SettingsVersion:
    """Version 0."""
    return SettingsVersion(version=0, namespace=namespace, estimator=estimator, reason="built-in settings")


def _serving(namespace: str, estimator: str) -> tuple[ColumnElement[bool], ...]:
    of_ours = (_VERSIONS.c.namespace == namespace, _VERSIONS.c.estimator == estimator)
    return (*of_ours, _VERSIONS.c.verdict != "refused")


def _newest_serving(connection: CheckedConnection, namespace: str, estimator: str) -> SettingsVersion:
    query = select(*SETTINGS.columns).where(*_serving(namespace, estimator)).order_by(_VERSIONS.c.offset.desc())
    newest = connection.checked(SETTINGS, row) if (row := connection.execute(query.limit(1)).first()) else None
    return newest or connection.first(SETTINGS, query) or built_in(namespace, estimator)


def _version(row: Mapping[str, Any]) -> SettingsVersion:
    columns = {"version": row["offset"], "namespace": row["namespace"], "estimator": row["estimator"]}
    return decode_body(SettingsVersion, row["body"], {**columns, "verdict": row["verdict"]})


SETTINGS = RowKind(_VERSIONS, ["offset"], _version)
