"""Results of evaluation runs, made by hand."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import ServedCase, TaskResult
from memento.nodes.usage import no_usage


def result(arm: str, task: str, reward: float | None, *, seed: int = 0, **fields: Any) -> TaskResult:
    """A first encounter, unless the fields say otherwise."""
    given = {"phase": "learn", "iteration": 1, "position": 0, "round": 0, "usage": no_usage(), "seconds": 1.0}
    return TaskResult.model_validate({**given, "arm": arm, "task_id": task, "reward": reward, "seed": seed, **fields})


def arm_results(
    arm: str, rewards: Mapping[str, Sequence[float | None]], *, sources: Mapping[str, str] | None = None, **fields: Any
) -> list[TaskResult]:
    """A result per task and seed, tasks in the order of their stream."""
    return [
        result(arm, task, reward, seed=seed, position=position, source=(sources or {}).get(task, ""), **fields)
        for position, (task, row) in enumerate(rewards.items())
        for seed, reward in enumerate(row)
    ]


def coin_results(arm: str, p: float, *, n: int, seeds: int = 1, rng: int = 0) -> list[TaskResult]:
    """Tasks solved by chance, four sources in turn."""
    drawn = np.random.default_rng(rng).random((n, seeds)) < p
    tasks = {f"task {row:05d}": [float(one) for one in drawn[row]] for row in range(n)}
    return arm_results(arm, tasks, sources={task: f"source {row % 4}" for row, task in enumerate(tasks)})


def served(case: str, *, score: float = 0.5, similarity: float = 0.4, reward: float = 1.0) -> ServedCase:
    """A case that was shown."""
    return ServedCase(id=case, reward=reward, similarity=similarity, score=score, slot=0, propensity=1.0)


def plan_of(arms: Iterable[str], *, n_tasks: int, seeds: Sequence[int] = (0,), **fields: Any) -> RunPlan:
    """A plan of these arms."""
    given = {"dataset": "made up", "tasks": "", "subject": "nobody", "scorer": "exact"}
    own = {"n_tasks": n_tasks, "arms": [parse_arm(arm) for arm in arms], "seeds": list(seeds)}
    return RunPlan.model_validate({**given, **own, **fields})
