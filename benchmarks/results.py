"""Figures of the benchmarks: one record, one table, one JSON file per benchmark under `benchmarks/results/`.

A benchmark makes a list of `Figure` and hands it to `report`, which prints each figure beside its bar and, with
`--save`, keeps it with the commit and the machine it was measured on. The table of docs/results.md is made from them.

    parser = argument_parser(__doc__)
    options = parser.parse_args()
    figures = [measured("read over one forward", ratios, "x", of="reads", bar=at_most(1.25), is_busy=options.busy)]
    sys.exit(report("read_latency", figures, options))
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.provenance import Provenance, provenance

FOLDER = Path(__file__).parent / "results"
N_RESAMPLES = 2000

Statistic = Callable[[NDArray[np.float64]], float]
Verdict = Literal["met", "missed", "undecided"]


@dataclass(frozen=True)
class Bar:
    """What a figure is held against."""

    direction: Literal["at most", "at least"]
    goal: float

    def __str__(self) -> str:
        return f"{self.direction} {rounded(self.goal)}"

    def holds(self, value: float) -> bool:
        """Whether a value is on the right side of the goal."""
        return value <= self.goal if self.direction == "at most" else value >= self.goal


@dataclass(frozen=True)
class Figure:
    """One measured figure."""

    name: str
    """Unique within its benchmark and `is_busy`."""
    value: float
    unit: str
    low: float | None = None
    """Lower end of the interval; None where nothing was repeated."""
    high: float | None = None
    interval: str = ""
    """How the interval was made, such as `95 % percentile bootstrap over 200 reads`."""
    n: int = 1
    """How many were drawn anew."""
    bar: Bar | None = None
    is_busy: bool = False
    """Whether every core had other work meanwhile."""
    is_shown: bool = False
    """Whether the table shows it although it has no bar."""

    @property
    def verdict(self) -> Verdict | None:
        """Whether the bar is met; undecided where the interval crosses it. None without a bar."""
        if self.bar is None:
            return None
        ends = {self.bar.holds(end) for end in (self.value, self.low, self.high) if end is not None}
        return "undecided" if len(ends) > 1 else "met" if ends == {True} else "missed"

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f" [{rounded(self.low)}, {rounded(self.high)}]"
        return f"{rounded(self.value)}{interval}{self.unit and ' '}{self.unit}"


@dataclass(frozen=True)
class KeptFigure:
    """A figure of a results file, with where it comes from."""

    figure: Figure
    provenance: Provenance


def at_most(goal: float) -> Bar:
    """A bar that smaller values meet."""
    return Bar("at most", goal)


def at_least(goal: float) -> Bar:
    """A bar that greater values meet."""
    return Bar("at least", goal)


def measured(
    name: str,
    values: ArrayLike,
    unit: str,
    *,
    of: str,
    statistic: Statistic | None = None,
    bar: Bar | None = None,
    is_busy: bool = False,
    is_shown: bool = False,
) -> Figure:
    """A statistic of repeated measurements with its 95 % percentile bootstrap interval.

    Args:
        name: of the figure.
        values: shape (n,) or (n, ...): one row for each that was really drawn anew.
        unit: of the statistic.
        of: what the rows are, in the plural: `reads`, `processes`.
        statistic: of rows to a number; their median by default.
        bar: what it is held against.
        is_busy: whether every core had other work meanwhile.
        is_shown: whether the table shows it although it has no bar.
    """
    rows, find = np.asarray(values, np.float64), statistic or _median
    chance, n = np.random.default_rng(0), len(rows)
    drawn = [find(rows[chance.integers(n, size=n)]) for _ in range(N_RESAMPLES if n > 1 else 0)]
    low, high = (_six_digits(end) for end in np.quantile(drawn, [0.025, 0.975])) if drawn else (None, None)
    how = f"95 % percentile bootstrap over {n} {of}" if drawn else ""
    return Figure(name, _six_digits(find(rows)), unit, low, high, how, n, bar, is_busy, is_shown)


def quantile(share: float) -> Statistic:
    """A quantile as the statistic of `measured`."""
    return lambda values: float(np.quantile(values, share))


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that every benchmark has: `--json`, `--save`, `--busy`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="the figures as JSON instead of a table")
    parser.add_argument("--save", action="store_true", help="keep the figures in benchmarks/results/")
    parser.add_argument("--busy", action="store_true", help="keep all cores busy with something else meanwhile")
    return parser


def report(name: str, figures: Sequence[Figure], options: argparse.Namespace) -> int:
    """Print the figures, keep them if asked to.

    Args:
        name: of the benchmark, which is that of its results file.
        figures: what was measured.
        options: of `argument_parser`.

    Returns:
        Exit code: 1 if a bar is missed.
    """
    if options.save:
        save(name, figures, folder=FOLDER)
    print(json.dumps([_as_json(one) for one in figures], indent=1) if options.json else table(figures))
    return int(any(one.verdict == "missed" for one in figures))


def table(figures: Sequence[Figure]) -> str:
    """One line per figure: name, value with interval, bar, verdict."""
    rows = [
        (one.name + (" (busy)" if one.is_busy else ""), str(one), f"bar {one.bar}: {one.verdict}" if one.bar else "")
        for one in figures
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    return "\n".join(f"{name:<{widths[0]}}   {seen:<{widths[1]}}   {bar}".rstrip() for name, seen, bar in rows)


def save(name: str, figures: Sequence[Figure], *, folder: Path) -> Path:
    """Write figures to the benchmark's file; those of its runs with other options stay, each in its place.

    Every figure keeps the commit, machine, command and date of the run it comes from.
    """
    origin = provenance([name, *sys.argv[1:]])
    new = {_key(one): KeptFigure(one, origin) for one in figures}
    old = {_key(one.figure): one for one in load(name, folder=folder)}
    kept = {key: one for key, one in old.items() if key in new or one.provenance.command != origin.command} | new
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    rows = [_as_json(one.figure) | asdict(one.provenance) for one in kept.values()]
    file.write_text(json.dumps({"benchmark": name, "figures": rows}, indent=1) + "\n", encoding="utf-8")
    return file


def load(name: str, *, folder: Path = FOLDER) -> list[KeptFigure]:
    """Figures of a results file; empty where there is no such file."""
    file = folder / f"{name}.json"
    if not file.exists():
        return []
    return [_from_json(row) for row in json.loads(file.read_text(encoding="utf-8"))["figures"]]


def rounded(value: float) -> str:
    """At least three significant digits, without an exponent; from 100 on, all before the point."""
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values))


def _key(figure: Figure) -> tuple[str, bool]:
    return figure.name, figure.is_busy


def _as_json(figure: Figure) -> dict[str, Any]:
    return asdict(figure) | {"verdict": figure.verdict}


def _from_json(row: dict[str, Any]) -> KeptFigure:
    bar = Bar(**row["bar"]) if row["bar"] else None
    fields = {name: row[name] for name in Figure.__dataclass_fields__}
    origin = {name: row[name] for name in Provenance.__dataclass_fields__}
    return KeptFigure(Figure(**fields | {"bar": bar}), Provenance(**origin))
