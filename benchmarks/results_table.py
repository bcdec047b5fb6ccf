"""The table of measured figures of docs/results.md, made from `benchmarks/results/*.json`."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.provenance import Provenance
from benchmarks.results import FOLDER, Figure, KeptFigure, load, rounded

EMPTY = "No figures are kept yet: `make figures` measures them."


def markdown(folder: Path = FOLDER) -> str:
    """Every kept figure that has a bar or is shown without one, and what the figures were measured on."""
    kept = {file.stem: load(file.stem, folder=folder) for file in sorted(folder.glob("*.json"))}
    rows = [row for name, figures in kept.items() for row in _rows(name, figures)]
    if not rows:
        return EMPTY
    head = ["| figure and bar | seen | with all cores busy | command |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, "", *_origins(kept)])


def _rows(name: str, kept: list[KeptFigure]) -> Iterator[str]:
    """One row per figure: what was seen on cores with nothing else to do, and on busy ones."""
    idle = {one.figure.name: one.figure for one in kept if not one.figure.is_busy}
    busy = {one.figure.name: one.figure for one in kept if one.figure.is_busy}
    command = f"`python -m benchmarks.{name}`"
    for title, one in {**busy, **idle}.items():
        if one.bar or one.is_shown:
            bar = f": {one.bar.direction} {rounded(one.bar.goal)}{one.unit and ' '}{one.unit}" if one.bar else ""
            yield f"| {title}{bar} | {_seen(idle.get(title))} | {_seen(busy.get(title))} | {command} |"
            command = ""


def _seen(figure: Figure | None) -> str:
    if figure is None:
        return ""
    verdict = {"missed": ", **missed**", "undecided": ", undecided", "met": "", None: ""}[figure.verdict]
    return f"{figure}{verdict}"


def _origins(kept: dict[str, list[KeptFigure]]) -> Iterator[str]:
    """A line for each state of the code and machine that figures come from."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for name, figures in kept.items():
        for one in figures:
            where = _code(one.provenance), one.provenance.machine, one.provenance.date.partition("T")[0]
            names.setdefault(where, [])
            if name not in names[where]:
                names[where].append(name)
    loads = [one.provenance.load for figures in kept.values() for one in figures if not one.figure.is_busy]
    ends = " to ".join(dict.fromkeys(rounded(end) for end in (min(loads, default=0), max(loads, default=0))))
    yield (
        "Intervals are 95 % percentile bootstraps over what was drawn anew, named in the files. Processes that wanted "
        f"a core, over the number of cores, where they were not kept busy: {ends}. Measured:"
    )
    yield ""
    for (code, machine, date), those in names.items():
        yield f"- {', '.join(those)}: {date}, {code}, on {machine}"


def _code(origin: Provenance) -> str:
    changed = " with changes" if origin.is_dirty else ""
    return f"commit {origin.commit}{changed}" if origin.commit else "outside a repository"
