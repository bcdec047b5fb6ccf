"""The bars that one policy is judged by on the planted stream."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.planted.cells import Cell
from benchmarks.planted.figures import (
    Results,
    SeedInterval,
    covered_at_reads,
    covered_effects,
    mean,
    probe,
    ranking,
    shares,
)
from benchmarks.planted.stream import ORACLE

PLAIN = ("similarity", "similarity_reward", "parametric")
"""The policies of which the best is the measure."""

MISLEADING = ("fixed", "growing")
"""Scenarios in which similarity misleads and nothing else happens."""

THIRDS = ((0.0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1.0))


class Bar(NamedTuple):
    """One bar, and where the policy stands."""

    name: str
    wanted: str
    figure: SeedInterval
    is_met: bool
    where: str
    """What the figure is of."""


def bars(results: Results, judged: str) -> list[Bar]:
    """Every bar that the cells can tell about."""
    found: list[Bar] = []
    if {judged, "similarity", ORACLE} <= set(results.policies):
        found += _regret(results, judged)
    if {judged, *PLAIN} <= set(results.policies):
        found += _against_the_best(results, judged)
    cells = [results.cells(scenario, judged) for scenario in results.scenarios]
    if judged in results.policies and any(effect is not None for effect in cells[0][0].cases.effect):
        found += _ranking(cells)
        found += _null_injection(results, judged)
        found += _calibration(cells)
    return [bar for bar in found if np.isfinite(bar.figure.value)]


def _regret(results: Results, judged: str) -> list[Bar]:
    removed = results.regret_removed(judged, results.scenarios)
    where = f"mean of {len(results.scenarios)} scenarios"
    is_met = removed.value >= 0.25 and removed.low > 0
    found = [Bar("regret of similarity removed", ">= 0.25, interval above 0", removed, is_met, where)]
    for scenario in (one for one in MISLEADING if one in results.scenarios):
        closed = results.regret_removed(judged, [scenario], begin=5 / 6)
        found.append(Bar("gap from similarity to oracle closed", ">= 0.45", closed, closed.value >= 0.45,
                         f"last sixth of {scenario}"))  # fmt: skip
    return found


def _against_the_best(results: Results, judged: str) -> list[Bar]:
    whole = min(((_behind(results, judged, one, 0.0, 1.0), one) for one in results.scenarios), key=lambda pair: pair[0])
    part = min(
        ((_behind(results, judged, one, *third), f"third {number + 1} of {one}"))
        for one in results.scenarios
        for number, third in enumerate(THIRDS)
    )
    best = "to the best plain policy"
    return [
        Bar(f"mean success {best}", ">= -0.010 in every scenario", whole[0], whole[0].value >= -0.01,
            f"worst: {whole[1]}"),
        Bar(f"success {best}", ">= -0.030 in every third", part[0], part[0].value >= -0.03, f"worst: {part[1]}"),
    ]  # fmt: skip


def _behind(results: Results, judged: str, scenario: str, begin: float, end: float) -> SeedInterval:
    """Paired difference to the plain policy that is best there."""
    plain = [results.success(scenario, one, begin=begin, end=end) for one in PLAIN]
    best_S = max(plain, key=lambda success_S: float(success_S.mean()))
    return mean(results.success(scenario, judged, begin=begin, end=end) - best_S)


def _ranking(cells: Sequence[Sequence[Cell]]) -> list[Bar]:
    ranked = [ranking(of) for of in cells]
    estimated = mean(np.mean([one.estimated_S for one in ranked], axis=0))  # seeds that are ranked in every scenario
    shared = mean(np.mean([one.shared_label_S for one in ranked], axis=0))
    wanted = max(0.45, 1.5 * shared.value)
    where = f"mean of {len(cells)} scenarios; shared labels {shared}"
    return [
        Bar("Spearman, estimated with true effect", f">= 0.45 and 1.5x shared labels = {wanted:.3f}", estimated,
            estimated.value >= wanted, where)
    ]  # fmt: skip


def _null_injection(results: Results, judged: str) -> list[Bar]:
    found: list[Bar] = []
    for scenario in results.scenarios:
        for policy, how in ((judged, "its own reads"), (f"similarity@{judged}", "watching similarity's reads")):
            counts = [probe(cell) for cell in results.cells(scenario, policy)]
            if not sum(count.injected for count in counts):
                continue
            injected, served = [count.injected for count in counts], [count.served for count in counts]
            above = shares([count.above for count in counts], injected)
            of_served = shares([count.above for count in counts], served)
            shared = shares([count.above_shared_label for count in counts], injected)
            where = f"{scenario}, {how}"
            found += [
                Bar("inert injected cases taken to help", "<= 0.05", above, above.value <= 0.05,
                    f"{where}; of those served {of_served}"),
                Bar("the same by shared labels", "> 0.05: the reference's rule fails", shared, shared.value > 0.05,
                    where),
            ]  # fmt: skip
    return found


def _calibration(cells: Sequence[Sequence[Cell]]) -> list[Bar]:
    by_seed = list(zip(*cells, strict=True))
    figures = {
        "served cases at reads, second half": covered_at_reads(by_seed),
        "effects of cases at the end": covered_effects(by_seed),
    }
    return [
        Bar("90 % intervals of u hold the truth", "0.85 to 0.95", figure, 0.85 <= figure.value <= 0.95, where)
        for where, figure in figures.items()
    ]
