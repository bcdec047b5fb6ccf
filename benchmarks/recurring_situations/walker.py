"""The actor that copies doors from cases, and the subject of the evaluation."""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from benchmarks.copying_reader.reader import answers
from benchmarks.recurring_situations.houses import DOORS, Estate, lent_from
from memento.evals.subject import Subject
from memento.graph.deps import Deps
from memento.nodes.acting.actor import Step
from memento.nodes.acting.environment import Observation
from memento.nodes.sources import MemorySource
from memento.nodes.state import MementoState, PromptCase, Run
from memento.nodes.worked import has_worked

_STANDS: Final = re.compile(r"You stand in the (\w+)\.")
_LINE: Final = re.compile(r"in the (\w+): open the (\w+) door")
_OPENS: Final = re.compile(r"open the (\w+) door")


class CopyingWalker:
    """Opens doors that worked in the same kind of room, as far as the cases shown tell it; else any not yet tried."""

    def __init__(self, seed: int) -> None:
        """Seed its draws.

        Args:
            seed: those of one step are the same whatever it is shown.
        """
        self._seed = seed

    async def act(
        self,
        *,
        run: Run,
        cases: Sequence[PromptCase],
        steps: Sequence[Step],
        now: Observation,
        step_cases: Sequence[PromptCase] = (),
    ) -> str:
        """Choose a door."""
        room = _STANDS.findall(now.text)[-1]
        told = [
            *((door, case) for case in cases for place, door in _LINE.findall(case["action"]) if place == room),
            *((_OPENS.findall(case["action"])[0], case) for case in step_cases if _stood_in(case) == room),
        ]
        names = [DOORS.index(door) for door, _ in told]
        left_A = np.array([f"open the {door} door" in now.valid for door in DOORS], float)
        door_A = (
            answers(names, [has_worked(case) for _, case in told], left_A / left_A.sum(), failures="shown") * left_A
        )
        if not door_A.sum():
            door_A = left_A
        material = hashlib.sha256(f"{self._seed} {run['task']} {len(steps)}".encode()).digest()[:8]
        drawn = np.random.default_rng(int.from_bytes(material)).choice(len(DOORS), p=door_A / door_A.sum())
        return f"open the {DOORS[int(drawn)]} door"


def _stood_in(case: PromptCase) -> str:
    room: str = _STANDS.findall(case["state"])[-1]
    return room


def doors_opened(state: MementoState) -> str:
    """Return the action of a whole task's case: the door that led on from each room."""
    rooms = state["run"]["task"].removesuffix(".").partition(": ")[2].split(", ")
    (result,) = state["results"]
    lines, before = [], 0.0
    for call in result["tool_calls"]:
        if call["score"] > before:
            lines.append(f"in the {rooms[len(lines)]}: {call['args']['action']}")
        before = call["score"]
    return "\n".join(lines) or "nothing led on"


def subject_of(estate: Estate) -> Subject:
    """The subject of an evaluation."""

    def make_deps(memory: MemorySource) -> Deps:
        seed = int(getattr(memory, "namespace", "-0").rpartition("-")[2])
        actor = CopyingWalker(seed)
        return Deps(memory=memory, environment=lent_from(estate), actor=actor, case_action=doors_opened)

    return Subject(
        name="recurring-situations",
        make_deps=make_deps,
        settings={"evaluator": "environment", "positive_from": "usual", "repeat_actions": False},
    )
