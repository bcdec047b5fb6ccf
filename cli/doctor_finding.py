"""A finding of `memento doctor`: what was checked, its state, and the suggested fix."""

from typing import Literal, NamedTuple

Status = Literal["ok", "note", "bad"]


class Finding(NamedTuple):
    """Result of one check: a line of `memento doctor`."""

    what: str
    status: Status
    found: str
    fix: str = ""
