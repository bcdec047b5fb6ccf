"""The tables of measured figures of docs/results.md, made from `benchmarks/results/*.json`."""

from pathlib import Path

from benchmarks.markdown_tables import table
from benchmarks.provenance import Provenance
from benchmarks.results import FOLDER, Figure, KeptFigure, load, rounded

EMPTY = "No figures are kept yet: `make figures` measures them."


def markdown(folder: Path = FOLDER) -> str:
    """For each benchmark, every kept figure that has a bar or is shown without one, and what it was measured on."""
    kept = {file.stem: load(file.stem, folder=folder) for file in sorted(folder.glob("*.json"))}
    told = {name: _rows([one for one in those if _is_told(one.figure)]) for name, those in kept.items()}
    tables = [_section(name, kept[name], rows) for name, rows in told.items() if rows]
    return "\n\n".join([_about(kept), *tables]) if tables else EMPTY


def _is_told(figure: Figure) -> bool:
    return figure.bar is not None or figure.is_shown


def _section(name: str, kept: list[KeptFigure], rows: list[str]) -> str:
    command = f"`python -m benchmarks.{name}`"
    return "\n".join([f"### {name}", "", f"{command}. {_origins(kept)}", "", *rows])


def _rows(kept: list[KeptFigure]) -> list[str]:
    """A table of figures: what was seen on cores with nothing else to do, and on busy ones where that was measured."""
    idle = {one.figure.name: one.figure for one in kept if not one.figure.is_busy}
    busy = {one.figure.name: one.figure for one in kept if one.figure.is_busy}
    if not (idle or busy):
        return []
    head = ["figure", "bar", "seen", *(["with all cores busy"] if busy else [])]
    cells = [
        [name, _bar(one), _seen(idle.get(name)), *([_seen(busy.get(name))] if busy else [])]
        for name, one in {**busy, **idle}.items()
    ]
    return table(head, cells).splitlines()


def _bar(figure: Figure) -> str:
    if figure.bar is None:
        return ""
    return f"{figure.bar.direction} {rounded(figure.bar.goal)}{figure.unit and ' '}{figure.unit}"


def _seen(figure: Figure | None) -> str:
    if figure is None:
        return ""
    verdict = {"missed": ", **missed**", "undecided": ", undecided", "met": "", None: ""}[figure.verdict]
    return f"{figure}{verdict}"


def _origins(kept: list[KeptFigure]) -> str:
    """Each state of the code and machine that figures come from, the newest last."""
    origins = [one.provenance for one in kept]
    where = sorted({(one.date.partition("T")[0], _code(one), one.machine) for one in origins})
    return f"Measured {'; and '.join(f'{date} at {code} on {machine}' for date, code, machine in where)}."


def _about(kept: dict[str, list[KeptFigure]]) -> str:
    loads = [one.provenance.load for figures in kept.values() for one in figures if not one.figure.is_busy]
    ends = " to ".join(dict.fromkeys(rounded(end) for end in (min(loads, default=0), max(loads, default=0))))
    return (
        "Intervals are 95 % percentile bootstraps over what was drawn anew, named in the files. Processes that wanted "
        f"a core, over the number of cores, where they were not kept busy: {ends}."
    )


def _code(origin: Provenance) -> str:
    changed = " with changes" if origin.is_dirty else ""
    return f"commit {origin.commit}{changed}" if origin.commit else "a state outside a repository"
