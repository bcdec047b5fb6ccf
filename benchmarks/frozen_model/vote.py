"""The control without a model: the majority of the very cases that the model was shown.

A small model adds little to what memory brings; how little, this tells.
"""

from collections import Counter
from collections.abc import Sequence

from benchmarks.frozen_model.families import Family
from benchmarks.frozen_model.one_step import as_action, name_of
from memento.evals.runs.result import TaskResult
from memento.memory.case import POSITIVE_FROM, case_id


def named_cases(results: Sequence[TaskResult], family: Family) -> dict[str, str]:
    """Case id to the name that its plan has, for every case that the streams of these results can have written."""
    question = {task.id: task for task in family.tasks}
    found = {}
    for result in results:
        task, namespace = question[result.task_id], f"{result.arm}-{result.seed}"
        actions = [as_action(family.right(task))]
        if result.held is not None:
            actions.append(result.held.arguments["action"])
            namespace = result.held.arguments["namespace"] or namespace
        for action in actions:
            found[case_id(namespace, task.question, action, key=task.key)] = name_of(action)
    return found


def votes(results: Sequence[TaskResult], family: Family) -> list[float]:
    """Whether the majority of the cases that worked was right, per result; of equals, the best-ranked case decides.

    Without such cases, the names take turns.
    """
    name_of_case = named_cases(results, family)
    right = {task.id: family.right(task) for task in family.tasks}
    hits = []
    for result in results:
        worked = [name_of_case[case.id] for case in result.cases if case.reward >= POSITIVE_FROM]
        fallback = family.names[result.position % len(family.names)]
        voted = Counter(worked).most_common(1)[0][0] if worked else fallback
        hits.append(float(voted == right[result.task_id]))
    return hits
