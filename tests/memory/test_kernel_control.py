"""Episodic control: Eq. 9 with its prior, Eq. 8 over a run's cycles, Eq. 11, and the same numbers for everybody."""

import copy
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from memento.memory.errors import InvalidInput
from memento.memory.estimators.cross_entropy import MIN_OUTCOMES
from memento.memory.estimators.kernel import Evidence, LearnedKernel, episodic_values, soft_value
from memento.memory.estimators.kernel_control import KernelControl
from memento.memory.estimators.port import CaseRows, Example
from memento.memory.estimators.registry import make_estimator
from tests.memories import Place, filled

EAST, NORTH = (1.0, 0.0), (0.0, 1.0)
FIXED = {"learning_rate": 0.0, "precision": 1.0, "prior_weight": 0.5, "cosine_weight": 0.3, "alpha": 0.1, "gamma": 0.9}


@pytest.fixture(autouse=True, scope="module")
def one_core() -> Iterator[None]:
    """As in the product, where torch has a thread with one core of its own."""
    n_cores = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_cores)


def rows(*ids: str, cosine: float = 0.5) -> CaseRows:
    n = len(ids)
    return CaseRows(ids, np.full(n, cosine, np.float32), np.ones(n, np.float32), {})


def example(
    number: int,
    state: Sequence[float] | NDArray[np.float32],
    reward: float,
    *ids: str,
    cosine: float = 0.5,
    offset: int | None = None,
    follows: str | None = None,
    question: str | None = None,
) -> Example:
    n = len(ids)
    return Example(
        offset=number if offset is None else offset,
        event_id=f"e{number}",
        follows=follows,
        question=question or f"q{number}",
        state_D=np.asarray(state, np.float32),
        cases=rows(*ids, cosine=cosine),
        is_randomised_N=np.zeros(n, np.bool_),
        propensity_N=np.ones(n),
        reward=reward,
        confidence=1.0,
    )


def control(dim: int = 2, **settings: float) -> KernelControl:
    return KernelControl(dim=dim, settings={**FIXED, **settings})


def taught(*examples: Example, **settings: float) -> KernelControl:
    made = control(len(examples[0].state_D), **settings)
    for one in examples:
        made.learn(one)
    return made


def stored(made: KernelControl) -> dict[str, float]:
    """Q_t of every event."""
    return {one.event_id: float(made.episodes.value_E[one.row]) for one in made.episodes}


def q(made: KernelControl, state: Sequence[float], case_id: str, cosine: float = 0.5) -> float:
    return made.predict(example(999, state, 0.0, case_id, cosine=cosine))


def everything(made: KernelControl) -> tuple[dict[str, bytes], str]:
    return {name: value.tobytes() for name, value in made.tensors().items()}, json.dumps(made.stamp())


def random_stream(n: int, *, dim: int = 8, seed: int = 0) -> list[Example]:
    """Runs of one or two cycles; every question comes up about twice."""
    chance = np.random.default_rng(seed)
    stream: list[Example] = []
    for number in range(n):
        state_D = chance.standard_normal(dim).astype(np.float32)
        ids = [f"c{index}" for index in chance.choice(12, size=chance.integers(0, 4), replace=False)]
        follows = f"e{number - 1}" if number % 3 == 1 else None
        question = f"q{chance.integers(n // 2)}"
        reward = float(chance.random() < 0.5)
        unit_D = state_D / np.linalg.norm(state_D)
        stream.append(example(number, unit_D, reward, *ids, follows=follows, question=question))
    return stream


def test_value_is_the_kernel_mean_with_its_prior_when_computed_by_hand() -> None:
    made = taught(example(1, EAST, 1.0, "a"), example(2, NORTH, 0.0, "a"), example(3, EAST, 0.0, "b"))
    near, far = 1.0, np.exp(-2.0)  # |east - north|^2 = 2
    prior = 1 / 3
    assert q(made, EAST, "a") == pytest.approx((0.5 * prior + near * 1 + far * 0) / (0.5 + near + far), abs=1e-6)
    assert q(made, NORTH, "a") == pytest.approx((0.5 * prior + far * 1 + near * 0) / (0.5 + near + far), abs=1e-6)
    assert q(made, EAST, "b") == pytest.approx(0.5 * prior / 1.5, abs=1e-6)


def test_value_is_the_prior_when_the_case_was_never_served() -> None:
    made = taught(example(1, EAST, 1.0, "a", cosine=0.4), example(2, NORTH, 0.0, "a", cosine=0.6))
    assert q(made, EAST, "new", cosine=0.5) == pytest.approx(0.5)
    assert q(made, EAST, "new", cosine=0.7) == pytest.approx(0.5 + 0.3 * 0.2)
    assert q(made, EAST, "new", cosine=-1.0) == pytest.approx(0.5 - 0.3 * 1.5)


def test_prior_is_a_probability_when_the_cosine_is_far_off() -> None:
    made = taught(example(1, EAST, 1.0, "a", cosine=0.0), example(2, EAST, 1.0, "a", cosine=0.0))
    assert q(made, EAST, "new", cosine=1.0) == 1.0


def test_one_half_is_told_when_nothing_is_known() -> None:
    assert q(control(), EAST, "a", cosine=0.0) == 0.5
    assert control().predict(example(1, EAST, 1.0)) == 0.5


def test_nothing_is_said_until_both_kinds_of_outcome_are_known() -> None:
    made = control()
    for number in range(MIN_OUTCOMES + 2):
        made.learn(example(number, EAST, 1.0, "a"))
    assert made.estimate(np.array(EAST, np.float32), rows("a")) is None
    made.learn(example(50, EAST, 0.0, "a"))
    estimates = made.estimate(np.array(EAST, np.float32), rows("a", "b"))
    assert estimates is not None
    assert estimates.exposures_C.tolist() == [MIN_OUTCOMES + 3, 0]
    assert estimates.value_C.tolist() == pytest.approx([q(made, EAST, "a"), q(made, EAST, "b")])


def test_autograd_is_equation_eleven_when_written_out() -> None:
    """2 E[(f - y) sum_i w_i (Q_i - f) grad log k_i], where the prior is one more entry, whose k is constant."""
    chance = np.random.default_rng(0)
    dim, n, k0, prior, y = 5, 7, 0.5, 0.4, 1.0
    s, others, values = chance.standard_normal(dim), chance.standard_normal((n, dim)) / 2, chance.random(n)
    tilt_D = chance.standard_normal(dim) / 5
    kernel = LearnedKernel(dim=dim, precision=0.7)
    with torch.no_grad():
        kernel.tilt_D.copy_(torch.tensor(tilt_D))
    evidence = Evidence(
        torch.tensor(others, dtype=torch.float32),
        torch.arange(n),
        torch.zeros(n, dtype=torch.int64),
        torch.tensor(values, dtype=torch.float32),
        torch.ones(n),
    )
    state, task = torch.tensor(s[None], dtype=torch.float32), torch.zeros(1, dtype=torch.int64)
    f_P = episodic_values(kernel, state, task, torch.tensor([prior]), evidence, prior_weight=k0)
    (f_P - y).square().mean().backward()  # type: ignore[no-untyped-call]

    weighted_ND = 0.7 * np.exp(np.sqrt(dim) * tilt_D) * (s - others) ** 2
    k_N = np.exp(-weighted_ND.sum(1))
    f = (k0 * prior + (k_N * values).sum()) / (k0 + k_N.sum())
    w_N = k_N / (k0 + k_N.sum())
    by_hand_D = 2 * (f - y) * ((w_N * (values - f))[:, None] * -weighted_ND).sum(0)
    assert f_P.item() == pytest.approx(f, abs=1e-5)
    assert kernel.tilt_D.grad is not None
    assert kernel.log_precision.grad is not None
    assert kernel.tilt_D.grad.tolist() == pytest.approx((np.sqrt(dim) * by_hand_D).tolist(), abs=1e-5)
    assert kernel.log_precision.grad.item() == pytest.approx(by_hand_D.sum(), abs=1e-5)


@pytest.mark.parametrize("alpha", [0.01, 0.1, 1.0, 10.0])
def test_soft_value_is_the_papers_corrected_one_when_computed_by_hand(alpha: float) -> None:
    q_C = np.array([0.2, 0.5, 0.45])
    by_hand = alpha * np.log(np.exp(q_C / alpha).sum())
    assert soft_value(torch.tensor(q_C), alpha=alpha).item() == pytest.approx(by_hand)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_soft_value_tends_to_the_maximum_when_alpha_goes_to_zero(values: list[float]) -> None:
    q_C = torch.tensor(values, dtype=torch.float64)
    found = [soft_value(q_C, alpha=alpha).item() for alpha in (1.0, 0.1, 0.01, 1e-6)]
    assert all(wider >= narrower - 1e-9 for wider, narrower in itertools.pairwise(found))
    assert found[-1] == pytest.approx(max(values), abs=1e-4)


@pytest.mark.parametrize("alpha", [0.02, 0.1, 1.0])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_target_of_an_earlier_cycle_is_the_soft_value_after_it_whatever_arrives_first(
    alpha: float, is_reversed: bool
) -> None:
    run = [example(1, EAST, 1.0, "a"), example(2, NORTH, 1.0, "b", "c", follows="e1", question="q1")]
    made = taught(example(0, NORTH, 0.0, "b"), *(run[::-1] if is_reversed else run), alpha=alpha)
    q_C = np.array([q(made, NORTH, "b"), q(made, NORTH, "c")])
    assert q_C.tolist() == pytest.approx([(0.5 * 2 / 3 + 1) / 2.5, (0.5 * 2 / 3 + 1) / 1.5], abs=1e-6)
    assert stored(made) == pytest.approx(
        {"e0": 0.0, "e2": 1.0, "e1": 0.9 * alpha * np.log(np.exp(q_C / alpha).sum())}, abs=1e-6
    )


def test_gamma_does_nothing_when_runs_have_one_cycle() -> None:
    stream = [one._replace(follows=None) for one in random_stream(40)]
    one, other = (taught(*stream, gamma=gamma, learning_rate=0.1) for gamma in (0.0, 0.9))
    assert everything(one)[0] == everything(other)[0]


def test_next_cycle_is_worth_its_own_return_when_it_was_served_nothing() -> None:
    made = taught(example(1, EAST, 1.0, "a"), example(2, EAST, 1.0, follows="e1"), example(3, EAST, 1.0, follows="e2"))
    assert stored(made) == pytest.approx({"e1": 0.81, "e2": 0.9, "e3": 1.0})


def test_earlier_cycles_follow_when_the_outcome_is_corrected() -> None:
    run = [example(1, EAST, 1.0, "a"), example(2, EAST, 1.0, follows="e1")]
    made = taught(*run)
    made.learn(run[1]._replace(reward=0.5, offset=3))
    assert stored(made) == pytest.approx({"e1": 0.45, "e2": 0.5})


def test_earlier_cycle_is_the_last_again_when_the_later_is_withdrawn() -> None:
    made = taught(example(1, EAST, 1.0, "a"), example(2, EAST, 0.0, follows="e1"))
    assert stored(made)["e1"] == 0.0
    assert made.withdraw("e2")
    assert stored(made) == {"e1": 1.0}


def test_withdrawn_episode_is_no_evidence_and_withdrawn_once() -> None:
    made = taught(example(1, EAST, 1.0, "a"), example(2, EAST, 0.0, "a"))
    assert made.withdraw("e1")
    assert not made.withdraw("e1")
    assert stored(made) == {"e2": 0.0}
    assert made.episodes.stamp()["sums"] == taught(example(2, EAST, 0.0, "a")).episodes.stamp()["sums"]
    assert q(made, EAST, "a") == pytest.approx(0.0)


def test_outcome_replaces_the_one_it_corrects() -> None:
    made = taught(example(1, EAST, 1.0, "a"), example(1, EAST, 0.0, "a", offset=2))
    assert len(made.episodes) == 1
    assert q(made, EAST, "a") == 0.0


def test_no_credit_twice_when_somebody_says_the_same_again() -> None:
    stream = random_stream(20)
    made = taught(*stream, learning_rate=0.1)
    before = copy.deepcopy(made.kernel.state_dict())
    made.learn(stream[3]._replace(offset=100))
    assert all(torch.equal(before[name], value) for name, value in made.kernel.state_dict().items())
    assert len(made.episodes) == 20


def test_own_question_does_not_train_the_kernel_when_it_comes_again() -> None:
    same = taught(*(example(n, EAST, float(n % 2), "a", question="q") for n in range(6)), learning_rate=1.0)
    assert same.kernel.log_precision.item() == pytest.approx(0.0)
    other = taught(*(example(n, (n % 2, 1 - n % 2), float(n % 2), "a") for n in range(6)), learning_rate=1.0)
    assert other.kernel.log_precision.item() != pytest.approx(0.0)


def test_target_kernel_moves_only_at_its_period_by_its_average() -> None:
    made = control(8, learning_rate=1.0, target_period=4, target_keep=0.75)
    fresh = 0.0
    for number, one in enumerate((one for one in random_stream(40) if len(one.cases)), start=1):
        made.learn(one)
        moved = made.target.log_precision.item()
        expected = 0.75 * fresh + 0.25 * made.kernel.log_precision.item() if number % 4 == 0 else fresh
        assert moved == pytest.approx(expected, abs=1e-6)
        fresh = moved
    assert fresh != 0.0


def test_numbers_are_the_same_when_the_ledger_is_folded_again_and_others_when_seeded_otherwise() -> None:
    stream = random_stream(80)
    one, again = (taught(*stream, learning_rate=0.5) for _ in range(2))
    assert everything(one) == everything(again)
    other = KernelControl(dim=8, seed=1, settings={**FIXED, "learning_rate": 0.5})
    for each in stream:
        other.learn(each)
    assert everything(other)[0] != everything(one)[0]


def test_goes_on_bit_for_bit_when_restored() -> None:
    stream, more = random_stream(90)[:60], random_stream(90)[60:]
    made = taught(*stream, learning_rate=0.5, capacity=50)
    made.withdraw("e40")
    restored = control(8, learning_rate=0.5, capacity=50)
    restored.restore(made.tensors(), json.loads(json.dumps(made.stamp())), [])
    assert everything(restored) == everything(made)
    for one in more:
        made.learn(one)
        restored.learn(one)
    assert everything(restored) == everything(made)
    read = [each.estimate(more[0].state_D, rows(*(f"c{n}" for n in range(12)))) for each in (made, restored)]
    assert read[0] is not None
    assert read[1] is not None
    assert read[0].value_C.tobytes() == read[1].value_C.tobytes()


@pytest.mark.parametrize("change", ["seed", "settings", "shape", "missing"])
def test_refused_when_the_snapshot_does_not_fit(change: str) -> None:
    made = taught(*random_stream(20))
    tensors, stamp = made.tensors(), made.stamp()
    if change == "missing":
        del tensors["state"]
    fresh = KernelControl(
        dim=4 if change == "shape" else 8,
        seed=int(change == "seed"),
        settings={**FIXED, "gamma": 0.5} if change == "settings" else FIXED,
    )
    with pytest.raises((KeyError, ValueError, RuntimeError)):
        fresh.restore(tensors, stamp, [])


def test_oldest_give_way_when_the_store_is_full() -> None:
    made = taught(*(example(n, EAST, 1.0, "a") for n in range(12)), capacity=5)
    assert list(stored(made)) == [f"e{n}" for n in range(7, 12)]
    assert made.episodes.exposures("a") == 5
    assert len(made.episodes.state_ED) == 6, "rows are used again"


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=60))
def test_store_knows_what_is_believed_when_outcomes_come_and_go(steps: list[tuple[int, bool]]) -> None:
    made, believed = control(8), dict[str, Example]()
    stream = random_stream(10)
    for offset, (number, is_withdrawn) in enumerate(steps):
        one = stream[number]._replace(reward=float(offset % 2), offset=offset)
        believed.pop(one.event_id, None)
        if is_withdrawn:
            made.withdraw(one.event_id)
        else:
            made.learn(one)
            believed[one.event_id] = one
    assert [one.event_id for one in made.episodes] == list(believed)
    assert made.episodes.n_served == sum(len(one.cases) > 0 for one in believed.values())
    assert made.episodes.mean_reward == pytest.approx(np.mean([one.reward for one in believed.values()] or [0.5]))
    for case_id in (f"c{n}" for n in range(12)):
        assert made.episodes.exposures(case_id) == sum(case_id in one.cases.ids for one in believed.values())


@pytest.mark.parametrize(
    "unfit",
    [{"gama": 0.9}, {"alpha": 0.0}, {"gamma": 1.5}, {"target_keep": 2.0}, {"target_period": 0.5}, {"capacity": 0.0}],
)
def test_refused_when_a_setting_makes_no_sense(unfit: Any) -> None:
    with pytest.raises(InvalidInput):
        make_estimator("kernel", dim=4, seed=0, settings=unfit)


@pytest.mark.parametrize("suggested", KernelControl.settings_space())
def test_every_suggested_setting_can_be_learned_with(suggested: dict[str, float]) -> None:
    made = KernelControl(dim=8, settings=suggested)
    for one in random_stream(20):
        made.learn(one)
    assert all(torch.isfinite(value).all() for value in made.kernel.state_dict().values())


def noisy_tasks(n: int, *, seed: int, dim: int = 16) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Tasks of two kinds, told apart by their first two dimensions; the others are noise."""
    chance = np.random.default_rng(seed)
    is_east_T = chance.random(n) < 0.5
    state_TD = chance.standard_normal((n, dim)) * 0.5
    state_TD[:, :2] += np.where(is_east_T[:, None], EAST, NORTH)
    return (state_TD / np.linalg.norm(state_TD, axis=1, keepdims=True)).astype(np.float32), is_east_T


def test_planted_signal_is_told_on_tasks_never_seen() -> None:
    """Case a helps in tasks of the east and harms in those of the north, case b the other way round."""
    made = KernelControl(dim=16)
    chance = np.random.default_rng(1)
    for number, (state_D, is_east) in enumerate(zip(*noisy_tasks(300, seed=52), strict=True)):
        case_id = "ab"[number % 2]
        reward = float(chance.random() < (0.9 if (case_id == "a") == is_east else 0.1))
        made.learn(example(number, state_D, reward, case_id))
    right = []
    for state_D, is_east in zip(*noisy_tasks(200, seed=53), strict=True):
        estimates = made.estimate(state_D, rows("a", "b"))
        assert estimates is not None
        right.append((estimates.value_C[0] > estimates.value_C[1]) == is_east)
    assert np.mean(right) > 0.85, "a mean by case alone would be right half of the time"
    weight_D = made.kernel.weights().detach().numpy()
    assert weight_D[:2].min() > 2 * weight_D[2:].mean(), "the dimensions that tell are heeded more"


async def test_memory_serves_by_episodes_and_remembers_them_when_opened_again(tmp_path: Path) -> None:
    place = Place("folder", {"location": tmp_path / "bank", "policy": "kernel"})
    async with place.memory() as memory:
        await filled(memory, 6)
        for number in range(MIN_OUTCOMES):
            first = await memory.read(f"task {number} of the capital", k=2)
            query = f"task {number} of the capital and more"
            second = await memory.read(query, k=2, task=f"task {number} of the capital", follows=first.event_id)
            await memory.write(
                state=f"task {number} of the capital", action="a", reward=float(number % 2), event_id=second.event_id
            )
        reading = await memory.read("the capital", k=4)
        learner = await memory._learning.learner("default", "kernel")
        assert isinstance(learner.estimator, KernelControl)
        known = everything(learner.estimator)
        followed = [learner.estimator.episodes.follower(one.event_id) for one in learner.estimator.episodes]
    async with place.memory() as memory:
        again = await memory.read("the capital", k=4)
        learner = await memory._learning.learner("default", "kernel")
        assert isinstance(learner.estimator, KernelControl)
        assert everything(learner.estimator) == known
    assert (reading.policy, reading.n_outcomes) == ("kernel", 2 * MIN_OUTCOMES)
    assert [scored.score for scored in reading.cases] != [scored.similarity for scored in reading.cases]
    assert [scored.score for scored in again.cases] == [scored.score for scored in reading.cases]
    assert sum(one is not None for one in followed) == MIN_OUTCOMES
