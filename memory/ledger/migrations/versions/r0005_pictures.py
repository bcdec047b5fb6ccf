"""Schema 5: the table of pictures. What is there has none, and stays as it is."""

from typing import Any

import sqlalchemy as sa

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade(op: Any) -> None:
    """Make the table."""
    op.create_table(
        "pictures",
        sa.Column("namespace", sa.String(200), primary_key=True),
        sa.Column("picture_hash", sa.String(32), primary_key=True),
        sa.Column("media_type", sa.String(16), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.String(40), nullable=True),
    )
