"""The paper's side of its ablations as presets.toml has it: figures as printed, and both means of a table's row."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

PAPER: Mapping[str, Any] = tomllib.loads(files(__package__).joinpath("presets.toml").read_text(encoding="utf-8"))

SIZES: Mapping[str, int] = PAPER["sources"]
"""Questions of each source in the paper, under the data set's own names."""

N_QUESTIONS = sum(SIZES.values())

K: int = PAPER["cases_shown"]
"""Cases shown, where the paper does not vary that."""


class Score(NamedTuple):
    """A figure of each measure, in per cent."""

    f1: float
    pm: float
    """A judge's verdict."""


class Scores(NamedTuple):
    """A row of a table."""

    by_source: Mapping[str, Score]
    printed: Score
    """The average as printed."""
    is_printed_macro: bool = False
    """Whether that is the mean over sources, not over questions."""

    @property
    def weighted(self) -> Score:
        """The mean over questions: as printed, or from the sources where the other mean was printed."""
        return self.mean_over_questions if self.is_printed_macro else self.printed

    @property
    def macro(self) -> Score:
        """The mean over sources: as printed, or from the sources where the other mean was printed."""
        return self.printed if self.is_printed_macro else self.mean_over_sources

    @property
    def mean_over_questions(self) -> Score:
        """From the sources and their sizes."""
        sums = (sum(SIZES[source] * score[i] for source, score in self.by_source.items()) for i in (0, 1))
        return Score(*(round(one / N_QUESTIONS, 1) for one in sums))

    @property
    def mean_over_sources(self) -> Score:
        """From the sources."""
        sums = (sum(score[i] for score in self.by_source.values()) for i in (0, 1))
        return Score(*(round(one / len(self.by_source), 1) for one in sums))


class Source(NamedTuple):
    """Where figures were printed, and how far to trust them."""

    where: str
    metric: str
    setting: str
    inconsistent: tuple[str, ...] = ()


class Line(BaseModel):
    """A line of the paper's table, and which of our arms stand beside it: one of the next four, or none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    """As in the paper; where the table is of gains, the source."""
    arm: str = ""
    """The arm of this name."""
    k: int | None = None
    """Every arm that shows so many cases."""
    policy: str = ""
    """Every arm of this policy."""
    is_with_memory: bool = False
    """Every arm but `none`."""
    remark: str = ""
    f1: tuple[float, ...] = ()
    """By source, in the order of `SIZES`; a single one where the table is of gains."""
    pm: tuple[float, ...] = ()
    printed: Score | None = None
    is_printed_macro: bool = False
    accuracy: tuple[float, ...] = ()
    """By iteration."""

    @property
    def scores(self) -> Scores:
        """The figures by source, with the average as printed.

        Raises:
            ValueError: the line has no figures by source.
        """
        if self.printed is None:
            raise ValueError(f"the line {self.label!r} has no figures by source")
        scores = map(Score, self.f1, self.pm)
        return Scores(dict(zip(SIZES, scores, strict=True)), self.printed, self.is_printed_macro)


class PaperSide(BaseModel):
    """The paper's side of an ablation: its figures, and the layout of the table that holds both sides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: Literal["by source", "by iteration", "gains"]
    """Of the table; see `rows`."""
    measures: tuple[str, ...]
    """Those of the paper's that the table has: f1, pm, accuracy."""
    source: Source
    lines: tuple[Line, ...]
    differs: tuple[str, ...]
    """What is not the same as in the paper, whatever the run."""
