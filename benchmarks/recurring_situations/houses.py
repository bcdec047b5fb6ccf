"""Houses of recurring kinds of room: the tasks, and the environment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import numpy as np

from memento.evals.task import EvalTask
from memento.memory.errors import InvalidInput
from memento.nodes.acting.environment import EnvironmentSource, Observation
from memento.nodes.state import Run

ROOMS: Final = (
    "kitchen", "library", "cellar", "attic", "pantry", "workshop", "nursery", "chapel",
    "laundry", "greenhouse", "armoury", "ballroom", "study", "gallery", "bathroom", "garage",
)  # fmt: skip
DOORS: Final = ("amber", "cobalt", "ivory", "violet")
N_ROOMS: Final = 5
MAX_STEPS: Final = 8
_NAMES: Final = ("Ada", "Boris", "Chidi", "Dana", "Emil", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kemal", "Lena")
_STREETS: Final = ("Ash", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Maple", "Oak", "Pine")


class House(NamedTuple):
    """The rooms of one task, and the door that leads on from each."""

    rooms: tuple[str, ...]
    right: tuple[str, ...]


class Estate(NamedTuple):
    """Tasks and their houses."""

    tasks: list[EvalTask]
    houses: dict[str, House]
    """By the text of the task."""


def make_estate(n: int, *, seed: int, is_strange: bool = False) -> Estate:
    """Draw houses.

    Args:
        n: tasks, at most 120.
        seed: of the draws.
        is_strange: whether the right doors are drawn for each house anew.

    Raises:
        InvalidInput: there are not so many owners.
    """
    owners = [f"{name} in {street} Street" for street in _STREETS for name in _NAMES]
    if n > len(owners):
        raise InvalidInput(f"there are {len(owners)} houses, not {n}")
    rng = np.random.default_rng(seed)
    doors = dict(zip(ROOMS, rng.choice(DOORS, len(ROOMS)).tolist(), strict=True))
    tasks, houses = [], {}
    for number, owner in enumerate(owners[:n]):
        rooms = tuple(rng.choice(ROOMS, N_ROOMS, replace=False).tolist())
        drawn = tuple(rng.choice(DOORS, N_ROOMS).tolist())
        text = f"Walk through the house of {owner}: {', '.join(rooms)}."
        houses[text] = House(rooms, drawn if is_strange else tuple(doors[room] for room in rooms))
        tasks.append(EvalTask(id=f"t{number}", question=text, references=["-"]))
    return Estate(tasks, houses)


class HouseWalk:
    """The environment: one episode at a time."""

    def __init__(self, houses: dict[str, House]) -> None:
        self._houses = houses

    async def reset(self, key: str) -> Observation:
        """Stand in the first room."""
        self._house, self._n_passed, self._n_steps = self._houses[key], 0, 0
        return self._seen("")

    async def step(self, action: str) -> Observation:
        """Open a door."""
        self._n_steps += 1
        if action == f"open the {self._house.right[self._n_passed]} door":
            self._n_passed += 1
            return self._seen("")
        return self._seen("Behind that door is a wall. ")

    def _seen(self, before: str) -> Observation:
        is_won = self._n_passed == N_ROOMS
        room = "garden" if is_won else self._house.rooms[self._n_passed]
        valid = () if is_won else tuple(f"open the {door} door" for door in DOORS)
        is_over = is_won or self._n_steps >= MAX_STEPS
        text = f"{before}You stand in the {room}."
        return Observation(text, valid, self._n_passed / N_ROOMS, is_over=is_over, is_won=is_won)


def lent_from(estate: Estate) -> EnvironmentSource:
    """Return the environments of runs."""

    @asynccontextmanager
    async def lent(_run: Run) -> AsyncIterator[HouseWalk]:
        yield HouseWalk(estate.houses)

    return lent
