"""The reader that copies: it follows what it is shown as often as it says, and streams write back as evaluations do."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.copying_reader.__main__ import main, order_tables
from benchmarks.copying_reader.cells import OrderTask, load_stream
from benchmarks.copying_reader.coverage import LEARNING_HEADS, learning_rows, learning_trials, truth_of
from benchmarks.copying_reader.reader import answers
from benchmarks.copying_reader.sets import QuestionSetTask, load_set
from benchmarks.copying_reader.stream import OrderPlayed, Rules, play_order
from benchmarks.copying_reader.texts import TextTasks, kept_texts, loaded
from benchmarks.frozen_model.families import house
from benchmarks.worlds.contestants import Contestant, make_contestant
from memento.memory.estimators.advantage import Advantage
from memento.memory.estimators.port import Example
from memento.memory.policies.advantage import AdvantagePolicy

HABIT = np.array([0.4, 0.3, 0.2, 0.1])
PLAIN = Rules()


class Hearing(Advantage):
    """Remembers what it is told."""

    def __init__(self, *, dim: int) -> None:
        super().__init__(dim=dim)
        self.heard: list[Example] = []

    def learn(self, example: Example) -> None:
        self.heard.append(example)
        super().learn(example)


def texts(*, n: int = 60, dim: int = 8) -> TextTasks:
    """Questions of four topics, each with one right answer."""
    rng = np.random.default_rng(0)
    right_Q = np.arange(n) % 4
    state_QD = np.eye(4, dim)[right_Q] + 0.2 * rng.normal(size=(n, dim))
    return TextTasks(
        tasks=[f"q{number}" for number in range(n)],
        sources=[""] * n,
        right_Q=right_Q,
        state_QD=(state_QD / np.linalg.norm(state_QD, axis=1, keepdims=True)).astype(np.float32),
        action_AD=np.eye(4, dim, dtype=np.float32),
        actions=[f"1. {name}" for name in "abcd"],
        habit_A=HABIT,
    )


def play(policy: str, rules: Rules = PLAIN, *, seed: int = 0) -> OrderPlayed:
    told = texts()
    contestant = make_contestant(policy, dim=8, seed=seed)
    return play_order(told, np.random.default_rng(seed).permutation(60), contestant, seed=seed, rules=rules)


def test_agreeing_successes_are_followed_the_more_of_them_there_are() -> None:
    assert answers([], [], HABIT) == pytest.approx(HABIT)
    for n, follows in ((1, 0.47), (2, 0.66), (3, 0.91), (4, 0.97), (6, 0.97)):
        assert answers([3] * n, [True] * n, HABIT)[3] == pytest.approx(follows + (1 - follows) * 0.1)
    split = answers([0, 0, 1], [True] * 3, HABIT)
    assert split == pytest.approx(0.91 * np.array([2 / 3, 1 / 3, 0, 0]) + 0.09 * HABIT)


def test_failures_change_nothing_when_hidden_and_are_ruled_out_when_shown() -> None:
    assert answers([0, 1], [False, False], HABIT) == pytest.approx(HABIT)
    shown = answers([0, 1], [False, False], HABIT, failures="shown")
    assert shown == pytest.approx([0, 0, 2 / 3, 1 / 3])
    assert answers([0, 0], [True, False], HABIT, failures="shown") == pytest.approx(answers([0], [True], HABIT))
    assert answers([0, 1, 2, 3], [False] * 4, HABIT, failures="shown") == pytest.approx(HABIT)


def test_every_question_is_played_once_and_luck_is_shared_between_policies() -> None:
    alone, other = play("none"), play("none", Rules(luck="another arm"))
    assert sorted(alone.question_T) == list(range(60))
    assert alone.chance_T == pytest.approx(HABIT[alone.question_T % 4])
    assert np.array_equal(alone.reward_T, play("none").reward_T)
    assert not np.array_equal(alone.reward_T, other.reward_T)


def test_memory_pays_and_corrections_pay_more() -> None:
    alone, by_reward = play("none").chance_T.mean(), play("similarity_reward").chance_T.mean()
    corrected = play("similarity_reward", Rules(feedback="correction")).chance_T.mean()
    assert corrected > by_reward > alone


def test_cases_are_served_from_the_round_after_their_own() -> None:
    estimator = Hearing(dim=8)
    played = play_order(
        texts(), np.arange(60), Contestant(AdvantagePolicy(), estimator, ()), seed=0, rules=Rules(round=4)
    )
    assert [example.reward for example in estimator.heard] == played.reward_T.tolist()
    for step, example in enumerate(estimator.heard):
        served = [int(case.removeprefix("case ")) for case in example.cases.ids]
        assert all(case < step - step % 4 for case in served)


def test_streams_are_kept_and_tables_compare_policies_on_the_same_orders(tmp_path: Path) -> None:
    path = kept_texts(house(24), tmp_path, seed=0)
    assert loaded(path).state_QD.shape == (24, 384)
    tasks = [OrderTask(path, policy, order, Rules()) for order in range(3) for policy in ("none", "similarity")]
    for task in tasks:
        task.run(tmp_path)
        assert task.is_kept(tmp_path)
    kept = [one for task in tasks if (one := load_stream(task, tmp_path)) is not None]
    text = order_tables(kept, ["none", "similarity"], "none")
    assert "3 orders" in text
    assert "similarity - none" in text
    assert load_stream(OrderTask(path, "none", 0, Rules(feedback="correction")), tmp_path) is None


def test_an_unknown_policy_is_refused_before_anything_is_encoded(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["house", "--policies", "magic"])
    assert "unknown policy 'magic'" in capsys.readouterr().err


def test_coverage_counts_what_intervals_hold_and_knows_how_many_orders_give_a_verdict(tmp_path: Path) -> None:
    path = kept_texts(house(40), tmp_path, seed=0)
    tasks = [QuestionSetTask(path, ("similarity_reward", "similarity"), seed, 20, 6, PLAIN) for seed in range(2)]
    for task in tasks:
        task.run(tmp_path)
    sets = [one for task in tasks if (one := load_set(task, tmp_path)) is not None]
    assert np.array(sets[0].reward).shape == (2, 6, 20)
    assert all(len(set(one.question)) == 20 for one in sets)
    assert np.array(sets[0].reward).mean() == pytest.approx(np.array(sets[0].chance).mean(), abs=0.1)
    truth = truth_of(sets)
    assert truth.difference.value == pytest.approx(truth.arms[0].value - truth.arms[1].value)
    trials = learning_trials(sets, loaded(path), ("similarity_reward", "similarity"), sizes=(1, 6))
    assert [trial.n_orders for trial in trials] == [1, 1, 1, 1, 1, 6] * 2
    rows = learning_rows(trials)
    assert [row[:2] for row in rows] == [["1", "10"], ["6", "2"]]
    assert all(len(row) == len(LEARNING_HEADS) for row in rows)
