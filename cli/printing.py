"""What commands print for people: tables on stdout, sentences on stderr."""

import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from memento.cli.streams import silence, written_if_possible

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


class StdoutConsole(Console):
    """Rich's console, whose end is the command's end where the reader has gone (`| head`), not an exit from within."""

    def on_broken_pipe(self) -> None:
        """Let the command end as it ends for every other print."""
        self.quiet = True
        raise BrokenPipeError


class StderrConsole(Console):
    """Rich's console for progress, which a command goes on without when nobody reads it any more."""

    def on_broken_pipe(self) -> None:
        """Show nothing from here on."""
        self.quiet = True
        silence(sys.stderr)


def print_table(table: Table) -> None:
    """On a terminal as wide as that; in a pipe wide enough for `grep`."""
    StdoutConsole(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)


def tell(sentence: str) -> None:
    """A sentence that is not the command's product."""
    with written_if_possible(sys.stderr):
        print(sentence, file=sys.stderr)  # noqa: T201
