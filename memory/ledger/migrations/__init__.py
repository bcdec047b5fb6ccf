"""Migrations of a ledger from an earlier release's schema to today's."""

from memento.memory.ledger.migrations.migration import (
    HEAD,
    READABLE_FROM,
    create,
    migrate,
    revision_name,
    schema_number,
)

__all__ = ["HEAD", "READABLE_FROM", "create", "migrate", "revision_name", "schema_number"]
