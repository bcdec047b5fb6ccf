"""Schema 4: the kind of each case, in revisions and heads; counts and ordinals by kind. What is there are plans."""

from typing import Any

import sqlalchemy as sa

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade(op: Any) -> None:
    """Add the columns; counts, which can be lost, are made again when they are first needed."""
    offset = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    for table in ("case_revisions", "case_heads"):
        op.add_column(table, sa.Column("kind", sa.String(16), nullable=False, server_default="plan"))
    op.drop_index("case_heads_ordinal", table_name="case_heads")
    op.create_index("case_heads_ordinal", "case_heads", ["namespace", "kind", "ordinal"])
    op.drop_table("namespace_counts")
    op.create_table(
        "namespace_counts",
        sa.Column("namespace", sa.String(200), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        *(
            sa.Column(name, offset, nullable=False)
            for name in ("heads", "cases", "positive", "active", "ordinals", "events", "known")
        ),
    )
