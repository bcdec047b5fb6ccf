"""Inputs and outputs of scoring: the answer, the evaluator's dependencies, the grade."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from memento.memory.case import ErrorClass
from memento.nodes.context import RunSettings
from memento.nodes.redaction import Redact
from memento.nodes.scoring.custom import Scorer
from memento.nodes.scoring.grade import Grade
from memento.nodes.sources import ModelSource, Price
from memento.nodes.state import Run
from memento.nodes.structured import StructuredCaller
from memento.nodes.subtasks import SubtaskResult
from memento.nodes.usage import Usage

_LONGEST_S: Final = 604_800.0


class Answered(NamedTuple):
    """An answer with its run and evidence."""

    run: Run
    answer: str
    results: Sequence[SubtaskResult] = ()
    """Of the subtasks: the evidence."""
    models: Mapping[str, str] = {}
    """Role to the name of the model that played it."""
    deadline: float = math.inf
    """Until when it must be scored, by the clock of `time.monotonic`."""

    def seconds_left(self) -> float:
        """Return how long scoring may still take."""
        return min(self.deadline - time.monotonic(), _LONGEST_S)

    @property
    def settings(self) -> RunSettings:
        """Settings of the run."""
        return RunSettings.model_validate(self.run["settings"])


@dataclass(frozen=True, kw_only=True)
class ScoringParts:
    """Dependencies of the evaluators."""

    models: ModelSource
    """Gives the judges."""
    caller: StructuredCaller
    price: Price | None = None
    scorer: Scorer | None = None
    """The host's own."""
    redact: Redact = str
    """Takes secrets out of what the host's scorer says."""


class Scored(NamedTuple):
    """A grade and its usage."""

    evaluation: Grade
    usage: Usage | None = None
    notice: str = ""
    """What the user should know about it."""
    error_class: ErrorClass = "judge"
    """Whose fault it is that a reward is not known."""
