"""Outcomes for the gate, made in memory: tasks and cases on a sphere, rewards by a rule that the test chooses."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import CaseRows, Example

Vectors = NDArray[np.float64]
Rule = Callable[[Vectors, Vectors], float]
"""The task's vector and the mean vector of the served cases to the probability of success."""

DIM = 8


def outcomes(n: int, rule: Rule, *, seed: int, n_questions: int | None = None, n_cases: int = 40) -> list[Example]:
    """n outcomes of reads that served two cases each, drawn by lot from a bank."""
    rng = np.random.default_rng(seed)
    bank_CD, task_QD = _sphere(rng, n_cases), _sphere(rng, n_questions or n)
    examples = []
    for number in range(n):
        question = number if n_questions is None else int(rng.integers(n_questions))
        served = rng.choice(n_cases, size=2, replace=False)
        p = rule(task_QD[question], bank_CD[served].mean(axis=0))
        vectors = bank_CD[served].astype(np.float32)
        examples.append(
            Example(
                offset=number + 1,
                event_id=f"e{number}",
                follows=None,
                question=f"q{question}",
                state_D=task_QD[question].astype(np.float32),
                cases=CaseRows(
                    tuple(f"c{case}" for case in served),
                    (vectors @ task_QD[question]).astype(np.float32),
                    np.ones(2, np.float32),
                    {"text": vectors, "state": vectors, "action": vectors},
                ),
                is_randomised_N=np.ones(2, np.bool_),
                propensity_N=np.full(2, 1 / n_cases),
                reward=float(rng.random() < p),
                confidence=1.0,
            )
        )
    return examples


def _sphere(rng: np.random.Generator, n: int) -> Vectors:
    rows = rng.normal(size=(n, DIM))
    unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
