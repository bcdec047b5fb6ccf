"""The schema that releases until November 2026 created (0.1.0): where every migration begins."""

from typing import Any

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade(op: Any) -> None:
    """Nothing to do: those releases created it, and an empty database gets the newest schema at once."""
    del op
