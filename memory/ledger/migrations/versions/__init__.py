"""Alembic revisions of the ledger's schema, one module each, found by their names."""
