"""Result of one task in one stream."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from memento.evals.runs.plan import Phase
from memento.evals.subject import Correction
from memento.memory.case import question_hash, storable
from memento.nodes.usage import Usage


class ServedCase(BaseModel):
    """A case shown to the planner."""

    id: str
    reward: float
    similarity: float
    score: float
    slot: int
    propensity: float


class HeldWrite(BaseModel):
    """Deferred arguments of `CaseMemory.write`, applied at the end of the round."""

    arguments: dict[str, Any]

    @model_validator(mode="before")
    @classmethod
    def _as_text(cls, given: Any) -> Any:
        return _storable(given)

    @property
    def question(self) -> str:
        """Hash of the task that it is of."""
        return question_hash(self.arguments["state"], self.arguments.get("key") or "")


class TaskResult(BaseModel):
    """Result of one run of a task. JSON-able."""

    model_config = ConfigDict(frozen=True)

    arm: str
    seed: int
    phase: Phase
    iteration: int
    position: int
    round: int
    task_id: str
    source: str = ""
    level: str = ""
    answer: str | None = None
    reward: float | None = None
    """In [0, 1]; None when it is not known, which is never counted as wrong."""
    evaluator: str = "none"
    confidence: float = 1.0
    reason: str = ""
    """What the scorer said."""
    exact: float | None = None
    """Exact match with a reference, whatever the reward goes by; None without references or answer."""
    f1: float | None = None
    """Token F1 with the best reference."""
    error: str | None = None
    error_class: str | None = None
    event_id: str | None = None
    policy: str = "none"
    is_degraded: bool = False
    cases: list[ServedCase] = []
    artefacts: list[str] = []
    """Files that the run made, by their paths in its folder of the workspace."""
    usage: Usage
    """Planner, executors, tools' models and judge together."""
    seconds: float
    """From the task's start to its result, the judge included."""
    memory_seconds: float = 0.0
    """Of these, spent on finding and choosing cases."""
    held: HeldWrite | None = None
    correction: Correction | None = Field(default=None, exclude_if=lambda value: value is None)
    """What would have been right, where the memory is told that; journals of 0.1 have none."""

    @model_validator(mode="before")
    @classmethod
    def _as_text(cls, given: Any) -> Any:
        return _storable(given)


def _storable(value: Any) -> Any:
    """Return a copy whose texts can be stored: models produce lone surrogates."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {name: _storable(one) for name, one in value.items()}
    return [_storable(one) for one in value] if isinstance(value, list) else value


def is_first_encounter(result: TaskResult) -> bool:
    """Whether it counts for prequential accuracy: first met, before anything was learned from it."""
    return result.phase == "learn" and result.iteration == 1
