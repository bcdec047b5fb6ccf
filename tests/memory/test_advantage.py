"""What each case adds, apart from how hard its tasks are; told with its uncertainty, corrected, kept, and suggested."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from memento.memory.errors import InvalidInput
from memento.memory.estimators.advantage import Advantage
from memento.memory.estimators.port import CaseRows, Example

DIM = 16
AXES = np.eye(DIM, dtype=np.float32)


def rows(
    ids: list[str], *, topics: list[int] | None = None, similarity: float | list[float] = 0.5, **fields: Any
) -> CaseRows:
    """Cases in given regions; the region is the number at the end of the id when none is given."""
    n = len(ids)
    regions = topics or [int(case_id[-1]) for case_id in ids]
    given = {"reward_N": np.ones(n, np.float32), "actions": ()} | fields
    return CaseRows(
        tuple(ids), np.broadcast_to(np.float32(similarity), (n,)).copy(), vectors={"state": AXES[regions]}, **given
    )


def outcome(number: int, reward: float, cases: CaseRows, *, topic: int = 0, event: str = "") -> Example:
    n = len(cases)
    return Example(
        number,
        event or f"e{number}",
        None,
        str(number),
        AXES[topic],
        cases,
        np.zeros(n, np.bool_),
        np.ones(n),
        reward,
        1.0,
    )


def utility(estimator: Advantage, *ids: str, topic: int = 0, **fields: Any) -> NDArray[np.float32]:
    return estimator.estimate(AXES[topic], rows(list(ids), **fields)).value_C


def lived(n: int = 240, *, seed: int = 0, p_good: float = 0.85, p_bad: float = 0.15) -> Advantage:
    """good0 helps and bad0 hurts, served alone or with a stranger who does nothing."""
    chance, estimator = np.random.default_rng(seed), Advantage(dim=DIM)
    for number in range(n):
        case_id = ("good0", "bad0")[number % 2]
        reward = float(chance.random() < (p_good if case_id == "good0" else p_bad))
        estimator.learn(outcome(number, reward, rows([case_id, f"stranger {number % 7}0"])))
    return estimator


def test_the_nearest_come_first_before_anything_is_known() -> None:
    value = utility(Advantage(dim=DIM), "a0", "b0", "c0", similarity=[0.2, 0.9, 0.5])
    assert np.argsort(-value).tolist() == [1, 2, 0]


def test_good_cases_come_before_failed_ones_before_anything_is_known() -> None:
    value = utility(Advantage(dim=DIM), "a0", "b0", reward_N=np.array([0, 1], np.float32))
    assert value[1] > value[0]


def test_helping_and_hurting_cases_are_told_apart_and_the_null_case_lies_between() -> None:
    good, bad = utility(lived(), "good0", "bad0")
    assert good > 0 > bad


def test_a_case_is_not_credited_with_how_easy_its_tasks_are() -> None:
    """Two regions, one easy and one hard; in both, what is served changes nothing."""
    chance, estimator = np.random.default_rng(3), Advantage(dim=DIM)
    for number in range(400):
        topic = number % 2
        is_alone = number % 3 == 0  # sometimes nothing is served: the null case tells how hard the task is
        served = rows([]) if is_alone else rows([f"case {number % 5}{topic}"])
        estimator.learn(outcome(number, float(chance.random() < (0.9, 0.2)[topic]), served, topic=topic))
    effects = {effect.case_id: effect for effect in estimator.effects()}
    easy = [effect for case_id, effect in effects.items() if case_id.endswith("0")]
    hard = [effect for case_id, effect in effects.items() if case_id.endswith("1")]
    assert np.mean([one.effect for one in easy]) - np.mean([one.effect for one in hard]) < 0.5
    assert sum(abs(one.effect) < 1.96 * one.sd for one in easy + hard) >= 9


def test_where_similarity_misleads_another_region_is_suggested() -> None:
    """Tasks of region 0: its own cases hurt, those of region 5 help."""
    chance, estimator = np.random.default_rng(0), Advantage(dim=DIM)
    for number in range(300):
        region = 5 if number % 3 == 0 else 0
        reward = float(chance.random() < (0.9 if region == 5 else 0.15))
        estimator.learn(outcome(number, reward, rows([f"case {number % 20}:{region}"], similarity=float(region == 0))))
    suggestions = estimator.suggest(AXES[0])
    assert suggestions.direction_MD[0] @ AXES[5] == pytest.approx(1.0)
    assert suggestions.ids
    assert all(case_id.endswith(":5") for case_id in suggestions.ids)
    fresh_near, fresh_far = utility(estimator, "new0", "new5", similarity=[1.0, 0.0])
    assert fresh_far > fresh_near  # cases never served share what their region has shown


def test_cases_with_an_action_that_worked_are_preferred_though_never_served() -> None:
    chance, estimator = np.random.default_rng(0), Advantage(dim=DIM)
    for number in range(300):
        action = ("open", "shut")[number % 2]
        reward = float(chance.random() < (0.9 if action == "open" else 0.2))
        estimator.learn(outcome(number, reward, rows([f"case {number}0"], actions=(action,))))
    opened, shut = utility(estimator, "new a0", "new b0", actions=("open", "shut"))
    assert opened > 0 > shut


def test_uncertainty_shrinks_with_exposure_and_exposures_are_counted() -> None:
    estimates = lived().estimate(AXES[0], rows(["good0", "never0"]))
    assert estimates.sd_C is not None
    assert estimates.sd_C[0] < estimates.sd_C[1]
    assert estimates.exposures_C.tolist() == [120, 0]


def test_success_is_foretold_for_a_set() -> None:
    estimator = lived()
    good, bad, none = (
        estimator.predict(outcome(0, 0.0, rows(ids), event="later")) for ids in (["good0"], ["bad0"], [])
    )
    assert 0 < bad < none < good < 1


def test_an_outcome_delivered_again_changes_nothing() -> None:
    estimator = lived(40)
    before = utility(estimator, "good0", "bad0")
    estimator.learn(outcome(39, 1.0, rows(["bad0", "stranger 40"])))  # first heard as what it was drawn to be
    estimator.learn(outcome(39, 0.0, rows(["bad0", "stranger 40"])))
    settled = utility(estimator, "good0", "bad0")
    estimator.learn(outcome(39, 0.0, rows(["bad0", "stranger 40"])))
    assert (utility(estimator, "good0", "bad0") == settled).all()
    assert settled == pytest.approx(before, abs=0.2)


def test_a_corrected_outcome_is_believed_almost_as_if_it_had_always_been_so() -> None:
    late, early = Advantage(dim=DIM), Advantage(dim=DIM)
    for estimator, first in ((late, 0.0), (early, 1.0)):
        for number in range(30):
            estimator.learn(outcome(number, first if number == 4 else float(number % 2), rows([f"case {number % 4}0"])))
    late.learn(outcome(4, 1.0, rows(["case 00"])))
    ids = [f"case {number}0" for number in range(4)]
    assert utility(late, *ids) == pytest.approx(utility(early, *ids), abs=0.03)
    assert (
        late.estimate(AXES[0], rows(ids)).exposures_C.tolist()
        == early.estimate(AXES[0], rows(ids)).exposures_C.tolist()
    )


def test_a_withdrawn_outcome_leaves_no_trace() -> None:
    estimator = lived(50)
    before = estimator.estimate(AXES[0], rows(["good0", "bad0"]))
    estimator.learn(outcome(50, 1.0, rows(["bad0", "new0"])))
    assert estimator.withdraw("e50")
    after = estimator.estimate(AXES[0], rows(["good0", "bad0"]))
    assert after.value_C == pytest.approx(before.value_C, abs=1e-3)  # who foretold it better is still remembered
    assert after.sd_C == pytest.approx(before.sd_C, abs=1e-3)
    assert after.exposures_C.tolist() == before.exposures_C.tolist()
    assert not estimator.withdraw("e50")


@pytest.mark.parametrize("order", [1, -1])
def test_beliefs_keep_their_bounds_when_many_faded_outcomes_are_withdrawn(order: int) -> None:
    chance, estimator, never = np.random.default_rng(1), Advantage(dim=DIM), Advantage(dim=DIM)
    for number in range(40):
        one = outcome(number, float(chance.random() < 0.5), rows([f"case {number % 6}0"]))
        estimator.learn(one)
        never.learn(one)
    wrong = [outcome(100 + number, 1.0, rows(["case 00", "case 10"])) for number in range(40)]
    for one in wrong:
        estimator.learn(one)
    for one in wrong[::order]:
        assert estimator.withdraw(one.event_id)
    ids = [f"case {number}0" for number in range(6)]
    left, expected = utility(estimator, *ids), utility(never, *ids)
    assert np.abs(left - expected).max() < 0.5
    assert estimator.predict(wrong[0]) == pytest.approx(never.predict(wrong[0]), abs=0.2)


def test_an_outcome_too_old_to_be_corrected_is_not_learned_from_again() -> None:
    estimator = Advantage(dim=DIM, settings={"sites": 3.0})
    for number in range(5):
        estimator.learn(outcome(number, 1.0, rows(["good0"])))
    restored = Advantage(dim=DIM, settings={"sites": 3.0})
    restored.restore(estimator.tensors(), json.loads(json.dumps(estimator.stamp())), [])
    for one in (estimator, restored):
        before = one.estimate(AXES[0], rows(["good0"]))
        one.learn(outcome(0, 0.0, rows(["good0"])))
        assert not one.withdraw("e1")
        after = one.estimate(AXES[0], rows(["good0"]))
        assert (after.value_C[0], after.exposures_C[0]) == (before.value_C[0], before.exposures_C[0])
        one.learn(outcome(4, 0.0, rows(["good0"])))  # this one is recent enough
        assert one.estimate(AXES[0], rows(["good0"])).value_C[0] < before.value_C[0]


def test_learning_goes_on_bit_for_bit_when_restored() -> None:
    estimator, restored = lived(150), Advantage(dim=DIM)
    kept = {name: value.copy() for name, value in estimator.tensors().items()}
    restored.restore(kept, json.loads(json.dumps(estimator.stamp())), [])
    for one in (estimator, restored):
        one.learn(outcome(9, 1.0, rows(["bad0", "stranger 20"])))  # a correction, too
        for number in range(200, 260):
            one.learn(outcome(number, float(number % 3 == 0), rows(["good0", f"late {number % 9}"])))
    ids = ["good0", "bad0", "late 3", "never0"]
    ours, theirs = estimator.estimate(AXES[0], rows(ids)), restored.estimate(AXES[0], rows(ids))
    assert all(np.array_equal(np.array(mine), np.array(yours)) for mine, yours in zip(ours, theirs, strict=True))
    assert estimator.effects() == restored.effects()


def test_what_is_believed_of_a_case_is_kept_when_another_needs_its_place() -> None:
    estimator = Advantage(dim=DIM, settings={"capacity": 24.0, "landmarks": 4.0, "actions": 0.0})
    for number in range(30):
        estimator.learn(outcome(number, 1.0, rows(["good0"])))
    believed, fresh = utility(estimator, "good0", "never0")
    for number in range(30, 90):
        estimator.learn(outcome(number, float(number % 2), rows([f"passing {number}0"])))
    after, later_fresh = utility(estimator, "good0", "never0")
    assert believed - fresh > 0.03
    assert after - later_fresh > 0.03
    sd_C = estimator.estimate(AXES[0], rows(["good0", "never0"])).sd_C
    assert sd_C is not None
    assert sd_C[0] < sd_C[1]


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(InvalidInput, match="no setting 'depth'"):
        Advantage(dim=DIM, settings={"depth": 3.0})
    for settings in Advantage.settings_space():
        Advantage(dim=DIM, settings=settings)


@pytest.mark.slow
def test_intervals_cover_planted_effects() -> None:
    """Sets of three out of thirty cases: about nine in ten 90 % intervals hold the planted effect."""
    covered: list[bool] = []
    for seed in range(6):
        chance, estimator = np.random.default_rng(seed), Advantage(dim=DIM)
        truth = 0.3 * chance.normal(size=30)
        for number in range(900):
            topic = int(chance.integers(4))
            served = chance.choice(30, 3, replace=False)
            logit = (-1.0, 0.0, 0.5, 1.0)[topic] + truth[served].sum()
            cases = rows([f"case {one}" for one in served], topics=[int(one) % 4 for one in served], similarity=0.0,
                         reward_N=np.zeros(3, np.float32))  # fmt: skip
            estimator.learn(outcome(number, float(chance.random() < 1 / (1 + np.exp(-logit))), cases, topic=topic))
        effects = [(truth[int(effect.case_id.split()[1])], effect) for effect in estimator.effects()]
        covered += [abs(effect.effect - planted) < 1.645 * effect.sd for planted, effect in effects]
    assert 0.82 <= np.mean(covered) <= 0.97


def test_what_recalled_cases_agree_on_comes_first_before_anything_is_known() -> None:
    estimates = Advantage(dim=DIM).estimate(AXES[0], rows(["a0", "b0", "c0"], actions=("x", "y", "x")))
    assert estimates.value_C[0] == estimates.value_C[2] > estimates.value_C[1]
    assert estimates.support_C is not None
    assert estimates.support_C[0] > estimates.support_C[1] > 0


def test_agreement_is_trusted_less_where_it_has_misled() -> None:
    estimator, both = Advantage(dim=DIM), rows(["a0", "b0", "c0"], actions=("x", "y", "x"))

    def margin() -> float:
        value_C = estimator.estimate(AXES[0], both).value_C
        return float(value_C[0] - value_C[1])

    before = margin()
    for number in range(200):
        is_agreed = number % 2 == 0
        case = rows([f"case {number}0"], actions=(f"act {number}",))
        case = case.supported(np.array([0.6 if is_agreed else 0.0], np.float32))
        estimator.learn(outcome(number, 0.2 if is_agreed else 0.8, case))
    assert margin() < before / 2


def test_a_task_asked_again_is_answered_by_all_that_was_learned_meanwhile() -> None:
    def answers(estimator: Advantage) -> tuple[list[float], list[str], list[list[float]]]:
        suggestions = estimator.suggest(AXES[0])
        return (
            utility(estimator, "good0", "bad0", "new0").tolist(),
            [*suggestions.ids],
            suggestions.direction_MD.tolist(),
        )

    asked, never_asked = lived(), lived()
    answers(asked)
    last = outcome(900, 1.0, rows(["bad0", "new0"]), event="last")
    for estimator in (asked, never_asked):
        estimator.learn(last)
    taught = answers(asked)
    assert taught == answers(never_asked)
    assert asked.withdraw("last")
    assert never_asked.withdraw("last")
    assert answers(asked) == answers(never_asked) != taught
    fresh = Advantage(dim=DIM)
    before = answers(fresh)
    fresh.restore(asked.tensors(), json.loads(json.dumps(asked.stamp())), [])
    assert answers(fresh) == answers(asked) != before
