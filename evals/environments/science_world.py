"""ScienceWorld: experiments of school science in a simulated house; Apache-2.0, by Ruoyao Wang and others."""

from typing import Final, NamedTuple

from memento.evals.environments.textworld_express import missing_java
from memento.extras import missing_packages

PROGRAM: Final = "scienceworld"
NAME: Final = "scienceworld"
MAX_STEPS: Final = 100
DESCRIPTION: Final = (
    "Thirty kinds of experiment, from boiling water to the genetics of peas, with the simulator's own splits of their "
    "variations. Hundreds of actions at a time. Not offered: inventory, task, reset task, and connecting things where "
    "the task is not about electricity. A score below zero ends the episode and counts as 0."
)


class Variations(NamedTuple):
    """How many variations of a task a split has; their numbers follow each other: train, dev, test."""

    train: int
    dev: int
    test: int


VARIATIONS: Final = {
    "boil": Variations(14, 7, 9),
    "change-the-state-of-matter-of": Variations(14, 7, 9),
    "chemistry-mix": Variations(16, 8, 8),
    "chemistry-mix-paint-secondary-color": Variations(18, 9, 9),
    "chemistry-mix-paint-tertiary-color": Variations(18, 9, 9),
    "find-animal": Variations(150, 75, 75),
    "find-living-thing": Variations(150, 75, 75),
    "find-non-living-thing": Variations(150, 75, 75),
    "find-plant": Variations(150, 75, 75),
    "freeze": Variations(14, 7, 9),
    "grow-fruit": Variations(62, 31, 33),
    "grow-plant": Variations(62, 31, 33),
    "identify-life-stages-1": Variations(6, 3, 5),
    "identify-life-stages-2": Variations(4, 2, 4),
    "inclined-plane-determine-angle": Variations(84, 42, 42),
    "inclined-plane-friction-named-surfaces": Variations(692, 346, 348),
    "inclined-plane-friction-unnamed-surfaces": Variations(80, 40, 42),
    "lifespan-longest-lived": Variations(62, 31, 32),
    "lifespan-longest-lived-then-shortest-lived": Variations(62, 31, 32),
    "lifespan-shortest-lived": Variations(62, 31, 32),
    "measure-melting-point-known-substance": Variations(218, 109, 109),
    "measure-melting-point-unknown-substance": Variations(150, 75, 75),
    "melt": Variations(14, 7, 9),
    "mendelian-genetics-known-plant": Variations(60, 30, 30),
    "mendelian-genetics-unknown-plant": Variations(240, 120, 120),
    "power-component": Variations(10, 5, 5),
    "power-component-renewable-vs-nonrenewable-energy": Variations(10, 5, 5),
    "test-conductivity": Variations(450, 225, 225),
    "test-conductivity-of-unknown-substances": Variations(300, 150, 150),
    "use-thermometer": Variations(270, 135, 135),
}
"""As the program has them; a test compares."""


def numbers(task: str, split: str) -> range:
    """The variations of a task in a split."""
    counts = VARIATIONS[task]
    n_before = {"train": 0, "dev": counts.train, "test": counts.train + counts.dev}[split]
    return range(n_before, n_before + getattr(counts, split))


def variation_keys(split: str) -> list[str]:
    """The tasks of a split: one variation of each kind in turn, so that any part of the list mixes them."""
    by_turn = sorted(
        (turn, place, number)
        for place, task in enumerate(VARIATIONS)
        for turn, number in enumerate(numbers(task, split))
    )
    names = list(VARIATIONS)
    return [f"{NAME}/{split}/{names[place]}/{number}" for _, place, number in by_turn]


def missing() -> str | None:
    """What has to be installed."""
    return missing_packages("environments", ("scienceworld", "py4j")) or missing_java()
