"""Renders sections as one self-contained HTML page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from memento.evals.report.blocks import Section
from memento.evals.report.palette import ArmStyle, style_sheet

_FOLDER = Path(__file__).parent
_BORDERS = {"-": "solid", "--": "dashed", ":": "dotted", "-.": "dashed"}


def render(
    title: str, subtitle: str, sections: Sequence[Section], *, looks: Mapping[str, ArmStyle], footer: str
) -> str:
    """Render the page. Every text is escaped; only our own drawings and style are inserted verbatim.

    Args:
        title: of the page.
        subtitle: a line below it.
        sections: in order.
        looks: of the arms.
        footer: how to read it, and where it comes from.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(_FOLDER)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["unbroken"] = lambda text: text.replace(" %", "\u00a0%")  # no line begins with a sign
    css = (_FOLDER / "page.css").read_text(encoding="utf-8")
    return environment.get_template("page.html").render(
        title=title,
        subtitle=subtitle,
        sections=sections,
        looks=looks,
        borders=_BORDERS,
        style=style_sheet() + css,
        footer=footer,
    )
