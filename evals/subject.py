"""Subject of an evaluation: the configured agent by default, or one returned by a user's function."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from memento.evals.import_by_name import import_by_name
from memento.evals.task import EvalTask
from memento.graph.deps import Deps
from memento.memory.case_memory import CaseMemory
from memento.memory.encoder import Encoder
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience
from memento.memory.plan_text import DIRECT_ACTION
from memento.nodes.scoring.custom import Scorer
from memento.nodes.sources import MemorySource

DIRECT = DIRECT_ACTION

Demonstrations = Callable[[int, int], Awaitable[Sequence[Experience]]]
"""Gives so many demonstrations for a seed, none of them of a task that is asked."""


class Correction(NamedTuple):
    """The correct action and answer, as a case stores them."""

    action: str
    answer: str


class OpenMemory(Protocol):
    """Describes the memory of one stream, which the runner opens and closes."""

    def __call__(self, folder: Path, *, policy: str, namespace: str, seed: int, encoder: Encoder) -> CaseMemory:
        """Return the memory, not opened.

        Args:
            folder: of the stream.
            policy: of its arm.
            namespace: of its arm and seed.
            seed: of its random choices.
            encoder: shared by all streams.
        """
        ...


def embedded_memory(folder: Path, *, policy: str, namespace: str, seed: int, encoder: Encoder) -> CaseMemory:
    """Make an embedded memory in the stream's folder, whatever else is configured."""
    return CaseMemory.open(folder / "bank", policy=policy, namespace=namespace, seed=seed, encoder=encoder)


def correct_answer(task: EvalTask) -> Correction | None:
    """Return the first reference as a direct answer; None when there is none."""
    return Correction(DIRECT, task.references[0]) if task.references else None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The agent or workflow being evaluated."""

    name: str
    """Stands in reports and in the plan of a run: a run that is resumed must have the same."""
    make_deps: Callable[[MemorySource], Deps]
    """The graph's parts around the memory that a stream has; called once per stream."""
    correction: Callable[[EvalTask], Correction | None] = correct_answer
    """What is written after a wrong answer, where a run gives corrections."""
    corrected_below: float | None = None
    """A reward below it is of a wrong answer; None: below `positive_from`, or 0.5 where that is no number."""
    demonstrations: Demonstrations | None = None
    """Gives the demonstrations of arms that show the same ones for all tasks; None: it has no such arms."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Fields of `Context` that hold for every arm."""
    open_memory: OpenMemory = embedded_memory
    max_processes: int | None = None
    """How many processes may work on it at a time when nothing else is asked for; 1 where each would hold what is had
    only once, such as a model on this machine. None: as many as the machine has cores."""


def load_subject(name: str) -> Subject:
    """Load a user's subject, from `package.module:function`. Blocking: it imports.

    Args:
        name: of a function without arguments that returns a `Subject`; modules of the working directory count too.

    Raises:
        InvalidInput: there is no such function, or it returns something else.
    """
    made = import_by_name(name, wanted="a function that returns a memento.evals.subject.Subject")()
    if not isinstance(made, Subject):
        raise InvalidInput(f"{name} must return a memento.evals.subject.Subject, not {type(made).__name__}")
    return made


def scored_with(subject: Subject, scorer: Scorer) -> Subject:
    """Return the same subject with a custom scorer."""

    def make_deps(memory: MemorySource) -> Deps:
        return replace(subject.make_deps(memory), scorer=scorer)

    return replace(subject, make_deps=make_deps)
