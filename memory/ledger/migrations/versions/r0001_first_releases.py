"""Schema 1, as release 0.1 created it: the baseline of all migrations."""

from typing import Any

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade(op: Any) -> None:
    """No changes: those releases created this schema, and new databases get the newest one directly."""
    del op
