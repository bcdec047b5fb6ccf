"""Schema 2: a digest column in every table of records, the `set_aside` table, `policy_versions` -> `settings_versions`.

Digests of rows that are there already are made of what they say now: damage from before can be told only where a row is
not a valid record, which is looked at whenever it is read.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from memento.memory.ledger.digests import DIGEST_COLUMNS, row_digest

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_AT_ONCE = 1000
# with no table that a later revision adds
_TABLES = (
    *("case_revisions", "events", "outcomes", "settings_versions", "vectors", "audit", "batch_changes", "snapshots"),
)
_KEYS = {"vectors": ("text_hash", "encoder"), "batch_changes": ("audit_offset",)}


def upgrade(op: Any) -> None:
    """Add the columns, and fill them."""
    op.rename_table("policy_versions", "settings_versions")
    op.drop_index("policy_versions_serving", table_name="settings_versions")
    op.create_index("settings_versions_serving", "settings_versions", ["namespace", "estimator", "offset"])
    op.create_table(
        "set_aside",
        sa.Column("table_name", sa.String(40), primary_key=True),
        sa.Column("row_key", sa.String(80), primary_key=True),
        sa.Column("namespace", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
    )
    for table in _TABLES:
        op.add_column(table, sa.Column("digest", sa.String(40), nullable=True))
        # a damaged key can be no parameter of a statement; Postgres keeps no such keys
        is_sqlite = op.get_bind().dialect.name == "sqlite"
        _sign(op.get_bind(), table, ("rowid",) if is_sqlite else _KEYS.get(table, ("offset",)))


def _sign(connection: sa.Connection, name: str, keys: Sequence[str]) -> None:
    covered = DIGEST_COLUMNS[name]
    names = dict.fromkeys([*keys, *covered, "digest"])
    table = sa.table(name, *(sa.column(one) for one in names))
    change = sa.update(table).where(*(table.c[key] == sa.bindparam(f"key_{key}") for key in keys))
    change = change.values(digest=sa.bindparam("new_digest"))
    read = sa.select(*(table.c[one] for one in [*keys, *covered])).where(table.c.digest.is_(None))
    while rows := connection.execute(read.limit(_AT_ONCE)).all():
        connection.execute(
            change,
            [
                {
                    **{f"key_{key}": value for key, value in zip(keys, row, strict=False)},
                    "new_digest": row_digest(name, row[len(keys) :]),
                }
                for row in rows
            ],
        )
