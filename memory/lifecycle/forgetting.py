"""Forgetting rules: plans which cases to retire, and why. Pure; changes nothing.

evidence     serving the case was harmful, even when it is counted how many cases were judged and how often
redundancy   a kept case of the same kind, picture and outcome has nearly the same task and plan, and as much evidence
capacity     the least valuable ones, beyond the number that may stay; every region keeps a case of each kind

Too little evidence is no reason to retire a case; only capacity can cost it its place.

Of thousands of cases that do nothing, one in forty has a 95 % interval below 0, and more of them at some time if
somebody looks every night. So harm is decided by e-values, which hold at any time, and by e-BH over all cases that were
used often enough (memory/stats/decisions.py): of those retired for harm, at most `false_share` are expected to be
harmless, at every look, however the estimates of cases that were served together depend on each other. That rests on
the posterior of the estimator; its 90 % intervals of effects hold the truth in 92 % of cases in simulation.

Axes: C cases, J cases judged for harm, D vector dimensions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.arguments import check_share, checked_count
from memento.memory.case import CASE_KINDS, POSITIVE_FROM, Case
from memento.memory.errors import InvalidInput
from memento.memory.estimators.port import CaseEffect
from memento.memory.lifecycle.coverage import blocks, nearest_other, net_within
from memento.memory.products import cosines
from memento.memory.stats import chosen_by_evidence, harm_evidence

ForgettingRule = Literal["evidence", "redundancy", "capacity"]

_ISOLATION_WEIGHT = 0.5
_RECENCY_WEIGHT = 0.25
"""Weight of recency: a value is effect in (-1, 1) first, then isolation, then recency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgettingRules:
    """Parameters of `plan_forgetting`."""

    capacity: int | None = None
    """Maximum number of active cases; None for no limit."""
    min_uses: int = 5
    """Minimum known outcomes that a case was served in before it can count as harmful."""
    false_share: float = 0.05
    """Maximum expected share of harmless cases among those retired for harm."""
    near_state: float = 0.95
    near_action: float = 0.95
    """Cosines from which two tasks, and two plans, are nearly the same."""
    region: float = 0.7
    """Cosine of tasks from which two cases lie in one region; capacity leaves a case to every region."""

    def __post_init__(self) -> None:
        """Raise on values out of range.

        Raises:
            InvalidInput: a capacity or a number of uses below 1, or a share outside (0, 1).
        """
        if self.capacity is not None:
            checked_count("the capacity", self.capacity, least=1)
        checked_count("min_uses", self.min_uses, least=1)
        check_share("false_share", self.false_share)
        if self.false_share in (0, 1):
            raise InvalidInput(f"false_share must be between 0 and 1, not {self.false_share}")


class Retirement(NamedTuple):
    """One case that the plan would retire."""

    case_id: str
    version: int
    """The revision that the plan is based on; a case that has changed since is left alone."""
    rule: ForgettingRule
    reason: str
    effect: CaseEffect | None
    """Estimated effect of serving it; None while it was never served."""
    covered_by: str | None
    """The kept case that makes it redundant."""


class Coverage(NamedTuple):
    """Cosine distances from each case of the bank to its nearest other active one."""

    mean: float
    worst: float


class ForgettingPlan(NamedTuple):
    """Plan of the cases to retire, with reasons."""

    n_active: int
    """Active cases before."""
    retirements: list[Retirement]
    before: Coverage
    after: Coverage
    region: float
    """Cosine at which regions were protected: as wanted, or coarser because the capacity left no other way."""
    has_effects: bool
    """Whether effects were known; if not, only redundancy and capacity were used."""


class _Cases(NamedTuple):
    """Active cases, sorted by id, with their effect and recency."""

    cases: list[Case]
    state_CD: NDArray[np.float32]
    action_CD: NDArray[np.float32]
    effects: list[CaseEffect | None]
    uses_C: NDArray[np.int64]
    effect_C: NDArray[np.float64]
    """0 for a case never served."""
    recency_C: NDArray[np.float64]
    """From 0, the oldest, to 1."""
    kind_C: NDArray[np.int64] | None
    """Kinds of cases by number; None where all are of one."""


def crowded(
    cases: Sequence[Case], state_CD: NDArray[np.float32], *, near_state: float, positive_from: float = POSITIVE_FROM
) -> NDArray[np.bool_]:
    """Whether each case has another one of the same kind and outcome with nearly the same task; shape (C,).

    Only the plans of these need to be compared, hence encoded.
    """
    is_crowded_C = np.zeros(len(cases), np.bool_)
    is_positive_C, kind_C = _is_positive(cases, positive_from), _kinds(cases)
    for outcome in (True, False):
        index = np.flatnonzero(is_positive_C == outcome)
        kinds = None if kind_C is None else kind_C[index]
        is_crowded_C[index] = nearest_other(state_CD[index], kind_C=kinds) >= near_state
    return is_crowded_C


def plan_forgetting(
    cases: Sequence[Case],
    *,
    state_CD: NDArray[np.float32],
    action_CD: NDArray[np.float32],
    effects: Iterable[CaseEffect] = (),
    rules: ForgettingRules | None = None,
    positive_from: float = POSITIVE_FROM,
) -> ForgettingPlan:
    """Propose what to retire. Deterministic, whatever the order of the cases.

    Args:
        cases: of one namespace, one revision each; those not active are passed over.
        state_CD: encoded tasks, unit rows.
        action_CD: encoded plans, unit rows; rows of cases that are not `crowded` may be 0.
        effects: what serving cases has done, as far as it is known.
        rules: the dials.
        positive_from: reward from which on a case worked; only cases of the same kind of outcome cover each other.
    """
    rules = rules or ForgettingRules()
    known = _known(cases, state_CD, action_CD, {effect.case_id: effect for effect in effects})
    nearest_C = nearest_other(known.state_CD, kind_C=known.kind_C)
    retired: dict[int, Retirement] = {}
    _retire_harmful(known, rules, retired)
    _retire_redundant(known, nearest_C >= rules.near_state, _is_positive(known.cases, positive_from), rules, retired)
    region = _retire_beyond_capacity(known, rules, retired)
    is_kept_C = np.ones(len(known.cases), np.bool_)
    is_kept_C[list(retired)] = False
    return ForgettingPlan(
        n_active=len(known.cases),
        retirements=[retired[index] for index in retired],
        before=_coverage(nearest_C),
        after=_coverage(nearest_other(known.state_CD, is_kept_C, kind_C=known.kind_C)),
        region=region,
        has_effects=any(effect is not None for effect in known.effects),
    )


def _known(
    cases: Sequence[Case],
    state_CD: NDArray[np.float32],
    action_CD: NDArray[np.float32],
    effects: dict[str, CaseEffect],
) -> _Cases:
    active = [index for index, case in enumerate(cases) if case.status == "active"]
    order = np.array(sorted(active, key=lambda index: cases[index].id), np.intp)
    ordered = [cases[index] for index in order]
    found = [effects.get(case.id) for case in ordered]
    ages = {moment: age for age, moment in enumerate(sorted({case.created_at for case in ordered}))}
    return _Cases(
        cases=ordered,
        state_CD=state_CD[order],
        action_CD=action_CD[order],
        effects=found,
        uses_C=np.array([0 if effect is None else effect.exposures for effect in found], np.int64),
        effect_C=np.array([0.0 if effect is None else effect.effect for effect in found], np.float64),
        recency_C=np.array([ages[case.created_at] / max(1, len(ages) - 1) for case in ordered], np.float64),
        kind_C=_kinds(ordered),
    )


def _retire_harmful(known: _Cases, rules: ForgettingRules, retired: dict[int, Retirement]) -> None:
    judged = [
        (index, effect)
        for index, effect in enumerate(known.effects)
        if effect is not None and effect.exposures >= rules.min_uses
    ]
    evidence_J = harm_evidence([effect.effect for _, effect in judged], [effect.sd for _, effect in judged])
    chosen_J = chosen_by_evidence(evidence_J, share=rules.false_share)
    for (index, effect), evidence, is_chosen in zip(judged, evidence_J, chosen_J, strict=True):
        if is_chosen:
            reason = (
                f"serving it harms: effect {effect.effect:+.2f} with sd {effect.sd:.2f}, {effect.exposures} uses, "
                f"evidence {_odds(evidence)}, {len(judged)} judged"
            )
            retired[index] = _retirement(known, index, "evidence", reason)


def _odds(evidence: float) -> str:
    return "over 1,000,000 to 1" if evidence > 1e6 else f"{evidence:,.0f} to 1"


def _retire_redundant(
    known: _Cases,
    is_near_C: NDArray[np.bool_],
    is_positive_C: NDArray[np.bool_],
    rules: ForgettingRules,
    retired: dict[int, Retirement],
) -> None:
    """Retire redundant cases, best evidence first, so that covering cases are decided before covered ones."""
    rewards = np.array([case.reward for case in known.cases])
    picture_C = np.array([case.picture for case in known.cases])
    order = np.lexsort((-known.recency_C, -rewards, -known.effect_C, -known.uses_C)).astype(np.intp)
    order = order[[is_near_C[index] and index not in retired for index in order]]
    is_kept_C = np.zeros(len(known.cases), np.bool_)
    for block in blocks(known.state_CD, order):
        for index, cosine_C in zip(block.index_B, block.cosine_BC, strict=True):
            near = np.flatnonzero(is_kept_C & (cosine_C >= rules.near_state) & (is_positive_C == is_positive_C[index]))
            near = near if known.kind_C is None else near[known.kind_C[near] == known.kind_C[index]]
            near = near[picture_C[near] == picture_C[index]]
            near = near[(known.uses_C[near] >= known.uses_C[index]) & (known.effect_C[near] >= known.effect_C[index])]
            alike = cosines(known.action_CD[near], known.action_CD[index])
            if len(near) and alike.max() >= rules.near_action:
                best = int(near[int(np.argmax(alike))])
                cover, uses = known.cases[best].id, known.uses_C[best]
                reason = f"covered by {cover}: tasks {cosine_C[best]:.2f}, plans {alike.max():.2f} alike, {uses} uses"
                retired[int(index)] = _retirement(known, int(index), "redundancy", reason, covered_by=cover)
            else:
                is_kept_C[index] = True


def _retire_beyond_capacity(known: _Cases, rules: ForgettingRules, retired: dict[int, Retirement]) -> float:
    """Retire the least valuable cases first, except those of a net that covers the rest.

    Returns:
        The scale of that net.
    """
    left = np.array([index for index in range(len(known.cases)) if index not in retired], np.intp)
    if rules.capacity is None or len(left) <= rules.capacity:
        return rules.region
    state_CD = known.state_CD[left]
    kind_C = None if known.kind_C is None else known.kind_C[left]
    alone_C = np.clip(1 - nearest_other(state_CD, kind_C=kind_C), 0, 1)
    value_C = np.tanh(known.effect_C[left]) + _ISOLATION_WEIGHT * alone_C + _RECENCY_WEIGHT * known.recency_C[left]
    ascending = np.argsort(value_C, kind="stable").astype(np.intp)
    is_net_C, region = net_within(state_CD, ascending[::-1], scale=rules.region, size=rules.capacity, kind_C=kind_C)
    free = [place for place in ascending if not is_net_C[place]]
    for place in free[: len(left) - rules.capacity]:
        reason = f"beyond capacity {rules.capacity}: value {value_C[place]:+.2f}, nearest case {1 - alone_C[place]:.2f}"
        retired[int(left[place])] = _retirement(known, int(left[place]), "capacity", reason)
    return region


def _retirement(
    known: _Cases, index: int, rule: ForgettingRule, reason: str, *, covered_by: str | None = None
) -> Retirement:
    case = known.cases[index]
    return Retirement(case.id, case.version, rule, reason, known.effects[index], covered_by)


def _kinds(cases: Sequence[Case]) -> NDArray[np.int64] | None:
    kind_C = np.array([CASE_KINDS.index(case.kind) for case in cases], np.int64)
    return kind_C if len(np.unique(kind_C)) > 1 else None


def _is_positive(cases: Sequence[Case], positive_from: float) -> NDArray[np.bool_]:
    return np.array([case.reward >= positive_from for case in cases], np.bool_)


def _coverage(nearest_C: NDArray[np.float32]) -> Coverage:
    if not len(nearest_C):
        return Coverage(0.0, 0.0)
    distance_C = np.maximum(1 - nearest_C.astype(np.float64), 0)
    return Coverage(float(distance_C.mean()), float(distance_C.max()))
