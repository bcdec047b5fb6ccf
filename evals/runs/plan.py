"""Plan of a run: everything its results depend on, saved before the first task."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from memento.evals.runs.arm import Arm
from memento.evals.task import EvalTask
from memento.memory.errors import InvalidInput

FeedbackKind = Literal["reward", "correction"]
"""What the memory is told: how good the answer was; or, after a wrong one, also what would have been right."""
Phase = Literal["learn", "test"]


class StreamKey(NamedTuple):
    """One arm with one seed: a stream of tasks with a memory of its own."""

    arm: Arm
    seed: int

    @property
    def name(self) -> str:
        """Name of its folder and namespace."""
        return f"{self.arm.folder}-{self.seed}"


class Visit(NamedTuple):
    """One task at its position in a stream."""

    task: EvalTask
    phase: Phase
    """Tasks that are held out are tests: they come last, and their bank is frozen."""
    iteration: int
    """From 1; how often the stream has come to this task."""
    position: int
    """In the whole stream, from 0."""
    round: int
    """Tasks of a round see the cases of earlier rounds, whatever is finished first."""


class RunPlan(BaseModel):
    """Describes a run. Runs of one plan with a deterministic model agree."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    tasks: str
    """Fingerprint of the tasks."""
    n_tasks: int
    environments: list[str] = []
    """Those that the tasks are of; empty for a data set."""
    subject: str
    scorer: str
    arms: list[Arm] = Field(min_length=1)
    seeds: list[int] = Field(min_length=1)
    iterations: int = Field(default=1, ge=1, le=100)
    round: int = Field(default=1, ge=1, le=1000)
    feedback: FeedbackKind = "reward"
    held_out: list[str] = []
    """Sources whose tasks come after all others, with a bank that learns nothing from them."""
    held_out_share: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of the other sources' questions that are held out, too; the same ones for every arm and seed."""
    settings: dict[str, Any] = {}
    """Fields of `Context` that hold for every arm."""
    preset: str = ""
    """Name of the preset that it is, if any."""

    def streams(self) -> list[StreamKey]:
        """Return all streams, seeds outside, arms inside: arms advance together."""
        return [StreamKey(arm, seed) for seed in self.seeds for arm in self.arms]

    def visits(self, tasks: Sequence[EvalTask], seed: int) -> Iterator[Visit]:
        """Return the stream of a seed, the same for all arms: a fresh order each iteration, tests last."""
        held_out = self._held_out(tasks)
        learnt = [task for task in tasks if task.id not in held_out]
        tests = [task for task in tasks if task.id in held_out]
        parts: list[tuple[Phase, int, list[EvalTask]]] = [("learn", i + 1, learnt) for i in range(self.iterations)]
        parts.append(("test", 1, tests))
        position = number = 0
        for phase, iteration, part in parts:
            order = np.random.default_rng([seed, iteration, phase == "test"]).permutation(len(part))
            for place, index in enumerate(order):
                yield Visit(part[index], phase, iteration, position, number + place // self.round)
                position += 1
            number += -(-len(part) // self.round)

    @property
    def holds_out(self) -> bool:
        """Whether some tasks are tests of a frozen bank."""
        return bool(self.held_out) or self.held_out_share > 0

    def _held_out(self, tasks: Sequence[EvalTask]) -> set[str]:
        """Return the ids of the tasks that are tests; of the share, those of the least hashes, at least one."""
        found = {task.id for task in tasks if task.source in self.held_out}
        others = [task for task in tasks if task.id not in found]
        if self.held_out_share and len(others) > 1:
            n = min(len(others) - 1, max(1, round(self.held_out_share * len(others))))
            found |= {task.id for task in sorted(others, key=_draw)[:n]}
        return found

    @model_validator(mode="after")
    def _shows_no_question_its_own_answer(self) -> Self:
        shuffled = [arm.name for arm in self.arms if arm.controls.outcomes == "shuffled"]
        if shuffled and self.feedback == "correction" and self.iterations > 1:
            raise ValueError(
                f"arm {shuffled[0]!r} tells its memory other tasks' corrections, so in a second iteration a question "
                "could be shown its own answer; run one iteration, or give feedback by reward"
            )
        return self

    def save(self, folder: Path) -> None:
        """Save the plan, or check that the saved one is the same.

        Raises:
            InvalidInput: the folder holds another run.
        """
        path = folder / PLAN
        if path.exists():
            earlier, mine = RunPlan.load(folder).model_dump(), self.model_dump()
            different = [name for name in mine if mine[name] != earlier[name]]
            if different:
                raise InvalidInput(
                    f"{folder} contains a run with other {', '.join(different)}; "
                    "give the same options to resume it, or another --out"
                )
            return
        folder.mkdir(parents=True, exist_ok=True)
        whole = path.with_suffix(".whole")
        whole.write_text(json.dumps(self.model_dump(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        whole.replace(path)

    @classmethod
    def load(cls, folder: Path) -> "RunPlan":
        """Load a saved plan.

        Raises:
            InvalidInput: there is no readable plan.
        """
        try:
            return cls.model_validate_json((folder / PLAN).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{folder} contains no evaluation run: {error}") from error


PLAN = "plan.json"


def _draw(task: EvalTask) -> tuple[bytes, str]:
    """Return a place in a random order that depends on nothing but the question."""
    return hashlib.sha256(f"held out {task.question_hash}".encode()).digest(), task.id
