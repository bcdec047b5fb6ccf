"""Updates given to noise: how many cases without text a memory has come to believe helpful."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from memento.evals.runs.case_beliefs import CaseBelief, load_beliefs
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.runner import STREAMS
from memento.memory.stats import UNDEFINED, Interval, ratio_interval


class BelievedShare(NamedTuple):
    """Cases of one kind that were served with a known outcome, and those of them that are believed helpful."""

    n_cases: int
    n_believed: int
    share: Interval


class NoiseCredit(NamedTuple):
    """What one arm believes in the end of the cases that it was served without text, and of the others."""

    arm: str
    n_streams: int
    """Finished ones."""
    has_beliefs: bool
    """Whether the arm's policy estimates what single cases are worth."""
    blanked: BelievedShare
    whole: BelievedShare


def noise_credits(folder: Path, plan: RunPlan) -> list[NoiseCredit]:
    """Return the figures of every arm that blanks cases, as far as its streams have ended. Blocking.

    Args:
        folder: of the run.
        plan: of the run.

    Raises:
        InvalidInput: a stream's beliefs are damaged.
    """
    found = []
    for arm in plan.arms:
        if not arm.controls.blanked:
            continue
        names = [key.name for key in plan.streams() if key.arm.name == arm.name]
        streams = [some for name in names if (some := load_beliefs(folder / STREAMS / name)) is not None]
        found.append(noise_credit(arm.name, streams))
    return found


def noise_credit(arm: str, streams: Sequence[Sequence[CaseBelief]]) -> NoiseCredit:
    """Return the figures of one arm.

    Args:
        arm: its name.
        streams: beliefs of its streams, each of another order of the tasks.
    """
    blanked, whole = (_share([[one for one in some if one.is_blanked == kind] for some in streams]) for kind in (1, 0))
    return NoiseCredit(arm, len(streams), any(streams), blanked, whole)


def _share(streams: Sequence[Sequence[CaseBelief]]) -> BelievedShare:
    """The share with the wider of two intervals: over questions, and over orders of the tasks."""
    cases = [(seed, one) for seed, some in enumerate(streams) for one in some if one.exposures]
    n_believed = sum(one.is_believed_helpful for _, one in cases)
    if not cases:
        return BelievedShare(0, 0, UNDEFINED)
    by_question = _interval([one.question for _, one in cases], [one for _, one in cases])
    by_order = _interval([str(seed) for seed, _ in cases], [one for _, one in cases])
    low, high = min(by_question.low, by_order.low), max(by_question.high, by_order.high)
    return BelievedShare(len(cases), n_believed, Interval(by_question.value, low, high))


def _interval(units: Sequence[str], cases: Sequence[CaseBelief]) -> Interval:
    row = {unit: place for place, unit in enumerate(sorted(set(units)))}
    believed_U1, n_U1 = np.zeros((len(row), 1)), np.zeros((len(row), 1))
    for unit, one in zip(units, cases, strict=True):
        believed_U1[row[unit]] += one.is_believed_helpful
        n_U1[row[unit]] += 1
    return ratio_interval(believed_U1, n_U1)[0]
