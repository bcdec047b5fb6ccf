"""Schema 3: `case_heads`, one row per living case; `namespace_counts`; the feed of one namespace by an index."""

from typing import Any

import sqlalchemy as sa

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_FILL = """
INSERT INTO case_heads (case_id, namespace, ordinal, revision_offset, status, question, reward)
SELECT case_id, namespace, row_number() OVER (PARTITION BY namespace ORDER BY "offset"), "offset", status, question,
       reward
FROM case_revisions
WHERE status != 'erased'
  AND NOT EXISTS (
    SELECT 1 FROM case_revisions AS later
    WHERE later.case_id = case_revisions.case_id AND later."offset" > case_revisions."offset")
  AND NOT EXISTS (
    SELECT 1 FROM set_aside
    WHERE table_name = 'case_revisions' AND row_key = CAST(case_revisions."offset" AS VARCHAR))
"""


def upgrade(op: Any) -> None:
    """Make the tables, and the heads of the cases that are there; counts are made when they are first needed."""
    offset = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "case_heads",
        sa.Column("case_id", sa.String(36), primary_key=True),
        sa.Column("namespace", sa.String(200), nullable=False),
        sa.Column("ordinal", offset, nullable=False),
        sa.Column("revision_offset", offset, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("question", sa.String(32), nullable=False),
        sa.Column("reward", sa.Float, nullable=False),
    )
    op.create_table(
        "namespace_counts",
        sa.Column("namespace", sa.String(200), primary_key=True),
        *(
            sa.Column(name, offset, nullable=False)
            for name in ("heads", "cases", "positive", "active", "ordinals", "events", "known")
        ),
    )
    op.execute(_FILL)
    op.create_index("case_heads_ordinal", "case_heads", ["namespace", "ordinal"])
    op.create_index("case_heads_question", "case_heads", ["namespace", "question"])
    op.drop_index("case_revisions_namespace", table_name="case_revisions")
    op.create_index("case_revisions_namespace", "case_revisions", ["namespace", "offset"])
