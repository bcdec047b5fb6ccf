"""BabyAI: one instruction in a grid of rooms, told in words; MIT, in the package minigrid of the Farama Foundation."""

from typing import Final

from memento.extras import missing_packages

PROGRAM: Final = "babyai"
NAME: Final = "babyai"
MAX_STEPS: Final = 64
DESCRIPTION: Final = (
    "One instruction in a grid world: go to, pick up, open, put next to, unlock. The observation says in words what "
    "lies in view and how far ahead, left or right; only turns and actions that can do something are offered. "
    "All or nothing: the score is 1 when the instruction is carried out, else 0."
)
LEVELS: Final = {
    "go-to": "GoToLocal",
    "pick-up": "PickupLoc",
    "open": "OpenDoor",
    "put-next": "PutNextLocal",
    "unlock": "UnlockLocal",
}
"""Kinds of instruction, with the class in minigrid."""

SEEDS: Final = {"train": range(1_000), "dev": range(10_000, 10_500), "test": range(20_000, 20_500)}


def level_keys(split: str) -> list[str]:
    """The tasks of a split: one of each kind in turn, so that any part of the list mixes them."""
    kinds = list(LEVELS)
    return [f"{NAME}/{split}/{kinds[seed % len(kinds)]}/{seed}" for seed in SEEDS[split]]


def missing() -> str | None:
    """What has to be installed."""
    return missing_packages("babyai", ("minigrid",))
