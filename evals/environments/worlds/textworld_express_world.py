"""Plays the games of TextWorldExpress."""

import json
import os
import re
from typing import Any, Final

from textworld_express.constants import JAR_PATH

from memento.evals.environments.textworld_express import FOLDS, GAMES, Game
from memento.evals.environments.worlds.java_program import JavaProgram
from memento.evals.environments.worlds.world import Seen

_MEMORY_MB: Final = 300
_EMPTY: Final = "Your inventory is currently empty."
_NOT_OFFERED: Final = re.compile(r"(look around|inventory|task)$|examine ")
_LEAD_IN: Final = re.compile(
    r"(?:In (?:one|another) part of the room you see|There is also|You also see) (.+?)\.(?=\s|$)"
)
_NEIGHBOUR: Final = re.compile(r"To the (\w+) you see the ([^.]+)\.")
_ROOM: Final = re.compile(r"You are in the ([^.]+)\.")


class TextWorldExpressWorld:
    """All games of one JVM."""

    def __init__(self) -> None:
        program = JavaProgram(JAR_PATH, memory_mb=_MEMORY_MB, folder=os.path.dirname(JAR_PATH))  # its files are there
        self._java = program.classes.textworldexpress.runtime.PythonInterface()
        self._n_left = 0
        self._inventory = ""
        self._last: Seen | None = None

    def reset(self, key: str, max_steps: int) -> Seen:
        """Begin a game."""
        seen = self._begun(key, has_walkthrough=False)
        self._n_left = max_steps
        self._inventory = _EMPTY
        return self._view(seen)

    def step(self, action: str) -> Seen:
        """Take one action; a game that is over stays as it is."""
        if self._last is not None and self._last.is_over:
            return self._last
        self._n_left -= 1
        return self._view(json.loads(self._java.stepJSON(action)))

    def description(self) -> str:
        """The game's own words."""
        return " ".join(str(self._java.getTaskDescription()).split())

    def walkthrough(self, key: str) -> list[str]:
        """The game's own solution, without looks; of CoinCollector, which searches at random, the shortest way."""
        if GAMES[key.partition("/")[0]].program == "coin":
            return self._way_to_the_coin(key)
        self._begun(key, has_walkthrough=True)
        return [action for action in self._java.getGoldActionSequence() if not _NOT_OFFERED.match(action)]

    def _way_to_the_coin(self, key: str) -> list[str]:
        """Search the rooms breadth-first; their descriptions name the rooms beside them."""
        ways: dict[str, list[str]] = {}
        to_visit: list[list[str]] = [[]]
        for way in to_visit:
            seen = self._begun(key, has_walkthrough=False)
            for action in way:
                seen = json.loads(self._java.stepJSON(action))
            if "take coin" in seen["validActions"]:
                return [*way, "take coin"]
            here = _ROOM.search(seen["look"])
            ways.setdefault(here[1] if here else "", way)
            for direction, room in _NEIGHBOUR.findall(seen["look"]):
                if room not in ways:
                    ways[room] = [*way, f"move {direction.lower()}"]
                    to_visit.append(ways[room])
        return []

    def _begun(self, key: str, *, has_walkthrough: bool) -> dict[str, Any]:
        name, split, seed = key.split("/")
        game: Game = GAMES[name]
        if fault := self._java.load(game.program, game.properties):
            raise ValueError(fault)
        self._last = None
        seen: dict[str, Any] = json.loads(self._java.generateNewGameJSON(int(seed), FOLDS[split].name, has_walkthrough))
        return seen

    def _view(self, seen: dict[str, Any]) -> Seen:
        is_won = bool(seen["tasksuccess"])
        text = short(seen["observation"])
        carried = carrying(seen["inventory"])
        if carried != self._inventory:
            text, self._inventory = f"{text}\n{carried}", carried
        self._last = Seen(
            text=text,
            # The program shuffles them anew at each step.
            valid=sorted(action for action in seen["validActions"] if not _NOT_OFFERED.match(action)),
            score=min(1.0, max(0.0, float(seen["score"]))),
            is_over=is_won or bool(seen["taskfailure"]) or self._n_left <= 0,
            is_won=is_won,
        )
        return self._last


def short(text: str) -> str:
    """Shorten a description of a room: what is in it as one list, each thing in the game's own words."""
    lines = []
    for said in text.strip().splitlines():
        line = said
        things = [thing[0].lower() + thing[1:] for thing in _LEAD_IN.findall(line)]
        start = _LEAD_IN.search(line)
        if things and start is not None:
            line = f"{line[: start.start()]}You see: {'; '.join(things)}."
        lines.append(line.strip())
    return re.sub(r", that has nothing on it\b", " with nothing on it", "\n".join(line for line in lines if line))


def carrying(inventory: str) -> str:
    """Say in a line what is carried."""
    things = [line.strip() for line in inventory.splitlines()[1:] if line.strip()]
    return _EMPTY if things in ([], [_EMPTY]) else f"You carry: {', '.join(things)}."
