"""What commands print for people: tables on stdout, sentences on stderr."""

import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 200


def facts_table(facts: dict[str, Any]) -> Table:
    """Names and values; what is nested stands on lines of its own."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        inner = "\n".join(f"{k}: {v}" for k, v in value.items() if v) if isinstance(value, dict) else value
        table.add_row(Text(name.replace("_", " ")), Text("" if inner is None else str(inner)))
    return table


def print_table(table: Table) -> None:
    """On a terminal as wide as that; in a pipe wide enough for `grep`."""
    Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)


def tell(sentence: str) -> None:
    """A sentence that is not the command's product."""
    print(sentence, file=sys.stderr)  # noqa: T201
