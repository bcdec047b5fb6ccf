"""A table that puts the paper's figures beside ours: what every preset fills, and the command prints."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from memento.evals.presets.figures import Source
from memento.evals.presets.ours import Ours


class Pair(NamedTuple):
    """One figure twice, in per cent or points."""

    paper: float | None = None
    """As printed; None where the paper has none."""
    ours: Ours | None = None
    """None where we have none (yet)."""


class Row(NamedTuple):
    """One line: a setting of the ablation."""

    part: str
    """Which questions: a source, or how the mean over all of them is taken."""
    label: str
    """The setting."""
    pairs: dict[str, Pair]
    """By measure."""
    arm: str = ""
    """Ours, where there is one."""
    n: int = 0
    """Questions behind our figures."""
    remark: str = ""
    """Why one side has no figure, or what it is."""


class PaperTable(NamedTuple):
    """The paper's figures beside ours."""

    preset: str
    title: str
    source: Source
    measures: dict[str, str]
    """What our side of a measure is, by the name it has in the paper."""
    rows: list[Row]
    differs: list[str]
    """What the two sides do not have in common."""

    @property
    def parts(self) -> list[str]:
        """In order."""
        return list(dict.fromkeys(row.part for row in self.rows))

    def lines(self) -> list[dict[str, Any]]:
        """JSON-able: the heading, then a line per row."""
        heading = {
            "event": "paper",
            "preset": self.preset,
            "title": self.title,
            **{
                name: list(value) if isinstance(value, tuple) else value
                for name, value in self.source._asdict().items()
            },
            "measures": self.measures,
            "differs": self.differs,
        }
        return [heading, *(_line(self.preset, row) for row in self.rows)]


def _line(preset: str, row: Row) -> dict[str, Any]:
    pairs = {measure: {"paper": pair.paper, **_ours(pair.ours)} for measure, pair in row.pairs.items()}
    return {"event": "row", "preset": preset, **row._asdict(), "pairs": pairs}


def _ours(ours: Ours | None) -> dict[str, Any]:
    if ours is None:
        return {"ours": None}
    return {"ours": _rounded(ours.interval), "n_orders": ours.n_orders, "unit": ours.unit}


def _rounded(figures: Sequence[float]) -> list[float | None]:
    return [round(figure, 2) if figure == figure else None for figure in figures]
