"""A run's streams, with controls beside them: votes over the same cases, and the regression that is told everything."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.frozen_model.families import Family
from benchmarks.frozen_model.regression import regressed
from benchmarks.frozen_model.vote import named_cases, votes
from benchmarks.kept_streams import Stream, stream_of
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import load_results
from memento.memory.case import POSITIVE_FROM

REGRESSION: Final = "regression"

Vectors = Mapping[str, NDArray[np.float32]]
"""Unit vectors of the questions, by task id."""


def vote_over(arm: str) -> str:
    """Name of the vote over an arm's cases."""
    return f"vote: {arm}"


def streams_with_controls(folder: Path, family: Family, plan: RunPlan, vectors: Vectors | None = None) -> list[Stream]:
    """What a folder has of a plan's streams, finished or not, and their controls. Blocking.

    Args:
        folder: of the run.
        family: its tasks.
        plan: what was run.
        vectors: for the regression; None leaves it out.
    """
    parts: dict[tuple[str, int], list[TaskResult]] = {}
    for one in load_results(folder, plan):
        parts.setdefault((one.arm, one.seed), []).append(one)
    streams = [_told(mine, family) for mine in parts.values()]
    streams += [_voted(mine, family) for (arm, _), mine in parts.items() if arm != "none"]
    if vectors is not None:
        streams += [_regression(mine, family, vectors) for mine in _longest_of_each_order(parts)]
    return streams


def _told(results: Sequence[TaskResult], family: Family) -> Stream:
    names, wanted = named_cases(results, family), {task.id: family.right(task) for task in family.tasks}
    served = [
        names[case.id] == wanted[one.task_id] for one in results for case in one.cases if case.reward >= POSITIVE_FROM
    ]
    return stream_of(results).model_copy(update={"right": round(float(np.mean(served)), 3) if served else None})


def _voted(results: Sequence[TaskResult], family: Family) -> Stream:
    told = _told(results, family)
    return _control(told, vote_over(told.arm), results, votes(results, family))


def _regression(results: Sequence[TaskResult], family: Family, vectors: Vectors) -> Stream:
    told = stream_of(results).model_copy(update={"worked": 0.0})
    return _control(told, REGRESSION, results, regressed(results, family, vectors))


def _control(told: Stream, name: str, results: Sequence[TaskResult], hits: Sequence[float]) -> Stream:
    hit_of = {one.task_id: hit for one, hit in zip(results, hits, strict=True)}
    return told.model_copy(update={"arm": name, "scores": {task: hit_of[task] for task in told.scores}})


def _longest_of_each_order(parts: Mapping[tuple[str, int], list[TaskResult]]) -> list[list[TaskResult]]:
    """Only the order of the tasks counts, which all arms share."""
    longest: dict[int, list[TaskResult]] = {}
    for (_, seed), mine in parts.items():
        if len(mine) > len(longest.get(seed, [])):
            longest[seed] = mine
    return list(longest.values())
