"""Probes of credit assignment: injects cases that cannot have helped; an honest estimator credits them nothing.

    placebo   one served case of an event gives its place to a stranger that was not served
    null      an inert copy of some case is appended to an event

Every smuggled case keeps to a neighbourhood of similar tasks and is put into half of its events, by lot: as a case that
similarity recalls would be, so that a rule which mistakes easy tasks for good cases is found out. Credit is an effect
whose 90 % interval lies above 0. Axes: N examples, P smuggled cases.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from memento.memory.estimators.port import CaseEffect, CaseRows, Estimator, Example
from memento.memory.offpolicy.out_of_sample import Tick
from memento.memory.products import product

Probe = Literal["placebo", "null"]

MAX_CREDITED = 0.05
"""Maximum share of planted cases that may get credit."""

Z90 = 1.645
"""Half of a 90 % interval, in standard deviations."""

_EXPOSURES = 12
_MIN_EXPOSURES = 5
"""Events of each planted case, as many as leave room for enough cases; twice as many are its neighbourhood."""
_SHARE_OF_EVENTS = 0.5
_MIN_PROBED = 20
_ENOUGH_PROBED = 100
_MAX_REPEATS = 5
_MAX_PROBED = 200


class Probed(NamedTuple):
    """Result of a probe."""

    probe: Probe
    n_cases: int
    """Number of planted cases that were judged."""
    share: float | None
    """Share of them that got credit; None where `problem` says why it is unknown."""
    shared_label_share: float
    """The control: credited by a plain mean of the outcomes that each was part of, as the reference's labels do."""
    is_applicable: bool = True
    """Whether the estimator has effects per case; one without gives no case credit of its own."""
    problem: str = ""
    """Reason why there is no share."""

    @property
    def is_passed(self) -> bool:
        """Whether the estimator passes, or the probe does not apply."""
        return not self.is_applicable or (self.share is not None and self.share <= MAX_CREDITED)


def probed(
    probe: Probe, make: Callable[[], Estimator], examples: Sequence[Example], *, seed: int, tick: Tick
) -> Probed:
    """Train a fresh estimator with planted cases and measure the credit they get.

    Args:
        probe: which.
        make: makes an estimator that knows nothing yet.
        examples: N examples in the order of their outcomes.
        seed: of the lot.
        tick: called after every learned example.
    """
    rng = np.random.default_rng(seed)
    judged: list[CaseEffect] = []
    control_R = []
    for _ in range(n_repeats(examples)):
        changed, smuggled = _smuggled(probe, examples, rng)
        control_R.append(_credited_by_shared_labels(changed, smuggled))
        estimator = make()
        for example in changed:
            estimator.learn(example)
            tick()
        effects = estimator.effects()
        if not effects:
            problem = f"{estimator.name} does not tell what a single case adds"
            return Probed(probe, 0, None, control_R[0], is_applicable=False, problem=problem)
        judged += [effect for effect in effects if effect.case_id in smuggled]
    control = float(np.mean(control_R))
    if len(judged) < _MIN_PROBED:
        return Probed(probe, len(judged), None, control, problem="too few outcomes of reads that served cases")
    return Probed(probe, len(judged), float(np.mean([_is_credited(effect) for effect in judged])), control)


def n_repeats(examples: Sequence[Example]) -> int:
    """Number of repeats, each with other planted cases: few cases alone would give chance results."""
    n_cases = _plan(sum(len(example.cases) > 0 for example in examples)).n_cases
    return int(np.clip(np.ceil(_ENOUGH_PROBED / max(n_cases, 1)), 1, _MAX_REPEATS))


class _Plan(NamedTuple):
    n_cases: int
    n_events: int
    """Of each case."""


def _plan(n_served: int) -> _Plan:
    room = int(_SHARE_OF_EVENTS * n_served)
    n_events = int(np.clip(room // _MIN_PROBED, _MIN_EXPOSURES, _EXPOSURES))
    return _Plan(min(_MAX_PROBED, room // n_events), n_events)


def _is_credited(effect: CaseEffect) -> bool:
    return effect.effect - Z90 * effect.sd > 0


def _smuggled(probe: Probe, examples: Sequence[Example], rng: np.random.Generator) -> tuple[list[Example], set[str]]:
    """The examples with planted cases, and the cases' ids; each event gets one at most."""
    served = [row for row, example in enumerate(examples) if len(example.cases)]
    changed, ids = list(examples), set[str]()
    if not served:
        return changed, ids
    state_ND = np.stack([examples[row].state_D for row in served])
    is_free_N = np.ones(len(served), np.bool_)
    n_cases, n_events = _plan(len(served))
    for number in range(n_cases):
        free = np.flatnonzero(is_free_N)
        centre_D = state_ND[rng.choice(free)]
        nearest = free[np.argsort(-product(state_ND[free], centre_D), kind="stable")[: 2 * n_events]]
        events = rng.choice(nearest, size=min(n_events, len(nearest)), replace=False)
        stranger = examples[served[rng.integers(len(served))]]
        position = int(rng.integers(len(stranger.cases)))
        case_id = f"{probe}:{number}"
        for event in events:
            row = served[event]
            changed[row] = _with_stranger(changed[row], stranger, position, case_id, probe, rng)
        is_free_N[events] = False
        ids.add(case_id)
    return changed, ids


def _with_stranger(
    example: Example, stranger: Example, position: int, case_id: str, probe: Probe, rng: np.random.Generator
) -> Example:
    own, theirs = example.cases, stranger.cases
    out = int(rng.integers(len(own))) if probe == "placebo" else None
    kept = [index for index in range(len(own)) if index != out]
    similarity = theirs.similarity_N[position]  # unless it can be known for this task
    if "state" in theirs.vectors:
        similarity = np.float32(product(theirs.vectors["state"][position], example.state_D))
    return example._replace(
        cases=CaseRows(
            (*(own.ids[index] for index in kept), case_id),
            np.append(own.similarity_N[kept], similarity).astype(np.float32),
            np.append(own.reward_N[kept], theirs.reward_N[position]).astype(np.float32),
            {
                view: np.concatenate([own.vectors[view][kept], theirs.vectors[view][position : position + 1]])
                for view in own.vectors
            },
            (*(own.actions[index] for index in kept), case_id) if own.actions else (),
            None if own.support_N is None else np.append(own.support_N[kept], np.float32(0)).astype(np.float32),
        ),
        is_randomised_N=np.append(example.is_randomised_N[kept], np.False_),
        propensity_N=np.append(example.propensity_N[kept], 1.0),
    )


def _credited_by_shared_labels(examples: Sequence[Example], smuggled: set[str]) -> float:
    """Share of planted cases whose mean outcome is above the base rate by more than its own 90 % interval."""
    rewards: dict[str, list[float]] = defaultdict(list)
    for example in examples:
        for case_id in example.cases.ids:
            if case_id in smuggled:
                rewards[case_id].append(example.reward)
    base = float(np.mean([example.reward for example in examples])) if examples else 0.0
    spread = float(np.std([example.reward for example in examples])) if examples else 0.0
    judged = [np.array(one) for one in rewards.values() if len(one) >= _MIN_EXPOSURES]
    above: list[np.bool_] = [one.mean() - Z90 * spread / np.sqrt(len(one)) > base for one in judged]
    return float(np.mean(above)) if above else float("nan")
