"""TextWorldExpress: short text games in a house; Apache-2.0, by Peter Jansen and Marc-Alexandre Côté."""

import shutil
from collections.abc import Mapping
from typing import Final, NamedTuple

from memento.extras import missing_packages

PROGRAM: Final = "textworldexpress"


class Fold(NamedTuple):
    """The seeds of a split. Games differ in more than the seed between splits: the things of twc, most recipes."""

    name: str
    seeds: range


class Game(NamedTuple):
    """A game and how hard it is made."""

    program: str
    properties: str
    max_steps: int
    description: str


FOLDS: Final = {
    "train": Fold("train", range(1_000)),
    "dev": Fold("dev", range(10_000, 11_000)),
    "test": Fold("test", range(20_000, 21_000)),
}

_COOK: Final = "numLocations=1,numIngredients={0},numDistractorItems={0},includeDoors=0,limitInventorySize=0"
_NOT_OFFERED: Final = "Not offered: examine, look around, inventory."
GAMES: Final[Mapping[str, Game]] = {
    "cookingworld": Game(
        "cookingworld",
        _COOK.format(1),
        15,
        f"Read a cookbook, prepare its one ingredient as it says, and eat the meal, in one room. {_NOT_OFFERED}",
    ),
    "cookingworld2": Game(
        "cookingworld",
        _COOK.format(2),
        20,
        f"As cookingworld, with two ingredients. {_NOT_OFFERED}",
    ),
    "twc": Game(
        "twc",
        "numLocations=1,numItemsToPutAway=2,includeDoors=0,limitInventorySize=0",
        10,
        f"Put two things of a household where they usually belong (TextWorld Common Sense). {_NOT_OFFERED}",
    ),
    "coin": Game(
        "coin",
        "numLocations=11,numDistractorItems=0,includeDoors=0,limitInventorySize=0",
        10,
        f"Find and take a coin in a house of eleven rooms (CoinCollector). {_NOT_OFFERED}",
    ),
    "mapreader": Game(
        "mapreader",
        "numLocations=11,maxDistanceApart=3,includeDoors=0,maxDistractorItemsPerLocation=0",
        15,
        "Fetch a coin from a named room and put it into a box; a map that can be read says how rooms are connected. "
        "Not offered: examine, look around, inventory, task.",
    ),
}


def game_keys(name: str, split: str) -> list[str]:
    """The tasks of a game in a split."""
    return [f"{name}/{split}/{seed}" for seed in FOLDS[split].seeds]


def missing() -> str | None:
    """What has to be installed."""
    return missing_packages("environments", ("textworld_express", "py4j")) or missing_java()


def missing_java() -> str | None:
    """Say that there is no Java, and how to install it; None when there is one."""
    if shutil.which("java"):
        return None
    return (
        "TextWorldExpress and ScienceWorld run on Java, and no java is on PATH; "
        "install a Java runtime of version 8 or newer, on Debian and Ubuntu: apt-get install default-jre-headless"
    )
