"""What an import reports: how far it has come, what was left out, what waits for feedback."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class WaitingAttempt(NamedTuple):
    """An attempt whose outcome is unknown."""

    event_id: str
    """What `memento feedback` takes."""
    source_id: str
    state: str


class RowFault(NamedTuple):
    """A row that could not be imported."""

    path: Path
    number: int
    problem: str


@dataclass
class ImportReport:
    """How far an import has come."""

    kind: str = ""
    n_records: int = 0
    """Records that were read and kept or there already."""
    n_cases: int = 0
    """New cases, in quarantine."""
    n_waiting: int = 0
    """New attempts of unknown outcome."""
    n_differing: int = 0
    """Records that are there already with another reward, which stays."""
    n_bad: int = 0
    n_bytes: int = 0
    """Read so far, over all passes."""
    total_bytes: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """Reason to number of rows that were left out."""
    faults: list[RowFault] = field(default_factory=list)
    """The first of them; `n_bad` counts all."""
    other_files: list[Path] = field(default_factory=list)
    """Files of the folder that are of another kind."""

    @property
    def n_known(self) -> int:
        """Records that were there already."""
        return self.n_records - self.n_cases - self.n_waiting
