"""Tables of what contestants reach in each world, with Student's intervals over seeds.

A seed is a world of its own, which all contestants share: everything is compared by seed. Axes: S seeds.
"""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.planted.figures import SeedInterval, mean
from benchmarks.planted.report import table
from benchmarks.worlds.cells import WorldCell

THIRDS = ((0.0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1.0))

LEARNS_NOTHING = ("none", "random", "similarity", "similarity_reward")
"""Simple rules, of which the best is the measure of the first third."""


class WorldResults:
    """Cells by world and policy, of the seeds that all of them have."""

    def __init__(self, cells: Sequence[WorldCell]) -> None:
        """Keep the seeds that every world and policy has, so that all comparisons are paired."""
        self._by_key = {(cell.world, cell.policy, cell.seed): cell for cell in cells}
        self.worlds = list(dict.fromkeys(cell.world for cell in cells))
        self.policies = list(dict.fromkeys(cell.policy for cell in cells))
        pairs = {(cell.world, cell.policy) for cell in cells}
        every = sorted({cell.seed for cell in cells})
        self.seeds = [seed for seed in every if all((*pair, seed) in self._by_key for pair in pairs)]

    @property
    def steps(self) -> int:
        """Length of the streams."""
        return len(next(iter(self._by_key.values())).chance)

    def success(self, world: str, policy: str, *, begin: float = 0.0, end: float = 1.0) -> NDArray[np.float64]:
        """Mean chance of success of each seed over a part of the stream, shape (S,)."""
        chance_ST = np.array([self._by_key[world, policy, seed].chance for seed in self.seeds])
        steps = chance_ST.shape[1]
        part_S: NDArray[np.float64] = chance_ST[:, round(begin * steps) : round(end * steps)].mean(axis=1)
        return part_S

    def seconds(self, world: str, policy: str) -> float:
        """Mean processor time of a stream."""
        return float(np.mean([self._by_key[world, policy, seed].seconds for seed in self.seeds]))

    def best_other(self, world: str, judged: str, *, begin: float = 0.0, end: float = 1.0, simple: bool = False) -> str:
        """The policy that does best there beside the judged one, of all or of the simple rules; "" where none is."""
        others = [one for one in self.policies if one != judged and (not simple or one in LEARNS_NOTHING)]
        return max(others, key=lambda one: float(self.success(world, one, begin=begin, end=end).mean()), default="")

    def margin(self, world: str, judged: str, other: str, *, begin: float = 0.0, end: float = 1.0) -> SeedInterval:
        """Paired difference of two policies over a part of the stream."""
        part = {"begin": begin, "end": end}
        return mean(self.success(world, judged, **part) - self.success(world, other, **part))


def world_tables(results: WorldResults, judged: str, against: str | None = None) -> str:
    """Everything that is printed, as Markdown.

    Args:
        results: of all cells.
        judged: the policy whose margins are shown.
        against: compare it with this one instead of the best other one.
    """
    parts = [
        "# Worlds with written-back cases: a simulation, not evidence about real agents",
        f"{results.steps:,} tasks, {len(results.seeds)} seeds; intervals are of 95 %, Student's over seeds.",
        table(["mean success", *results.worlds], [_row(results, policy) for policy in results.policies]),
        table(["first third", *results.worlds], [_row(results, policy, end=1 / 3) for policy in results.policies]),
        table(["s a stream", *results.worlds], [_seconds(results, policy) for policy in results.policies]),
    ]
    if judged in results.policies and len(results.policies) > 1:
        heads = ["world", f"{judged} against", "margin", "third 1", "third 2", "third 3", "first third, simple rule"]
        parts.append(table(heads, [_margins(results, world, judged, against) for world in results.worlds]))
    return "\n\n".join(parts) + "\n"


def is_first_everywhere(results: WorldResults, judged: str) -> bool:
    """Whether a policy has the highest mean in every world, and no first third a point behind the best simple rule."""
    for world in results.worlds:
        other = results.best_other(world, judged)
        simple = results.best_other(world, judged, end=1 / 3, simple=True)
        if other and results.margin(world, judged, other).value <= 0:
            return False
        if simple and results.margin(world, judged, simple, end=1 / 3).value < -0.01:
            return False
    return True


def world_json_lines(results: WorldResults, judged: str, against: str | None = None) -> str:
    """One object a line: each world and policy with its mean success, then the judged policy's margins."""
    lines: list[dict[str, object]] = []
    for world in results.worlds:
        for policy in results.policies:
            thirds = [float(results.success(world, policy, begin=b, end=e).mean()) for b, e in THIRDS]
            success = mean(results.success(world, policy))._asdict()
            rest = {"success": success, "success_thirds": thirds, "seconds": results.seconds(world, policy)}
            lines.append({"simulation": True, "world": world, "policy": policy, "seeds": len(results.seeds), **rest})
    for world in results.worlds if judged in results.policies and len(results.policies) > 1 else ():
        other = against or results.best_other(world, judged)
        margins = [results.margin(world, judged, other, begin=b, end=e)._asdict() for b, e in ((0.0, 1.0), *THIRDS)]
        line = {"simulation": True, "world": world, "judged": judged, "against": other, "margin": margins[0]}
        lines.append({**line, "margin_thirds": margins[1:]})
    return "\n".join(json.dumps(line) for line in lines)


def _row(results: WorldResults, policy: str, *, end: float = 1.0) -> list[str]:
    return [policy, *(f"{results.success(world, policy, end=end).mean():.3f}" for world in results.worlds)]


def _seconds(results: WorldResults, policy: str) -> list[str]:
    return [policy, *(f"{results.seconds(world, policy):.1f}" for world in results.worlds)]


def _margins(results: WorldResults, world: str, judged: str, against: str | None) -> list[str]:
    other = against or results.best_other(world, judged)
    row = [world, other, *(str(results.margin(world, judged, other, begin=b, end=e)) for b, e in ((0.0, 1.0), *THIRDS))]
    simple = results.best_other(world, judged, end=1 / 3, simple=True)
    early = str(results.margin(world, judged, simple, end=1 / 3)) if simple else ""
    return [*row, f"{simple} {early}"]
