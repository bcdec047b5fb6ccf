"""The baselines of other papers: what they learn from is what they believe, and they choose as their papers say."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from memento.memory.case_memory import CaseMemory
from memento.memory.estimators.port import CaseOrigins, CaseRows, Estimates, Estimator, EstimatorName, Example
from memento.memory.estimators.registry import make_estimator
from memento.memory.estimators.settled import SettledEvents
from memento.memory.estimators.similarity_gate import SimilarityGate
from memento.memory.policies.cascade import CascadePolicy
from memento.memory.policies.port import Candidates, choose
from memento.memory.policies.registry import PolicyName, policy_named
from memento.memory.policies.set_probability import few_sets, logged_set_probability, set_probability
from memento.memory.policies.uplift import CONTROL, PROBE, UpliftPolicy
from tests.hashing_encoder import HashingEncoder
from tests.learned_numbers import DIM, N_CASES, World, learn

NAMES: tuple[EstimatorName, ...] = ("memrl", "romerl", "cascade", "uplift")
SMALL: dict[EstimatorName, dict[str, float]] = {
    "memrl": {"outcomes": 40.0},
    "romerl": {"outcomes": 40.0},
    "cascade": {},
    "uplift": {"outcomes": 40.0},
}
AXES = np.eye(8, dtype=np.float32)


@pytest.fixture(autouse=True, scope="module")
def one_core() -> Iterator[None]:
    """As in the product, where torch has a thread with one core of its own."""
    n_cores = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_cores)


def made(name: EstimatorName, *, dim: int = DIM, **settings: float) -> Estimator:
    few = {"steps": 10.0} if name == "cascade" else {}
    return make_estimator(name, dim=dim, seed=0, settings={**few, **settings})


def told(n: int) -> list[Example]:
    """Outcomes of different events."""
    return [step for step in World().steps() if not isinstance(step, str) and step.event_id == f"event {step.offset}"][
        :n
    ]


def asked() -> tuple[NDArray[np.float32], CaseRows]:
    world = World()
    _, state_D = world.task()
    return state_D, world.rows(state_D, np.arange(0, N_CASES, 7))


def answers(estimator: Estimator) -> list[NDArray[Any]]:
    state_D, rows = asked()
    estimates = estimator.estimate(state_D, rows)
    assert estimates is not None
    parts = [one for one in estimates if one is not None]
    return [*parts, np.array([estimator.predict(one) for one in told(5)])]


def taught(name: EstimatorName, steps: Sequence[Example | str], **settings: float) -> Estimator:
    estimator = made(name, **settings)
    for step in steps:
        learn(estimator, step)
    return estimator


def assert_alike(one: Estimator, other: Estimator) -> None:
    for mine, theirs in zip(answers(one), answers(other), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def test_every_baseline_has_a_policy_of_its_name() -> None:
    assert set(NAMES) < set(get_args(EstimatorName))
    assert set(NAMES) < set(get_args(PolicyName))
    assert all(policy_named(name).estimator == name for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_withdrawn_outcome_leaves_nothing_behind(name: EstimatorName) -> None:
    outcomes = told(70)
    without = taught(name, [*outcomes[:20], *outcomes[21:]])
    withdrawn = taught(name, [*outcomes, outcomes[20].event_id])
    assert_alike(withdrawn, without)
    assert not withdrawn.withdraw(outcomes[20].event_id), "it is gone"
    assert not withdrawn.withdraw("nobody's event")


@pytest.mark.parametrize("name", NAMES)
def test_a_corrected_outcome_is_learned_as_if_it_had_been_the_first(name: EstimatorName) -> None:
    outcomes = told(50)
    wrong = outcomes[-1]._replace(reward=1.0 - outcomes[-1].reward, confidence=0.4)
    right = outcomes[-1]._replace(offset=wrong.offset + 1)
    assert_alike(taught(name, [*outcomes[:-1], wrong, right]), taught(name, [*outcomes[:-1], right]))
    assert_alike(taught(name, [*outcomes, right]), taught(name, outcomes))  # no credit twice


@pytest.mark.parametrize("name", NAMES)
def test_a_restored_estimator_goes_on_as_the_original(name: EstimatorName) -> None:
    steps = [step for _, step in zip(range(150), World().steps(), strict=False)]
    original = taught(name, steps[:120], **SMALL[name])
    stamp = json.loads(json.dumps(original.stamp()))
    believed: dict[str, Example] = {}
    for step in steps[:120]:
        event = step if isinstance(step, str) else step.event_id
        believed.pop(event, None)
        if not isinstance(step, str):
            believed[event] = step
    restored = made(name, **SMALL[name])
    restored.restore(
        original.tensors(), stamp, list(believed.values())[-original.replays :] if original.replays else []
    )
    assert_alike(restored, original)
    for step in steps[120:]:
        learn(original, step)
        learn(restored, step)
    assert_alike(restored, original)
    other = made(name, **{"cascade": {"ridge": 1.0}, "uplift": {"case_sd": 1.0}}.get(name, {"step": 0.9}))
    with pytest.raises(ValueError, match=r"settings|seed"):
        other.restore(original.tensors(), stamp, [])


@pytest.mark.parametrize("name", ["memrl", "romerl", "uplift"])
def test_an_outcome_too_old_to_be_kept_stays_as_it_was_learned(name: EstimatorName) -> None:
    outcomes = told(70)
    estimator = taught(name, outcomes, **SMALL[name])
    before = answers(estimator)
    estimator.learn(outcomes[0]._replace(reward=1.0 - outcomes[0].reward))
    assert not estimator.withdraw(outcomes[0].event_id)
    for mine, theirs in zip(answers(estimator)[:3], before[:3], strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("name", NAMES)
def test_the_good_case_is_found_where_it_helps(name: EstimatorName) -> None:
    """Two cases for one kind of task; what is served beside them is of no use, and control reads fail."""
    estimator = make_estimator(name, dim=8, seed=0)
    for number in range(120):
        served = (("good",), ("bad",), ())[number % 3]
        estimator.learn(_served(number, served, reward=float(served == ("good",)), at={"good": 1, "bad": 2}))
    estimates = estimator.estimate(AXES[0], _rows(("good", "bad"), at={"good": 1, "bad": 2}))
    assert estimates is not None
    good, bad = estimates.value_C
    assert good > bad + 0.1
    if name == "uplift":
        assert good > 0.35 > abs(bad)  # shrunk from 1 and 0: control reads fail, as those with the bad case do


def test_memrl_moves_each_served_case_by_a_third_of_what_it_lacks() -> None:
    estimator = made("memrl", dim=8)
    for number, reward in enumerate((1.0, 0.0)):
        estimator.learn(_served(number, ("a", "b")[: 2 - number], reward=reward))
    estimates = estimator.estimate(AXES[0], _rows(("a", "b", "c")))
    assert estimates is not None
    np.testing.assert_allclose(estimates.value_C, [0.7 * 0.65, 0.65, 0.5], rtol=1e-6)
    assert estimates.exposures_C.tolist() == [2, 1, 0]


def test_gate_is_so_many_deviations_above_the_mean_cosine_of_tasks() -> None:
    gate, chance = SimilarityGate(deviations=0.8, dim=16), np.random.default_rng(0)
    task_ND = World.units(chance.normal(size=(60, 16)) + 1.0)
    assert gate.least() == -1.0
    for number, row_D in enumerate(task_ND):
        gate.put(f"e{number}", row_D)
    cosine_M = (task_ND @ task_ND.T)[np.triu_indices(60, 1)]
    assert gate.least() == pytest.approx(cosine_M.mean() + 0.8 * cosine_M.std(), abs=1e-5)


def test_settled_events_are_known_again_when_many() -> None:
    settled = SettledEvents()
    for number in range(3000):
        settled.add(f"e{number}")
    again = SettledEvents()
    again.restore(settled.numbers())
    assert all(f"e{number}" in of for number in (0, 1500, 2999) for of in (settled, again))
    assert "e3000" not in again


def test_romerl_keeps_four_coordinates_of_a_task() -> None:
    """Attempts at one question: failure, success, longer success, two failures, of which one was worth something."""
    reward = np.array([0, 1, 1, 0, 0, 1], np.float32)
    rows = CaseRows(
        tuple("abcdef"),
        np.full(6, 0.9, np.float32),
        reward,
        {},
        origins=CaseOrigins(("q",) * 6, np.array([1.0, 2, 3, 4, 5, 6]), np.array([9.0, 40, 90, 9, 9, 20])),
    )
    estimator = made("romerl", dim=8)
    first = estimator.estimate(AXES[0], rows)
    assert first is not None
    assert first.is_eligible_C is not None
    assert [one for one, held in zip("abcdef", first.is_eligible_C, strict=True) if held] == ["b", "e", "f"]
    served = rows.only(np.array([3]))
    estimator.learn(_served(0, ("d",), reward=1.0)._replace(cases=served))
    then = estimator.estimate(AXES[0], rows)
    assert then is not None
    assert then.is_eligible_C is not None
    assert [one for one, held in zip("abcdef", then.is_eligible_C, strict=True) if held] == ["b", "d", "e", "f"]
    np.testing.assert_allclose(then.value_C[[0, 3, 4]], 0.65)  # failures of the task inherit the utility
    np.testing.assert_allclose(then.value_C[[1, 2, 5]], 0.5)


def test_memrl_blends_standard_scores_of_what_passed_the_gate() -> None:
    similarity_C, value_C = np.array([0.9, 0.8, 0.7, 0.99], np.float32), np.array([0.2, 0.9, 0.5, 1.0], np.float32)
    passed = np.array([True, True, True, False])
    among = _candidates(similarity_C, value_C, is_eligible_C=passed)
    z = [(one[:3] - one[:3].mean()) / one[:3].std() for one in (similarity_C, value_C)]
    order = np.argsort(-(0.5 * z[0] + 0.5 * z[1]), kind="stable").tolist()
    chosen = choose(policy_named("memrl"), among, k=4, rng=np.random.default_rng(0))
    assert [one.candidate for one in chosen] == [*order, None]
    assert all(one.propensity == 1.0 for one in chosen)
    plain = choose(policy_named("romerl"), among, k=3, rng=np.random.default_rng(0))
    assert [one.candidate for one in plain] == [1, 2, 0]


def test_cascade_serves_successes_by_their_upper_bound() -> None:
    value_C, width_C = np.array([0.5, 0.6, 0.9, 0.55], np.float32), np.array([2.0, 0.1, 9.0, 0.1], np.float32)
    own_C = np.array([1, 1, 0, 1], np.float32)
    among = _candidates(np.full(4, 0.5, np.float32), value_C, sd_C=width_C, reward_C=own_C)
    chosen = choose(CascadePolicy(nu=0.1), among, k=4, rng=np.random.default_rng(0))
    assert [one.candidate for one in chosen] == [0, 1, 3, None]
    assert [one.score for one in chosen[:3]] == pytest.approx([0.7, 0.61, 0.56])


def test_uplift_serves_what_helps_controls_and_probes_with_exact_propensities() -> None:
    value_C, sd_C = np.array([0.3, 0.2, 0.1, -0.1, -0.02], np.float32), np.array([0.1, 0.1, 0.1, 0.1, 0.3], np.float32)
    among = _candidates(np.linspace(0.9, 0.1, 5, dtype=np.float32), value_C, sd_C=sd_C)
    sets = few_sets(UpliftPolicy(), among, k=4, at_most=64)
    assert sets is not None
    expected = {
        frozenset(): CONTROL,
        frozenset({0, 1, 2}): (1 - CONTROL) * (1 - PROBE),
        frozenset({0, 1, 2, 4}): (1 - CONTROL) * PROBE,
    }
    assert sets == pytest.approx(expected)
    for served, probability in expected.items():
        assert set_probability(UpliftPolicy(), among, served, k=4) == pytest.approx(probability)
    for seed in range(40):
        slots = choose(UpliftPolicy(), among, k=4, rng=np.random.default_rng(seed))
        served = frozenset(one.candidate for one in slots if one.candidate is not None)
        assert len(slots) == 4
        assert logged_set_probability("uplift", [one.propensity for one in slots]) == pytest.approx(expected[served])


def test_uplift_controls_while_it_knows_nothing_and_probes_where_nothing_helps() -> None:
    unknown = Candidates(np.linspace(0.9, 0.1, 5, dtype=np.float32), np.zeros(5, np.float32), None, 5)
    sets = few_sets(UpliftPolicy(), unknown, k=2, at_most=64)
    assert sets == pytest.approx({frozenset(): CONTROL, frozenset({0, 1}): 1 - CONTROL})
    harmful = _candidates(
        np.full(3, 0.5, np.float32), np.array([-0.3, -0.1, -0.2], np.float32), sd_C=np.full(3, 0.1, np.float32)
    )
    sets = few_sets(UpliftPolicy(), harmful, k=2, at_most=64)
    assert sets is not None
    assert sets[frozenset()] == pytest.approx((1 - PROBE) ** 1)
    assert sets[frozenset({1})] == pytest.approx(PROBE * (1 - PROBE))


@pytest.mark.parametrize("name", NAMES)
async def test_a_memory_learns_with_it_and_reads_its_snapshot(name: PolicyName, tmp_path: Path) -> None:
    def opened() -> CaseMemory:
        return CaseMemory.open(tmp_path, encoder=HashingEncoder(dim=16), policy=name, seed=0)

    async def scores(memory: CaseMemory) -> list[tuple[str | None, float]]:
        reading = await memory.read("what is the capital of all", k=4, seed=1)
        assert reading.policy == name
        return [(slot.case_id, round(slot.score, 5)) for slot in reading.slots]

    async with opened() as memory:
        for number in range(14):
            reading = await memory.read(f"what is the capital number {number}", k=3, seed=number)
            fields = {"state": f"what is the capital number {number}", "action": f"plan {number}"}
            await memory.write(**fields, reward=float(number % 3 > 0), event_id=reading.event_id)
        await memory.settle()
        first = await scores(memory)
        judged = await memory.offline(name).learn()
        assert judged.report is None  # too few outcomes to judge by; and no other settings to try
    async with opened() as memory:
        assert await scores(memory) == first
        assert (await memory.offline(name).rebuild()).max_difference == pytest.approx(0, abs=1e-6)


def _rows(ids: tuple[str, ...], *, at: dict[str, int] | None = None) -> CaseRows:
    n = len(ids)
    state_ND = AXES[[(at or {}).get(one, 1) for one in ids]].reshape(n, 8)
    return CaseRows(ids, np.full(n, 0.5, np.float32), np.ones(n, np.float32), {"state": state_ND})


def _served(
    number: int, ids: tuple[str, ...], *, reward: float, confidence: float = 1.0, at: dict[str, int] | None = None
) -> Example:
    n = len(ids)
    return Example(
        offset=number,
        event_id=f"e{number}",
        follows=None,
        question=f"q{number}",
        state_D=AXES[0],
        cases=_rows(ids, at=at),
        is_randomised_N=np.zeros(n, np.bool_),
        propensity_N=np.ones(n),
        reward=reward,
        confidence=confidence,
    )


def _candidates(
    similarity_C: NDArray[np.float32],
    value_C: NDArray[np.float32],
    *,
    sd_C: NDArray[np.float32] | None = None,
    reward_C: NDArray[np.float32] | None = None,
    is_eligible_C: NDArray[np.bool_] | None = None,
) -> Candidates:
    n = len(similarity_C)
    estimates = Estimates(value_C, sd_C, np.zeros(n, np.int64), is_eligible_C=is_eligible_C)
    return Candidates(similarity_C, np.ones(n, np.float32) if reward_C is None else reward_C, estimates, n)
