"""What an arm has used: tokens, calls, money and time, everything together and per task."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from memento.evals.runs.result import TaskResult
from memento.evals.statistics.orders import is_ordered
from memento.memory.stats import Floats, Interval, table_mean


class PerTask(NamedTuple):
    """Means over questions of their means over results, each with its 95 % interval."""

    input_tokens: Interval
    output_tokens: Interval
    model_calls: Interval
    cost_usd: Interval
    seconds: Interval
    memory_seconds: Interval


class Spending(NamedTuple):
    """Of all results of an arm: learning, retries and tests, judge and memory included."""

    n_results: int
    input_tokens: int
    output_tokens: int
    model_calls: int
    tool_calls: int
    cost_usd: float
    """Of the calls whose price is known."""
    unpriced_calls: int
    """Model calls that cost something unknown: with any, the cost is a lower bound."""
    seconds: float
    """Summed over tasks, which may have run side by side."""
    memory_seconds: float
    """Of these, spent on finding and choosing cases."""
    median_seconds: float
    p95_seconds: float
    per_task: PerTask


def spending(results: Sequence[TaskResult], *, seed: int = 0) -> Spending:
    """Add up what the results of one arm have used."""
    usages = [result.usage for result in results]
    seconds = [result.seconds for result in results] or [float("nan")]

    matters = any(is_ordered(arm) for arm in {result.arm for result in results})
    per_task = PerTask(
        *(
            table_mean(used_QS, is_ordered=matters, ends=(), bounds=(0.0, math.inf), seed=seed).interval
            for used_QS in _tables(results)
        )
    )
    return Spending(
        n_results=len(results),
        input_tokens=sum(one["input_tokens"] for one in usages),
        output_tokens=sum(one["output_tokens"] for one in usages),
        model_calls=sum(one["model_calls"] for one in usages),
        tool_calls=sum(one["tool_calls"] for one in usages),
        cost_usd=sum(one["cost_usd"] for one in usages),
        unpriced_calls=sum(one["unpriced_calls"] for one in usages),
        seconds=sum(result.seconds for result in results),
        memory_seconds=sum(result.memory_seconds for result in results),
        median_seconds=float(np.median(seconds)),
        p95_seconds=float(np.quantile(seconds, 0.95)),
        per_task=per_task,
    )


def _tables(results: Sequence[TaskResult]) -> list[Floats]:
    """Means of each question in each order, a table of shape (Q, S) for each field of `PerTask`."""
    row = {task: place for place, task in enumerate(sorted({result.task_id for result in results}))}
    column = {order: place for place, order in enumerate(sorted({result.seed for result in results}))}
    total_QSB, n_QS = np.zeros((len(row), len(column), len(PerTask._fields))), np.zeros((len(row), len(column)))
    for result in results:
        cell = row[result.task_id], column[result.seed]
        total_QSB[cell] += _used(result)
        n_QS[cell] += 1
    mean_QSB = np.where(n_QS[:, :, None] > 0, total_QSB / np.maximum(n_QS, 1)[:, :, None], np.nan)
    return list(np.moveaxis(mean_QSB, 2, 0))


def _used(result: TaskResult) -> tuple[float, ...]:
    """In the order of `PerTask`."""
    used = result.usage
    counts = (used["input_tokens"], used["output_tokens"], used["model_calls"])
    return (*counts, used["cost_usd"], result.seconds, result.memory_seconds)
