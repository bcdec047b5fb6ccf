"""The control that is told everything: a ridge regression on the right names of all tasks of earlier rounds.

No model and no memory: how well can anything tell, from the questions' encodings alone, where the next one belongs?
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.frozen_model.families import Family
from memento.evals.runs.result import TaskResult

RIDGE = 0.5
"""Of .5, 1 and 2 the best on routing, so that the control is a strong one."""


def regressed(results: Sequence[TaskResult], family: Family, vectors: Mapping[str, NDArray[np.float32]]) -> list[float]:
    """Whether the regression is right, per result.

    Args:
        results: of one arm; only their order counts.
        family: the tasks and what is right.
        vectors: unit vectors of the questions, by task id.
    """
    column = {name: index for index, name in enumerate(family.names)}
    right = {task.id: column[family.right(task)] for task in family.tasks}
    hits = []
    for result in results:
        earlier = [one.task_id for one in results if one.seed == result.seed and one.round < result.round]
        guess = result.position % len(column)
        if earlier:
            state_TD = np.stack([vectors[task_id] for task_id in earlier]).astype(np.float64)
            target_TN = np.eye(len(column))[[right[task_id] for task_id in earlier]] - 1 / len(column)
            weight_TN = np.linalg.solve(state_TD @ state_TD.T + RIDGE * np.eye(len(earlier)), target_TN)
            guess = int(((state_TD @ vectors[result.task_id]) @ weight_TN).argmax())
        hits.append(float(guess == right[result.task_id]))
    return hits
