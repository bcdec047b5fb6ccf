"""The neutral record that every importer yields, and what is said of rows that give none."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from memento.memory.case import PLAN, CaseKind, ErrorClass

NO_OUTCOME = "facts without an outcome (`--reward` imports them with one)"
NO_REPLY = "tasks without a reply"
NO_TASK = "replies without a task"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedRecord:
    """One attempt of another system: what was asked, what was done, how well it went, and who says so."""

    source_id: str
    """Id in the source: of a run, a trace, a message."""
    state: str
    """The task."""
    action: str
    """What was done, as text: tool calls, one a line, or the reply."""
    answer: str = ""
    """The final reply, where the action is not the reply itself."""
    reward: float | None = None
    """In [0, 1]; None when the source has no outcome, which is neither a success nor a failure."""
    confidence: float = 1.0
    lesson: str = ""
    error_class: ErrorClass | None = None
    scored_by: str = ""
    """Name of the score that is the reward; empty without a reward."""
    made_at: str = ""
    """Time in the source, as it is written there."""
    models: Mapping[str, str] = field(default_factory=dict)
    """Role to model name."""
    is_fact: bool = False
    """Whether it is a remembered fact and not an attempt: it is imported with a reward only."""
    is_disputed: bool = False
    """Whether the source says something of its outcome that cannot be relied on, such as scores that disagree or an
    error: a reward given for the whole file does not count for it."""
    is_retired: bool = False
    """Whether the source had withdrawn it."""
    key: str = ""
    """The task's key, where the source names its tasks."""
    kind: CaseKind = PLAN
    picture: bytes = b""
    """A picture of its situation."""


class ImportedRow(NamedTuple):
    """What one place of a file gave: a record, a fault, or a reason why it was left out."""

    path: Path
    number: int
    """Line of a file of JSON lines, place in an array, or 1 for a document; from 1."""
    record: ImportedRecord | None = None
    problem: str = ""
    """What is wrong with it."""
    skipped: str = ""
    """Why nothing of it is imported although nothing is wrong; counted by this text."""
    n_bytes: int = 0
    """Bytes read since the row before, for progress."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportOptions:
    """What the person who imports says about outcomes."""

    score: str | None = None
    """Name of the score that is the outcome; None where each record has only one."""
    score_range: tuple[float, float] | None = None
    """Worst and best value of that score; None for [0, 1]."""
    labels: Mapping[str, float] = field(default_factory=dict)
    """Label of a categorical score to reward in [0, 1]."""
    reward: float | None = None
    """Of every record of which the source says nothing; in [0, 1]."""


class ImportSource(NamedTuple):
    """One importer: the kind, its shape in a sentence, and the two functions that know it."""

    kind: str
    """As typed: `claude-code`."""
    shape: str
    """The files that it reads, in one sentence."""
    recognises: Callable[[Mapping[str, Any]], bool]
    """Whether a JSON object can be a row of such a file; told by its keys."""
    read: Callable[[Sequence[Path], ImportOptions], Iterator[ImportedRow]]
    """Rows of such files, in order; blocking."""
    n_passes: int = 1
    """How often each file is read."""
    has_scores: bool = False
    """Whether its files can have scores, of which `ImportOptions` says what they mean."""
