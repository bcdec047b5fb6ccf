"""A fixed stream of outcomes with corrections and withdrawals, and the numbers that each estimator learns from it.

`python -m tests.learned_numbers` writes tests/golden/learned_numbers.json anew: only where what is learned is meant to
change.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import CaseRows, Estimator, EstimatorName, Example
from memento.memory.estimators.registry import make_estimator

GOLDEN = Path(__file__).parent / "golden" / "learned_numbers.json"
DIM, N_CASES, N_OUTCOMES, N_ACTIONS = 24, 220, 700, 12

SETTINGS: dict[str, tuple[EstimatorName, dict[str, float]]] = {
    "advantage": ("advantage", {}),
    "advantage, little room": (
        "advantage",
        {"capacity": 96.0, "tasks": 80.0, "sites": 150.0, "landmarks": 6.0, "actions": 5.0, "memory": 0.98},
    ),
    "kernel": ("kernel", {}),
    "kernel, little room": ("kernel", {"capacity": 90.0, "target_period": 5.0}),
    "cross_entropy": ("cross_entropy", {"steps_per_outcome": 1.0}),
}
"""Estimator and settings by the name of the run."""


class World:
    """Cases round a few topics, tasks that they are served for, and what comes of it."""

    def __init__(self) -> None:
        self.chance = np.random.default_rng(5)
        self.centre_PD = self.units(self.chance.normal(size=(9, DIM)))
        self.topic_N = self.chance.integers(9, size=N_CASES)
        self.case_ND = self.units(self.centre_PD[self.topic_N] + 0.15 * self.chance.normal(size=(N_CASES, DIM)))
        self.good_N = self.chance.random(N_CASES) < 0.5

    @staticmethod
    def units(row_ND: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Rows of length 1."""
        unit_ND: NDArray[np.float32] = (row_ND / np.linalg.norm(row_ND, axis=1, keepdims=True)).astype(np.float32)
        return unit_ND

    def task(self) -> tuple[int, NDArray[np.float32]]:
        """A topic and a task of it."""
        topic = int(self.chance.integers(9))
        return topic, self.units(self.centre_PD[[topic]] + 0.15 * self.chance.normal(size=(1, DIM)))[0]

    def rows(self, state_D: NDArray[np.float32], cases: NDArray[np.int64]) -> CaseRows:
        """Cases as an estimator sees them."""
        case_ND = self.case_ND[cases]
        similarity_N = np.einsum("nd,d->n", case_ND, state_D)
        support_N = (0.1 * (cases % 5)).astype(np.float32)
        actions = tuple(f"action {case % N_ACTIONS}" for case in cases)
        vectors = {"state": case_ND, "action": case_ND, "text": case_ND}
        ids = tuple(f"case {case}" for case in cases)
        return CaseRows(ids, similarity_N, (cases % 3 > 0).astype(np.float32), vectors, actions, support_N)

    def steps(self) -> Iterator[Example | str]:
        """Outcomes in order; a text is the event whose outcome is withdrawn."""
        made: list[Example] = []
        for number in range(N_OUTCOMES):
            if number % 31 == 30:
                yield made[int(self.chance.integers(len(made)))].event_id
                continue
            if number % 23 == 22:
                before = made[int(self.chance.integers(len(made)))]
                yield before._replace(offset=number, reward=1.0 - before.reward, confidence=0.9)
                continue
            topic, state_D = self.task()
            n_served = int(self.chance.integers(0, 5))
            cases = self.chance.choice(N_CASES, n_served, replace=False)
            helps = float(np.mean(self.good_N[cases] & (self.topic_N[cases] == topic))) if n_served else 0.0
            reward = float(self.chance.random() < 0.25 + 0.05 * topic + 0.4 * helps)
            follows = made[-1].event_id if made and number % 7 == 6 else None
            one = Example(
                offset=number,
                event_id=f"event {number}",
                follows=follows,
                question=f"question {number // 2}",
                state_D=state_D,
                cases=self.rows(state_D, cases),
                is_randomised_N=np.zeros(n_served, np.bool_),
                propensity_N=np.ones(n_served),
                reward=reward,
                confidence=float(self.chance.choice([0.0, 0.6, 1.0], p=[0.05, 0.25, 0.7])),
            )
            made.append(one)
            yield one


def learn(estimator: Estimator, step: Example | str) -> None:
    """Learn or withdraw."""
    if isinstance(step, str):
        estimator.withdraw(step)
    else:
        estimator.learn(step)


def numbers(estimator: Estimator, world: World) -> dict[str, Any]:
    """What an estimator answers, as JSON values."""
    _, state_D = world.task()
    rows = world.rows(state_D, np.arange(0, N_CASES, 3))
    estimates, suggestions = estimator.estimate(state_D, rows), estimator.suggest(state_D)
    example = Example(0, "", None, "q", state_D, rows.only(np.arange(4)), np.zeros(4, np.bool_), np.ones(4), 1.0, 1.0)
    effects = estimator.effects()
    return {
        "value": [] if estimates is None else _rounded(estimates.value_C),
        "sd": [] if estimates is None or estimates.sd_C is None else _rounded(estimates.sd_C),
        "exposures": [] if estimates is None else estimates.exposures_C.tolist(),
        "predicted": estimator.predict(example),
        "suggested": suggestions.ids,
        "directions": _rounded(suggestions.direction_MD.ravel()),
        "effects": {one.case_id: [one.exposures, *_rounded(np.array([one.effect, one.sd]))] for one in effects[::4]},
    }


def _rounded(value_N: NDArray[Any]) -> list[float]:
    return [float(f"{value:.7g}") for value in value_N.tolist()]


def learned(run: str) -> list[dict[str, Any]]:
    """What a run answers, from time to time; call it where tensors are made."""
    name, settings = SETTINGS[run]
    world, asked = World(), World()
    asked.chance = np.random.default_rng(11)
    estimator = make_estimator(name, dim=DIM, seed=0, settings=settings)
    told = []
    for number, step in enumerate(world.steps()):
        learn(estimator, step)
        if number % 220 == 219 or number == 40:
            told.append(numbers(estimator, asked))
    return told


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({run: learned(run) for run in SETTINGS}) + "\n", "utf-8")
