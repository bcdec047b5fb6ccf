"""Building blocks of the report page. All texts are plain: the template escapes them."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from memento.evals.report.drawing import Drawing


class Note(NamedTuple):
    """A paragraph."""

    text: str
    tone: Literal["", "lead", "aside", "warning"] = ""
    kind: Literal["note"] = "note"


class PictureBlock(NamedTuple):
    """A figure with its caption."""

    drawing: Drawing
    caption: str
    kind: Literal["picture"] = "picture"


class Grid(NamedTuple):
    """A table; the first column names the row, the others are values."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    arms: bool = False
    """Whether the first column is an arm, and has its colour."""
    kind: Literal["grid"] = "grid"


class ArmFinding(NamedTuple):
    """The comparison of one arm with the control, in a sentence."""

    arm: str
    value: str
    """How often it solves its tasks."""
    verdict: str
    is_shown: bool = False
    """Whether a difference is more than chance."""


class Findings(NamedTuple):
    """The findings of all arms."""

    rows: Sequence[ArmFinding]
    kind: Literal["findings"] = "findings"


class CaseCard(NamedTuple):
    """A case with statistics of its servings."""

    figures: str
    served: str
    state: str
    action: str
    answer: str
    origin: str


class Cards(NamedTuple):
    """Several cases side by side."""

    title: str
    cards: Sequence[CaseCard]
    kind: Literal["cards"] = "cards"


class Facts(NamedTuple):
    """Pairs of names and values."""

    pairs: Sequence[tuple[str, str]]
    kind: Literal["facts"] = "facts"


class Code(NamedTuple):
    """A command to copy."""

    text: str
    kind: Literal["code"] = "code"


PageBlock = Note | PictureBlock | Grid | Findings | Cards | Facts | Code


class Section(NamedTuple):
    """A part of the page under a heading."""

    id: str
    title: str
    blocks: Sequence[PageBlock]
