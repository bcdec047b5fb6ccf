"""The leak demonstration: where rows share their question's outcome, a split by rows rewards remembering questions."""

import numpy as np
import pytest

from benchmarks.leak import LeakRow, held_out, leak_table, leaky_row_split, lookup
from benchmarks.reference_head import Pairs, pairs_of, trained_heads
from memento.memory.estimators.port import CaseRows, Example
from memento.memory.offpolicy.metrics import auc
from memento.memory.offpolicy.splits import grouped_folds

DIM, N_QUESTIONS, N_SERVED = 64, 120, 8


def unit(rows: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def examples(*, effect: float = 0.0, seed: int = 0) -> list[Example]:
    """Questions whose outcome is a coin toss, but for what the side that they are on does to it."""
    rng = np.random.default_rng(seed)
    side_QD = np.outer(rng.choice([-6, 6], N_QUESTIONS), np.eye(DIM)[0])
    state_QD = unit(rng.normal(size=(N_QUESTIONS, DIM)) + side_QD)
    case_CD = unit(rng.normal(size=(40, DIM)))
    made = []
    for number, state_D in enumerate(state_QD):
        served = rng.choice(40, N_SERVED, replace=False)
        rows = CaseRows(
            tuple(f"c{case}" for case in served),
            case_CD[served] @ state_D,
            (served % 2).astype(np.float32),
            {"text": case_CD[served]},
        )
        made.append(
            Example(
                offset=number,
                event_id=f"e{number}",
                follows=None,
                question=f"q{number}",
                state_D=state_D,
                cases=rows,
                is_randomised_N=np.zeros(N_SERVED, np.bool_),
                propensity_N=np.ones(N_SERVED),
                reward=float(rng.random() < 1 / (1 + np.exp(-effect * state_D[0]))),
                confidence=1.0,
            )
        )
    return made


@pytest.fixture(scope="module")
def table() -> list[LeakRow]:
    return leak_table(examples(), seed=1)


@pytest.mark.slow
def test_lookup_is_perfect_by_rows_and_knows_nothing_by_questions(table: list[LeakRow]) -> None:
    for row in table:
        if row.model == "question lookup":
            assert row.by_rows == (1, 1, 1)
            assert row.by_questions == (0.5, 0.5, 0.5)


@pytest.mark.slow
def test_a_head_remembers_noise_by_rows_and_not_by_questions(table: list[LeakRow]) -> None:
    longest = [row for row in table if row.model.endswith("20 epochs")]
    assert {row.outcomes for row in longest} == {"recorded", "permuted"}
    for row in longest:
        assert row.by_rows.value > 0.8
        assert row.by_questions.value < 0.65
        assert row.by_rows.low > row.by_questions.high


@pytest.mark.slow
def test_what_can_be_learned_is_learned_by_questions_too() -> None:
    planted = {(row.model, row.outcomes): row for row in leak_table(examples(effect=4.0), seed=1)}
    assert planted["reference head, 20 epochs", "recorded"].by_questions.low > 0.6
    assert planted["reference head without the case, 20 epochs", "recorded"].by_questions.low > 0.6
    assert planted["reference head, 20 epochs", "permuted"].by_questions.low < 0.5


@pytest.mark.slow
def test_the_table_is_the_same_for_the_same_seed() -> None:
    few = examples()[:40]
    assert leak_table(few, seed=1, n_folds=2) == leak_table(few, seed=1, n_folds=2)


def test_a_row_stands_for_each_served_case() -> None:
    found = pairs_of([*examples()[:2], examples()[2]._replace(cases=CaseRows((), *[np.empty(0, np.float32)] * 2, {}))])
    assert found.question_P.tolist() == ["q0"] * N_SERVED + ["q1"] * N_SERVED
    assert found.example_P.tolist() == [0] * N_SERVED + [1] * N_SERVED
    assert found.case_PD.shape == found.state_PD.shape == (2 * N_SERVED, DIM)


def test_every_tested_row_is_scored_by_its_own_split() -> None:
    pairs = pairs_of(examples())

    def size(train: Pairs, asked: Pairs) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
        assert not set(train.question_P) & set(asked.question_P)
        return [np.full(len(asked.reward_P), float(len(train.reward_P)))]

    folds = grouped_folds(pairs.question_P)
    (score,), split = held_out(size, pairs, folds)
    assert all((score[test] == len(train)).all() for train, test in folds)
    assert all((split[test] == number).all() for number, (_, test) in enumerate(folds))
    (score,), split = held_out(lookup, pairs, [leaky_row_split(len(pairs.reward_P))])
    assert (np.isnan(score) == (split < 0)).all()
    assert 0 < (split == 0).sum() < len(split)


def test_a_head_that_sees_no_case_answers_by_the_question_alone() -> None:
    pairs = pairs_of(examples(effect=4.0))
    (head,) = trained_heads(pairs, epochs=[2], seed=0, sees_cases=False)
    blind = head.predict(pairs.state_PD, pairs.case_PD)
    assert all(np.ptp(blind[pairs.question_P == question]) < 1e-6 for question in set(pairs.question_P))
    heads = trained_heads(pairs, epochs=[1, 20], seed=0)
    early, late = (auc(pairs.reward_P, head.predict(pairs.state_PD, pairs.case_PD)) for head in heads)
    assert late > early
