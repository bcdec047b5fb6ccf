"""What cells say, with intervals over seeds.

A seed is a world of its own, which all policies and scenarios of that seed share: everything is compared by seed.
Axes: S seeds, T steps.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.planted.cells import Z90, Cell
from benchmarks.planted.stream import ORACLE

MIN_EXPOSURES = 15
Z95 = 1.96
_RESAMPLES = 4000


class SeedInterval(NamedTuple):
    """A figure and its 95 % interval; nan where one seed cannot tell."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


class Results:
    """Cells by scenario and policy."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        """Keep the seeds that every scenario and policy has, so that all comparisons are paired."""
        by_key = {(cell.scenario, cell.policy, cell.seed): cell for cell in cells}
        self.scenarios = list(dict.fromkeys(cell.scenario for cell in cells))
        self.policies = list(dict.fromkeys(cell.policy for cell in cells if "@" not in cell.policy))
        seeds = sorted({cell.seed for cell in cells})
        pairs = {(cell.scenario, cell.policy) for cell in cells}
        self.seeds = [seed for seed in seeds if all((*pair, seed) in by_key for pair in pairs)]
        self._by_key = by_key

    @property
    def steps(self) -> int:
        """Length T of the stream."""
        return len(next(iter(self._by_key.values())).probability)

    def cells(self, scenario: str, policy: str) -> list[Cell]:
        """One per seed; none where the policy was not played."""
        keys = [(scenario, policy, seed) for seed in self.seeds]
        return [self._by_key[key] for key in keys if key in self._by_key]

    def success(self, scenario: str, policy: str, *, begin: float = 0.0, end: float = 1.0) -> NDArray[np.float64]:
        """Mean probability of success of each seed over a part of the stream, shape (S,)."""
        probability_ST = np.array([cell.probability for cell in self.cells(scenario, policy)])
        steps = probability_ST.shape[1]
        part_S: NDArray[np.float64] = probability_ST[:, round(begin * steps) : round(end * steps)].mean(axis=1)
        return part_S

    def regret_removed(self, policy: str, scenarios: Sequence[str], *, begin: float = 0.0) -> SeedInterval:
        """1 - regret / regret of similarity, both against the oracle; mean over scenarios.

        It is also the share of the gap between similarity and the oracle that is closed. From `begin` to the end.
        """

        def regret(of: str) -> NDArray[np.float64]:
            return np.array(
                [self.success(s, ORACLE, begin=begin) - self.success(s, of, begin=begin) for s in scenarios]
            )

        ours_XS, similarity_XS = regret(policy), regret("similarity")

        def removed(drawn: NDArray[np.int64]) -> float:
            return float(np.mean(1 - ours_XS[:, drawn].sum(axis=1) / similarity_XS[:, drawn].sum(axis=1)))

        return bootstrap(removed, len(self.seeds))


def mean(value_S: NDArray[np.float64]) -> SeedInterval:
    """Mean with Student's interval over the seeds that have a value."""
    value_S = value_S[np.isfinite(value_S)]
    n = len(value_S)
    value = float(value_S.mean()) if n else float("nan")
    if n < 2:
        return SeedInterval(value, float("nan"), float("nan"))
    half = float(stats.t.ppf(0.975, n - 1) * value_S.std(ddof=1) / np.sqrt(n))
    return SeedInterval(value, value - half, value + half)


def bootstrap(figure: Callable[[NDArray[np.int64]], float], n: int) -> SeedInterval:
    """A figure of a set of seeds (by position), with its interval by resampling seeds; for what is no mean."""
    value = figure(np.arange(n))
    if n < 2:
        return SeedInterval(value, float("nan"), float("nan"))
    drawn = np.random.default_rng(0).integers(n, size=(_RESAMPLES, n))
    low, high = np.nanquantile([figure(row) for row in drawn], [0.025, 0.975])
    return SeedInterval(value, float(low), float(high))


class Ranking(NamedTuple):
    """Spearman correlation with the true effect, by seed; nan where there is none."""

    estimated_S: NDArray[np.float64]
    shared_label_S: NDArray[np.float64]
    """Of the cases' mean rewards, in the same trace."""


def ranking(cells: Sequence[Cell]) -> Ranking:
    """How well cases of at least `MIN_EXPOSURES` are ranked."""
    pairs: list[tuple[float, float]] = []
    for cell in cells:
        true_N, effect_N, mean_N = map(_column, (cell.cases.true_effect, cell.cases.effect, cell.cases.mean_reward))
        enough = (np.array(cell.cases.exposures) >= MIN_EXPOSURES) & np.isfinite(effect_N)
        effect_M, mean_M, true_M = effect_N[enough], mean_N[enough], true_N[enough]
        if enough.sum() < 3 or min(np.ptp(effect_M), np.ptp(mean_M), np.ptp(true_M)) == 0:
            pairs.append((float("nan"), float("nan")))  # too few to be ranked, or all alike
            continue
        estimated, shared = (float(stats.spearmanr(one, true_M).statistic) for one in (effect_M, mean_M))
        pairs.append((estimated, shared))
    estimated_S, shared_S = np.array(pairs).reshape(-1, 2).T
    return Ranking(estimated_S, shared_S)


class Probe(NamedTuple):
    """The null-injection probe of one seed: how many injected inert cases are taken to help."""

    injected: int
    served: int
    """Of them, at least once."""
    above: int
    """With a 95 % interval of the estimated effect above 0."""
    above_shared_label: int
    """With a 95 % interval of their mean reward above the mean reward of all tasks: what the reference would take for
    help."""


def probe(cell: Cell) -> Probe:
    """Count in one cell."""
    is_injected = np.array([kind == "injected inert" for kind in cell.cases.kind])
    exposures_N, mean_N, effect_N, sd_N = (
        _column(column)[is_injected]
        for column in (cell.cases.exposures, cell.cases.mean_reward, cell.cases.effect, cell.cases.sd)
    )
    base = cell.mean_reward
    error_N = np.sqrt(base * (1 - base) / np.maximum(exposures_N, 1))
    return Probe(
        int(is_injected.sum()),
        int((exposures_N > 0).sum()),
        int((effect_N - Z95 * sd_N > 0).sum()),
        int((mean_N - base - Z95 * error_N > 0).sum()),
    )


def covered_at_reads(seeds: Sequence[Sequence[Cell]]) -> SeedInterval:
    """Share of 90 % intervals of served cases that hold the true u, in the second half of the stream.

    Args:
        seeds: for each seed its cells.
    """
    told = [[cell.calibration for cell in cells] for cells in seeds]
    return shares([sum(one.covered for one in of) for of in told], [sum(one.n for one in of) for of in told])


def covered_effects(seeds: Sequence[Sequence[Cell]]) -> SeedInterval:
    """Share of 90 % intervals of the cases' effects that hold the true mean effect.

    Args:
        seeds: for each seed its cells.
    """
    covered: list[int] = []
    told: list[int] = []
    for cells in seeds:
        error_M, sd_M = np.concatenate([_errors(cell) for cell in cells], axis=1)
        covered.append(int((np.abs(error_M) <= Z90 * sd_M).sum()))
        told.append(len(error_M))
    return shares(covered, told)


def shares(part_S: Sequence[int], whole_S: Sequence[int]) -> SeedInterval:
    """Pooled share, with its interval over seeds; nan of nothing."""
    count_S2 = np.array([part_S, whole_S]).T

    def share(drawn: NDArray[np.int64]) -> float:
        part, whole = count_S2[drawn].sum(axis=0)
        return float(part / whole) if whole else float("nan")

    return bootstrap(share, len(count_S2))


def _errors(cell: Cell) -> NDArray[np.float64]:
    """Effect minus true effect, and its standard deviation, of the cases that have them, shape (2, M)."""
    error_N = _column(cell.cases.effect) - _column(cell.cases.true_effect)
    both: NDArray[np.float64] = np.stack([error_N, _column(cell.cases.sd)])[:, np.isfinite(error_N)]
    return both


def _column(values: Sequence[float | None]) -> NDArray[np.float64]:
    """With nan for None."""
    return np.array(values, np.float64)
