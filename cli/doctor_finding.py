"""One line of `memento doctor`: what was examined, how it is, what to do about it."""

from typing import Literal, NamedTuple

Status = Literal["ok", "note", "bad"]


class Finding(NamedTuple):
    """One line of the examination."""

    what: str
    status: Status
    found: str
    fix: str = ""
