"""A finding of `memento doctor`: what was checked, its state, and the suggested fix."""

from typing import Literal, NamedTuple

Status = Literal["ok", "note", "bad"]


class Finding(NamedTuple):
    """One line of the examination."""

    what: str
    status: Status
    found: str
    fix: str = ""
