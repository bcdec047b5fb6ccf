"""Prints a preset's table: the paper's figures beside ours, their sources, and differences of the set-up."""

import math

from rich.table import Table
from rich.text import Text

from memento.cli.printing import StdoutConsole, print_table
from memento.cli.streams import print_json
from memento.evals.presets import PaperTable, Row
from memento.evals.presets.rows import MACRO, WEIGHTED
from memento.memory.stats import Interval

_NAMES = {"f1": ("F1", "F1"), "pm": ("PM", "reward"), "accuracy": ("accuracy", "reward")}
"""Names of the measures, the paper's and ours."""
_DIGITS = {"accuracy": 2}
"""Decimal places that the paper prints, where that is not 1."""
_OVER_ALL = (WEIGHTED, MACRO)


def print_paper_table(table: PaperTable, *, by_source: bool = False, as_json: bool = False) -> None:
    """Print the paper's figures beside ours; lines of JSON have every row.

    Args:
        table: of a preset.
        by_source: rows of each source too, where there are rows over all of them.
        as_json: one object per line.
    """
    if as_json:
        for line in table.lines():
            print_json(line)
        return
    is_whole = by_source or not set(table.parts) & set(_OVER_ALL)
    parts = [part for part in table.parts if is_whole or part in _OVER_ALL]
    drawn = Table(box=None, pad_edge=False, title=table.title, title_justify="left")
    drawn.add_column("setting", overflow="fold")
    for measure in table.measures:
        drawn.add_column(f"{_NAMES[measure][0]}, paper", justify="right", no_wrap=True)
        drawn.add_column(f"{_NAMES[measure][1]}, ours", justify="right", no_wrap=True)
    drawn.add_column("questions", justify="right")
    drawn.add_column("remark", overflow="fold")
    for number, part in enumerate(parts):
        if number:
            drawn.add_row()
        drawn.add_row(Text(part, style="bold"))
        for row in table.rows:
            if row.part == part:
                drawn.add_row(*_cells(row, table))
    print_table(drawn)
    _print_notes(table, n_hidden=len(table.parts) - len(parts))


def _print_notes(table: PaperTable, *, n_hidden: int) -> None:
    console = StdoutConsole(highlight=False, markup=False, soft_wrap=True)
    console.print(f"\npaper: arXiv 2508.16153, {table.source.where}: {table.source.metric}; {table.source.setting}")
    measured = [f"{_NAMES[name][1]}: {what}" for name, what in table.measures.items() if what]
    if measured:
        console.print(f"ours, in per cent with 95 % intervals: {'; '.join(measured)}")
    for heading, notes in (("does not agree in print", table.source.inconsistent), ("not the same", table.differs)):
        if notes:
            console.print(f"{heading}:")
            for note in notes:
                console.print(f"  {note}")
    if n_hidden:
        console.print(f"(rows of {n_hidden} sources: --by-source)")


def _cells(row: Row, table: PaperTable) -> list[Text]:
    figures: list[Text] = []
    for measure in table.measures:
        pair = row.pairs[measure]
        figures.append(Text("-" if pair.paper is None else f"{pair.paper:.{_DIGITS.get(measure, 1)}f}"))
        figures.append(Text("-" if pair.ours is None else _interval(pair.ours.interval)))
    return [Text(f"  {row.label}"), *figures, Text(f"{row.n:,}" if row.n else "-"), Text(row.remark, style="dim")]


def _interval(figure: Interval) -> str:
    if math.isnan(figure.low):
        return f"{figure.value:.1f}"
    return f"{figure.value:.1f} [{figure.low:.1f}, {figure.high:.1f}]"
