"""Families of tasks with a guide each. What a guide adds to the chance of success is the family's, and made up."""

from typing import Final, NamedTuple

import numpy as np


class Family(NamedTuple):
    """Tasks that are alike, and their guide."""

    asked: str
    """A task's text, with a place for its number."""
    guide: str
    """When the guide applies."""
    effect: float
    """What the guide adds to the chance of success."""


FAMILIES: Final = (
    Family("Refund order {} to the customer's credit card.", "Refund an order to a customer's credit card.", 0.35),
    Family("Translate letter {} from German into English.", "Translate a letter from German into English.", 0.15),
    Family("Reset the forgotten password of account {}.", "Reset the forgotten password of an account.", 0.0),
    Family("Water the tomato plants in greenhouse row {}.", "Water tomato plants in a greenhouse.", -0.1),
    Family("Book a night train for passenger {}.", "Book a night train for a passenger.", -0.3),
)

USUAL: Final = 0.35
"""Chance of success without cases."""
CASE: Final = 0.05
"""What each case of the same family adds, which the guide takes the place of one of."""


class SimulatedTask(NamedTuple):
    """One task of a stream."""

    family: int
    text: str
    luck: float
    """Uniform in [0, 1), the same in every arm: the task succeeds where it is below the chance of success."""


def made_tasks(n: int, *, seed: int) -> list[SimulatedTask]:
    """Make the tasks of a stream, of all families in turn at random."""
    chance = np.random.default_rng(seed)
    families = chance.permutation(np.arange(n) % len(FAMILIES))
    numbers = chance.permutation(9 * n)[:n] + 1_000
    luck = chance.random(n)
    return [
        SimulatedTask(int(family), FAMILIES[family].asked.format(number), float(one))
        for family, number, one in zip(families, numbers, luck, strict=True)
    ]


def chance_of(task: SimulatedTask, families_of_cases: list[int], *, has_guide: bool) -> float:
    """Chance of success with these cases and, if it is shown, the guide."""
    helped = USUAL + CASE * families_of_cases.count(task.family)
    return float(np.clip(helped + (FAMILIES[task.family].effect if has_guide else 0.0), 0, 1))
