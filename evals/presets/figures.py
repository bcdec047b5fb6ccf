"""What the paper prints in its ablations, as data: arXiv 2508.16153 v2, with what does not agree in print.

Where a table gives F1 and PM (a judge's verdict), it gives them in per cent, and so do we.
"""

from collections.abc import Mapping
from typing import NamedTuple

SIZES: Mapping[str, int] = {
    "nq": 512,
    "tq": 512,
    "hotpotqa": 512,
    "2wiki": 512,
    "musique": 512,
    "Bamboogle": 125,
    "popqa": 512,
}
"""Questions of each source in the paper, under the data set's own names."""

N_QUESTIONS = sum(SIZES.values())

K = 4
"""Cases shown, where the paper does not vary that."""


class Score(NamedTuple):
    """A figure of each measure, in per cent."""

    f1: float
    pm: float


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


def _row(f1: str, pm: str, printed: tuple[float, float], *, is_printed_macro: bool = False) -> Scores:
    pairs = zip(f1.split(), pm.split(), strict=True)
    scores = [Score(float(one), float(other)) for one, other in pairs]
    return Scores(dict(zip(SIZES, scores, strict=True)), Score(*printed), is_printed_macro)


NUMBER_OF_CASES: Mapping[int, Scores] = {
    0: _row("39.5 81.1 62.0 78.3 35.6 77.5 57.9", "67.8 89.1 76.0 90.0 43.8 83.2 63.9", (59.9, 72.2)),
    1: _row("41.1 86.1 65.4 81.3 39.8 85.9 62.6", "74.4 93.8 80.7 94.9 50.2 91.2 70.1", (63.6, 77.9)),
    2: _row("41.3 86.2 65.7 80.9 40.1 84.1 63.4", "72.7 93.9 81.3 94.1 52.1 91.2 71.3", (63.7, 78.1)),
    4: _row("41.9 86.3 67.4 81.0 41.6 84.7 63.6", "73.0 94.1 84.2 94.7 51.0 90.4 70.9", (64.5, 78.5)),
    8: _row("41.7 85.8 66.6 82.0 41.0 84.9 62.7", "73.8 94.1 82.0 94.5 52.1 91.2 69.2", (64.1, 78.2)),
    16: _row("42.1 85.9 65.5 81.1 39.6 85.2 64.1", "73.2 94.3 82.0 93.6 51.4 92.0 70.9", (63.9, 78.1)),
    32: _row("42.2 85.5 66.4 81.0 40.3 83.0 63.2", "75.4 93.9 83.2 94.1 50.4 87.2 69.4", (63.9, 78.1)),
}

NUMBER_OF_CASES_SOURCE = Source(
    where="Table 3",
    metric="F1 and PM; averages weighted by questions",
    setting="3,197 questions, planner GPT-4.1, executor o4-mini, judge GPT-4o-mini, one run",
    inconsistent=(
        "with K = 0 the printed TQ F1 of 81.1 gives an average of 59.8, not 59.9; Table 5 prints 81.8 for the same row",
        "the text lists K = 0, 2, 4, 8, 16, 32; the table has K = 1 as well",
    ),
)

CONTINUAL: Mapping[str, tuple[float, ...]] = {
    "without cases": (78.65, 80.93, 82.62, 83.53, 84.47),
    "non-parametric": (79.84, 81.87, 83.09, 84.03, 84.85),
    "parametric": (80.46, 82.84, 84.10, 84.85, 85.44),
}

CONTINUAL_SOURCE = Source(
    where="Table 4",
    metric="accuracy by iteration",
    setting="DeepResearcher questions, five iterations over the same questions, one run",
    inconsistent=(
        "without cases the first iteration is 78.65, but Table 5 has 72.2 PM without cases on the same questions",
        "the agent without cases gains most from iteration 1 to 5: +5.82, against +5.01 and +4.98 with cases",
    ),
)

OUT_OF_DISTRIBUTION: Mapping[str, Score] = {
    "musique": Score(4.7, 8.0),
    "Bamboogle": Score(7.0, 9.6),
    "popqa": Score(5.3, 5.5),
}
"""Gains over the agent without cases, in points."""

OUT_OF_DISTRIBUTION_SOURCE = Source(
    where="figure of the gains on data sets out of distribution",
    metric="gain in F1 and PM over no cases, in points",
    setting="cases of nq, tq, hotpotqa and 2wiki only, K = 4, one run",
    inconsistent=('"4.7 % to 9.6 %" joins the smallest gain in F1 with the largest in PM',),
)

COMPONENTS: Mapping[str, Scores] = {
    "executor alone, no tools": _row(
        "39.7 75.8 50.7 44.8 26.9 76.0 48.0", "70.1 89.1 67.2 56.0 35.7 84.0 53.5", (48.8, 62.8)
    ),
    "executor alone, with tools": _row(
        "23.3 41.9 34.4 33.6 23.0 45.8 24.9", "55.3 80.7 67.8 66.2 39.7 77.6 50.2", (30.8, 60.7)
    ),
    "planner and executor, no cases": _row(
        "39.5 81.8 62.0 78.3 35.6 77.5 57.9", "67.8 89.1 76.0 90.0 43.8 83.2 63.9", (59.9, 72.2)
    ),
    "planner and executor, with cases": _row(
        "42.0 85.5 66.5 81.4 40.6 86.2 64.0",
        "74.6 93.9 81.6 94.1 53.3 92.8 72.5",
        (66.6, 80.4),
        is_printed_macro=True,
    ),
}

COMPONENTS_SOURCE = Source(
    where="Table 5, the part on DeepResearcher",
    metric="F1 and PM; averages weighted by questions, but for the last row",
    setting="3,197 questions, planner GPT-4.1, executor o4-mini, judge GPT-4o-mini, one run",
    inconsistent=(
        "66.6 / 80.4 with cases is the mean over sources; over questions, as in the other rows, it is 64.2 / 78.9",
        "so cases add 4.3 F1 and 6.7 PM, not the printed 6.7 and 8.2",
    ),
)
