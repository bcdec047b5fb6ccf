"""Plays the tasks of ScienceWorld, each episode in a JVM of its own.

The order and the names of things depend on what a JVM has played before: one that has played another task shows the
same one differently. A start takes a second.
"""

import json
import re
from typing import Any, Final

from scienceworld.constants import JAR_PATH

from memento.evals.environments.worlds.java_program import JavaProgram
from memento.evals.environments.worlds.world import View

_MEMORY_MB: Final = 700
_NOT_OFFERED: Final = re.compile(r"(inventory|task|reset task)$")
_WIRING: Final = re.compile(r"(connect|disconnect) ")
_ELECTRICAL: Final = ("power-component", "test-conductivity")


class ScienceWorld:
    """All tasks."""

    def __init__(self) -> None:
        self._program: JavaProgram | None = None
        self._java: Any = None
        self._n_left = 0
        self._is_electrical = False
        self._place = ""
        self._last: View | None = None

    def reset(self, key: str, max_steps: int) -> View:
        """Begin a variation of a task; its first observation is what is around."""
        if self._program is not None:
            self._program.end()
        self._program = JavaProgram(JAR_PATH, memory_mb=_MEMORY_MB)
        self._java = self._program.classes.scienceworld.runtime.pythonapi.PythonInterface()
        self._begin(key, has_walkthrough=False)
        self._n_left = max_steps
        self._place = ""
        return self._view("")

    def step(self, action: str) -> View:
        """Take one action; an episode that is over stays as it is."""
        if self._last is not None and self._last.is_over:
            return self._last
        self._n_left -= 1
        return self._view(str(self._java.step(action)))

    def description(self) -> str:
        """The task in the program's own words."""
        return str(self._java.freeActionTaskDesc()).removeprefix("Task Description:").strip()

    def walkthrough(self, key: str) -> list[str]:
        """The program's own solution."""
        self._begin(key, has_walkthrough=True)
        return list(self._java.getGoldActionSequence())

    def _begin(self, key: str, *, has_walkthrough: bool) -> None:
        _, _, task, number = key.split("/")
        self._is_electrical = task.startswith(_ELECTRICAL)
        self._last = None
        self._java.load(task, int(number), "", has_walkthrough)
        self._java.reset()
        self._java.step("look around")  # the score is that of the episode from the first step on

    def _view(self, said: str) -> View:
        around = str(self._java.freeActionLook())
        place = around.partition(".")[0]
        if place != self._place:  # the program says that one has moved, and not to what
            said, self._place = f"{said}\n{around}", place
        score = float(self._java.getScore())
        valid = [one["action"] for one in json.loads(self._java.getValidActionObjectCombinationsJSON())["validActions"]]
        self._last = View(
            text="\n".join(line.strip() for line in said.splitlines() if line.strip()),
            valid=list(dict.fromkeys(action for action in valid if self._is_offered(action))),
            score=min(1.0, max(0.0, score)),
            is_over=bool(self._java.getCompleted()) or score < 0 or self._n_left <= 0,
            is_won=score >= 1.0,
        )
        return self._last

    def _is_offered(self, action: str) -> bool:
        return not _NOT_OFFERED.match(action) and (self._is_electrical or not _WIRING.match(action))
