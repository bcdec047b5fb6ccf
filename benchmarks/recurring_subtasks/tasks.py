"""Operations, the right procedure of each, and tasks of two of them."""

from itertools import combinations
from typing import Final, NamedTuple

import numpy as np

from memento.evals.task import EvalTask
from memento.nodes.plan import Plan, PlannedSubtask
from memento.nodes.state import Run

OPERATIONS: Final = (
    "refund a duplicate charge",
    "close a dormant account",
    "reset a lost password",
    "change the delivery address",
    "replace a broken device",
    "extend the warranty",
    "correct a misspelt name",
    "export the call history",
)
PROCEDURES: Final = ("amber", "cobalt", "ivory", "violet")
_FIRST: Final = ("Ada", "Boris", "Chidi", "Dana", "Emil", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kemal", "Lena")
_LAST: Final = ("Adler", "Brook", "Castro", "Diaz", "Eklund", "Fischer", "Grant", "Hughes", "Ito", "Jensen")
_HABIT: Final = 0.8
"""Each procedure is guessed so much less often than the one before, in an order that is drawn."""


class Family(NamedTuple):
    """Tasks and what decides them."""

    tasks: list[EvalTask]
    right: dict[str, str]
    """Of each operation."""
    habit: tuple[float, ...]
    """How often the reader guesses each procedure."""


def make_family(n: int, *, seed: int) -> Family:
    """Draw tasks: pairs of operations in turn, each time for another customer.

    Args:
        n: tasks, at most one for each customer.
        seed: of the draws.

    Raises:
        ValueError: there are not so many customers.
    """
    customers = [f"{first} {last}" for last in _LAST for first in _FIRST]
    if n > len(customers):
        raise ValueError(f"there are {len(customers)} customers, not {n}")
    rng = np.random.default_rng(seed)
    right = {operation: PROCEDURES[int(rng.integers(len(PROCEDURES)))] for operation in OPERATIONS}
    pairs = [tuple(rng.permutation(pair).tolist()) for pair in rng.permutation(list(combinations(OPERATIONS, 2)))]
    tasks = []
    for number in range(n):
        first, second = pairs[number % len(pairs)]
        tasks.append(
            EvalTask(
                id=f"t{number}",
                question=f"For {customers[number]}: {first}; {second}.",
                references=[f"{first}: {right[first]}; {second}: {right[second]}"],
                source=f"{first}; {second}",
            )
        )
    habit_A = _HABIT ** rng.permutation(len(PROCEDURES))
    return Family(tasks, right, tuple(float(share) for share in habit_A / habit_A.sum()))


def two_subtasks(run: Run) -> Plan:
    """The plan of a task, which needs no model: its two operations, for its customer."""
    customer, _, asked = run["task"].removeprefix("For ").removesuffix(".").partition(": ")
    steps = [
        PlannedSubtask(id=str(number), description=f"{operation.capitalize()} for {customer}.")
        for number, operation in enumerate(asked.split("; "), start=1)
    ]
    return Plan(subtasks=steps)
