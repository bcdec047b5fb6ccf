"""Plays the tasks of ScienceWorld.

The order of things, and which of several names they have, follows Java's identity hashes, which depend on what the JVM
has done before. With one hash for all objects it follows the order in which they were made, which is always the same.
"""

import json
import re
from typing import Final

from scienceworld.constants import JAR_PATH

from memento.evals.environments.worlds.java_program import JavaProgram
from memento.evals.environments.worlds.world import Seen

_MEMORY_MB: Final = 700
_ONE_HASH: Final = ("-XX:+UnlockExperimentalVMOptions", "-XX:hashCode=2")
_NOT_OFFERED: Final = re.compile(r"(inventory|task|reset task)$")
_WIRING: Final = re.compile(r"(connect|disconnect) ")
_ELECTRICAL: Final = ("power-component", "test-conductivity")


class ScienceWorld:
    """All tasks of one JVM."""

    def __init__(self) -> None:
        program = JavaProgram(JAR_PATH, memory_mb=_MEMORY_MB, options=_ONE_HASH)
        self._java = program.classes.scienceworld.runtime.pythonapi.PythonInterface()
        self._n_left = 0
        self._is_electrical = False
        self._place = ""
        self._last: Seen | None = None
        self._situation: tuple[str, set[tuple[int, ...]]] = ("", set())

    def reset(self, key: str, max_steps: int) -> Seen:
        """Begin a variation of a task; its first observation is what is around."""
        self._begin(key, has_walkthrough=False)
        self._n_left = max_steps
        self._place = ""
        return self._view("")

    def step(self, action: str) -> Seen:
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

    def _view(self, said: str) -> Seen:
        around = str(self._java.freeActionLook())
        place = around.partition(".")[0]
        if place != self._place:  # the program says that one has moved, and not to what
            said, self._place = f"{said}\n{around}", place
        score = float(self._java.getScore())
        self._last = Seen(
            text="\n".join(line.strip() for line in said.splitlines() if line.strip()),
            valid=self._valid(around),
            score=min(1.0, max(0.0, score)),
            is_over=bool(self._java.getCompleted()) or score < 0 or self._n_left <= 0,
            is_won=score >= 1.0,
        )
        return self._last

    def _valid(self, around: str) -> list[str]:
        """The actions that can be taken; where nothing has changed, in the words of before.

        The program calls a thing by another of its names each time it is asked, so that a situation would never be the
        same again.
        """
        found = json.loads(self._java.getValidActionObjectCombinationsJSON())["validActions"]
        things = {(one["template_id"], *one["obj_ids"]) for one in found}
        if self._last is not None and (around, things) == self._situation:
            return self._last.valid
        self._situation = around, things
        return list(dict.fromkeys(one["action"] for one in found if self._is_offered(one["action"])))

    def _is_offered(self, action: str) -> bool:
        return not _NOT_OFFERED.match(action) and (self._is_electrical or not _WIRING.match(action))
