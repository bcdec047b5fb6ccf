"""Renders tables as Markdown."""

from collections.abc import Sequence
from typing import Final

MAX_COLUMNS: Final = 60
MAX_CELL_CHARS: Final = 400


def cell(value: str) -> str:
    """Escape a value so that it stays within its table cell."""
    text = " ".join(value.replace("|", "\\|").split("\n")).strip()
    return text if len(text) <= MAX_CELL_CHARS else f"{text[:MAX_CELL_CHARS]}…"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Render rows as a Markdown table, the first as heading; wide tables are truncated and say so."""
    width = max(map(len, rows), default=0)
    shown = min(width, MAX_COLUMNS)
    if not shown:
        return ""
    written = [_row(row, shown) for row in rows]
    written.insert(1, "|" + "---|" * shown)
    if width > shown:
        written.append(f"({width - shown} more columns are not shown)")
    return "\n".join(written)


def _row(row: Sequence[str], width: int) -> str:
    cells = [cell(value) for value in row[:width]]
    return "| " + " | ".join(cells + [""] * (width - len(cells))) + " |"
