"""Renders a figure as SVG for the page and as PNG. Blocking: call it off the event loop."""

import html
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from memento.evals.report.palette import GRID, INK, MUTED, PAPER, with_variables
from memento.extras import missing_packages
from memento.memory.errors import InvalidInput

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DPI = 150
_HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) (?:width|height)="[^"]*"')
_ID = re.compile(r'\bid="|url\(#|href="#')
_PATH = re.compile(r' d="[^"]*"')
_LONG_NUMBER = re.compile(r"(\.\d\d)\d+")
_STYLE: Any = {  # matplotlib's type names every key there is
    "svg.fonttype": "none",  # real text: it can be searched, read aloud, and takes the page's font
    "svg.hashsalt": "memento",
    "font.size": 10,
    "axes.edgecolor": MUTED.light,
    "axes.labelcolor": MUTED.light,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID.light,
    "grid.linewidth": 0.8,
    "text.color": INK.light,
    "xtick.color": MUTED.light,
    "ytick.color": MUTED.light,
    "ytick.left": False,
    "figure.facecolor": PAPER.light,
    "axes.facecolor": "none",
}


class Drawing(NamedTuple):
    """A figure in both formats."""

    name: str
    """Of the PNG, without its ending."""
    svg: str
    """An element to stand in the page: its colours are CSS variables, and it names nothing outside itself."""
    png: bytes


def check_can_draw() -> None:
    """Raise unless matplotlib is installed.

    Raises:
        InvalidInput: one is missing.
    """
    if missing := missing_packages("evals", ("matplotlib", "jinja2")):
        raise InvalidInput(f"the report cannot be made: {missing}")


def draw(name: str, alt: str, plot: Callable[["Axes"], None], *, size: tuple[float, float] = (8.2, 4.2)) -> Drawing:
    """Render a figure.

    Args:
        name: of the file, and before every id inside the SVG, so that figures of one page do not meet.
        alt: what it shows, for those who cannot see it.
        plot: draws on the axes.
        size: width and height in inches.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        plot(figure.add_subplot())
        svg, png = io.StringIO(), io.BytesIO()
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
        figure.savefig(png, format="png", dpi=_DPI)
    text = _METADATA.sub("", _HEAD.sub("", svg.getvalue(), count=1))
    while _SIZE.search(text):
        text = _SIZE.sub(r"\1", text, count=1)
    text = _PATH.sub(lambda match: _LONG_NUMBER.sub(r"\1", match.group()), text)  # half the size, and looks the same
    text = _ID.sub(lambda match: f"{match.group()}{name}-", text)
    text = text.replace("<svg", f'<svg role="img" aria-label="{html.escape(alt)}"', 1)
    return Drawing(name, with_variables(text), png.getvalue())
