"""Tables on stdout and progress bars on stderr, drawn with Rich."""

import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from memento.cli.streams import silence

_PIPE_WIDTH = 200


class TextTable(Table):
    """A table without a frame whose cells are plain text, in which Rich looks for no markup."""

    def __init__(self, *titles: str, no_wrap: bool = False, show_header: bool = True, expand: bool = False) -> None:
        """Start with these columns, if any."""
        super().__init__(box=None, pad_edge=False, show_header=show_header, expand=expand)
        self.title_justify, self.title_style = "left", "bold"
        for title in titles:
            self.add_column(title, no_wrap=no_wrap)

    def add_texts(self, *cells: str) -> None:
        """Add a row."""
        self.add_row(*map(Text, cells))


def facts_table(facts: dict[str, Any]) -> Table:
    """Table of names and values; nested values are on lines of their own."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        inner = "\n".join(f"{k}: {v}" for k, v in value.items() if v) if isinstance(value, dict) else value
        table.add_row(Text(name.replace("_", " ")), Text("" if inner is None else str(inner)))
    return table


class StdoutConsole(Console):
    """Rich's console; a closed pipe (`| head`) ends it like any other print, not by an exit inside Rich."""

    def on_broken_pipe(self) -> None:
        """Let the command end as it ends for every other print."""
        self.quiet = True
        raise BrokenPipeError


class StderrConsole(Console):
    """Rich's console for progress; the command goes on without it when stderr is closed."""

    def on_broken_pipe(self) -> None:
        """Show nothing from here on."""
        self.quiet = True
        silence(sys.stderr)


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal, or wide enough for `grep` in a pipe."""
    StdoutConsole(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)


def progress_bar(
    *, is_quiet: bool, count: str = "", timer: type[ProgressColumn] = TimeRemainingColumn, is_transient: bool = False
) -> Progress:
    """Progress bar on stderr; nothing in a pipe.

    Args:
        is_quiet: draw nothing.
        count: what the field `count` of its tasks counts, such as "cases"; it is not shown where this is empty.
        timer: what is said about time.
        is_transient: whether it is wiped away at the end.
    """
    console = StderrConsole(stderr=True)
    counted = (TextColumn(f"{{task.fields[count]}} {count}"),) if count else ()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        *counted,
        timer(),
        console=console,
        transient=is_transient,
        disable=is_quiet or not console.is_terminal,
    )
