"""What is believed of blanked cases, a SIMULATION: `python -m benchmarks.blanked_cases`.

RoMeRL's null-injection probe (arXiv 2608.02508): 10 % of a bank are blanked, so that they are found as before and can
do nothing. A rule that gives a case its share of every success believes in them. Counted for each policy that values
single cases, on the simulated stream of `benchmarks.planted`, whose inert cases lie where others do:

- updates upwards: how often an outcome raised what the estimator holds a blanked case to be worth, a blanked case;
- believed to help: of the blanked cases, those valued above what the rule starts from at the end of the stream;
- by its interval: those whose 95 % interval lies above that; where the rule has no interval, the same as above;
- share of what was served: blanked cases among those served in the last sixth.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.planted.figures import Z95, SeedInterval, mean
from benchmarks.planted.scenarios import SCENARIOS, World
from benchmarks.planted.stream import PolicyPlayer, Served, Trace, play_on
from benchmarks.planted.world import Stream, planted
from memento.memory.estimators.port import CaseRows, Estimator
from memento.memory.estimators.registry import make_estimator
from memento.memory.policies.registry import policy_named

VALUED = {"advantage": 0.0, "memrl": 0.5, "romerl": 0.5}
"""Policies whose estimators value single cases, and what a case is worth of which nothing is known."""

_INERT = 1
"""Number of the kind in `CASE_KINDS`."""


class Blanked(NamedTuple):
    """Counts of one stream."""

    n: int
    """Blanked cases."""
    served: int
    """Of them, at least once."""
    updates_up: int
    believed: int
    believed_by_interval: int
    served_late: int
    """Blanked cases served in the last sixth."""
    all_served_late: int


class WatchedPlayer:
    """Plays a policy, and counts the outcomes that raised the value of a blanked case."""

    def __init__(self, player: PolicyPlayer, stream: Stream) -> None:
        """Watch a player."""
        self._player = player
        self._stream = stream
        self._served: list[int] = []
        self.updates_up = 0

    @property
    def estimator(self) -> Estimator | None:
        """The player's."""
        return self._player.estimator

    def serve(self, step: int) -> Served:
        """As the player does."""
        served = self._player.serve(step)
        self._served = [case for case in served.cases if self._stream.kind_N[case] == _INERT]
        return served

    def learn(self, step: int, reward: float) -> None:
        """As the player does; looks before and after where a blanked case was served."""
        before_M = self._values(step)
        self._player.learn(step, reward)
        self.updates_up += int((self._values(step) > before_M).sum())

    def _values(self, step: int) -> NDArray[np.float32]:
        if not self._served or self.estimator is None:
            return np.empty(0, np.float32)
        return valued(self.estimator, self._stream, np.array(self._served), step)[0]


def valued(
    estimator: Estimator, stream: Stream, case_M: NDArray[np.int64], step: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What cases are held to be worth for a step's task, and the standard deviations; 0 where there is none."""
    state_D, vector_MD = stream.task_TD[step], stream.case_ND[case_M]
    rows = CaseRows(
        ids=tuple(f"case {case}" for case in case_M),
        similarity_N=vector_MD @ state_D,
        reward_N=stream.label_N[case_M],
        vectors={"state": vector_MD, "action": vector_MD, "text": vector_MD},
    )
    estimates = estimator.estimate(state_D, rows)
    if estimates is None:
        return np.zeros(len(case_M), np.float32), np.zeros(len(case_M), np.float32)
    return estimates.value_C, np.zeros(len(case_M), np.float32) if estimates.sd_C is None else estimates.sd_C


def blanked(policy: str, *, world: World, seed: int, steps: int, k: int = 4) -> Blanked:
    """Play one stream.

    Args:
        policy: one of `VALUED`.
        world: its inert cases are the blanked ones.
        seed: of the stream, the policy's draws and the estimator.
        steps: tasks.
        k: slots per task.
    """
    stream, chosen_by = planted(world, seed, steps, k), policy_named(policy)
    if chosen_by.estimator is None:
        raise ValueError(f"{policy} learns nothing: take one of {', '.join(VALUED)}")
    estimator = make_estimator(chosen_by.estimator, dim=stream.task_TD.shape[1], seed=seed)
    player = WatchedPlayer(PolicyPlayer(stream, chosen_by, estimator, k=k, seed=seed), stream)
    return _counted(play_on(stream, player, k=k), estimator, player.updates_up, start=VALUED[policy])


def _counted(trace: Trace, estimator: Estimator, updates_up: int, *, start: float) -> Blanked:
    stream, steps = trace.stream, len(trace.reward_T)
    is_blank_N = stream.kind_N[: stream.n_active_T[-1]] == _INERT
    served_M = trace.served_TK[trace.served_TK >= 0]
    late_M = trace.served_TK[5 * steps // 6 :]
    late_M = late_M[late_M >= 0]
    blank_M = np.flatnonzero(is_blank_N & (np.bincount(served_M, minlength=len(is_blank_N)) > 0))
    value_M, sd_M = _at_the_end(estimator, trace, blank_M)
    return Blanked(
        n=int(is_blank_N.sum()),
        served=len(blank_M),
        updates_up=updates_up,
        believed=int((value_M > start).sum()),
        believed_by_interval=int((value_M - Z95 * sd_M > start).sum()),
        served_late=int(is_blank_N[late_M].sum()),
        all_served_late=len(late_M),
    )


def _at_the_end(
    estimator: Estimator, trace: Trace, case_M: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean value of each case over the tasks it was served for, and its standard deviation."""
    effects = {trace.number[one.case_id]: one for one in estimator.effects()}
    if effects:
        pairs = [(effects[case].effect, effects[case].sd) for case in case_M.tolist()]
    else:  # a shared utility is the same for every task
        value_M, sd_M = valued(estimator, trace.stream, case_M, len(trace.reward_T) - 1)
        pairs = list(zip(value_M.tolist(), sd_M.tolist(), strict=True))
    told_M2 = np.array(pairs, np.float64).reshape(-1, 2)
    return told_M2[:, 0], told_M2[:, 1]


def shares(counts: Sequence[Blanked]) -> dict[str, SeedInterval]:
    """Figures by name, with 95 % intervals over seeds."""
    column_SX = np.array(counts, np.float64)
    n_S, _, up_S, believed_S, sure_S, late_S, all_late_S = column_SX.T
    return {
        "updates upwards, each blanked case": mean(up_S / n_S),
        "believed to help": mean(believed_S / n_S),
        "believed to help, by its interval": mean(sure_S / n_S),
        "share of what was served, last sixth": mean(late_S / np.maximum(all_late_S, 1)),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", nargs="+", default=list(VALUED), choices=list(VALUED), metavar="NAME")
    parser.add_argument("--scenario", default="growing", choices=list(SCENARIOS))
    parser.add_argument("--share", type=float, default=0.1, help="of the bank that is blanked")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=3000, metavar="T")
    parser.add_argument("--json", action="store_true", help="JSON lines instead of a table")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    world = replace(SCENARIOS[options.scenario], inert_share=options.share)
    found = {
        policy: shares([blanked(policy, world=world, seed=seed, steps=options.steps) for seed in range(options.seeds)])
        for policy in options.policies
    }
    if options.json:
        for policy, figures in found.items():
            told = {name: figure._asdict() for name, figure in figures.items()}
            print(json.dumps({"simulation": True, "policy": policy, "seeds": options.seeds, **told}))
        return
    print(
        f"A simulation. {options.share:.0%} of the cases are blanked; {options.seeds} seeds, {options.steps:,} tasks.\n"
    )
    names = list(next(iter(found.values())))
    print(f"| policy | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    for policy, figures in found.items():
        print(f"| `{policy}` | {' | '.join(str(figures[name]) for name in names)} |")


if __name__ == "__main__":
    main()
