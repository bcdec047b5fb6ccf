"""Control predictors that a trained estimator must beat: by question, by difficulty, by case alone.

Each control predicts the tested rows of every split from its training rows only, as the estimator does. Axes: N
examples, D vector dimensions.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import CaseRows, Example
from memento.memory.offpolicy.splits import Split
from memento.memory.products import product, solved

P = NDArray[np.float64]
ControlRule = Callable[[Sequence[Example], Sequence[Example]], P]
"""Baseline predictor: maps training and test examples to probabilities of the test examples."""

_SHRINKAGE = 5.0
"""Pseudo-outcomes at the base rate that every case's mean starts with."""
_RIDGE = 10.0
_NEWTON_STEPS = 12


def predicted(rule: ControlRule, examples: Sequence[Example], splits: Sequence[Split]) -> P:
    """The rule's probabilities of the tested examples, shape (N,); nan where no split tests."""
    p_N = np.full(len(examples), np.nan)
    for train, test in splits:
        p_N[test] = rule([examples[row] for row in train], [examples[row] for row in test])
    return p_N


def constant(train: Sequence[Example], test: Sequence[Example]) -> P:
    """The mean reward so far."""
    return np.full(len(test), _base(train))


def question_lookup(train: Sequence[Example], test: Sequence[Example]) -> P:
    """Mean reward of the same question: perfect across a split that cuts through questions, a constant here."""
    rewards: dict[str, list[float]] = defaultdict(list)
    for example in train:
        rewards[example.question].append(example.reward)
    base = _base(train)
    return np.array([np.mean(rewards[one.question]) if one.question in rewards else base for one in test])


def case_mean(train: Sequence[Example], test: Sequence[Example]) -> P:
    """Mean over the served cases of their shrunk mean outcomes: cases without the task."""
    total: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for example in train:
        for case_id in example.cases.ids:
            total[case_id] += example.reward
            count[case_id] += 1
    base = _base(train)

    def mean(case_id: str) -> float:
        return (total.get(case_id, 0.0) + _SHRINKAGE * base) / (count.get(case_id, 0) + _SHRINKAGE)

    return np.array([np.mean([mean(one) for one in example.cases.ids] or [base]) for example in test])


def query_only(train: Sequence[Example], test: Sequence[Example]) -> P:
    """Ridge-penalised logistic regression on the task's vector: how hard the task is, whatever was served."""
    state_ND = np.stack([example.state_D for example in train]).astype(np.float64)
    mean_D = state_ND.mean(axis=0)
    weight = _logistic(state_ND - mean_D, np.array([example.reward for example in train]))
    asked_ND = np.stack([example.state_D for example in test]).astype(np.float64) - mean_D
    return _sigmoid(product(np.column_stack([asked_ND, np.ones(len(test))]), weight))


def without_cases(examples: Sequence[Example]) -> list[Example]:
    """The same examples, as if no case had been served."""
    nothing = np.empty(0, np.float32)
    return [
        example._replace(
            cases=CaseRows((), nothing, nothing, {view: row_ND[:0] for view, row_ND in example.cases.vectors.items()}),
            is_randomised_N=np.empty(0, np.bool_),
            propensity_N=np.empty(0, np.float64),
        )
        for example in examples
    ]


def shuffled(examples: Sequence[Example], *, seed: int) -> list[Example]:
    """The examples with the outcomes of other questions, so that nothing can be learned."""
    rewards: dict[str, list[float]] = defaultdict(list)
    for example in examples:
        rewards[example.question].append(example.reward)
    questions = list(rewards)
    order = np.random.default_rng(seed).permutation(len(questions))
    given = {question: rewards[questions[other]] for question, other in zip(questions, order, strict=True)}
    n_seen: dict[str, int] = defaultdict(int)
    changed = []
    for example in examples:
        theirs = given[example.question]
        changed.append(example._replace(reward=theirs[n_seen[example.question] % len(theirs)]))
        n_seen[example.question] += 1
    return changed


def _base(train: Sequence[Example]) -> float:
    return float(np.mean([example.reward for example in train]))


def _logistic(row_ND: P, reward_N: P) -> P:
    """Newton's method; the intercept, last, is hardly penalised."""
    row_NX = np.column_stack([row_ND, np.ones(len(row_ND))])
    penalty_X = np.append(np.full(row_ND.shape[1], _RIDGE), 1e-3)
    weight_X = np.zeros(row_NX.shape[1])
    for _ in range(_NEWTON_STEPS):
        p_N = _sigmoid(product(row_NX, weight_X))
        gradient_X = product(row_NX.T, p_N - reward_N) + penalty_X * weight_X
        hessian_XX = product(row_NX.T * (p_N * (1 - p_N)), row_NX) + np.diag(penalty_X)
        weight_X -= solved(hessian_XX, gradient_X)
    return weight_X


def _sigmoid(logit_N: P) -> P:
    p_N: P = 1 / (1 + np.exp(-np.clip(logit_N, -30, 30)))
    return p_N
