"""Report colours for arms: distinguishable when colour-blind, on paper and on dark screens.

Drawings are made in the light colours; inside the page each becomes a CSS variable, so that the same drawing is
readable in the dark.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from memento.evals.runs.arm import Arm


class Tone(NamedTuple):
    """One colour of the page, and its CSS variable."""

    variable: str
    light: str
    dark: str


INK = Tone("--ink", "#1b1e23", "#e6e8eb")
MUTED = Tone("--muted", "#5b626c", "#a2a9b3")
GRID = Tone("--grid", "#dfe2e6", "#343a42")
PAPER = Tone("--paper", "#fefefe", "#15181c")
CONTROL = Tone("--control", "#6f7782", "#969eaa")
_ARMS = (
    Tone("--arm-0", "#0072b2", "#4aa3ff"),
    Tone("--arm-1", "#d55e00", "#ff8a3d"),
    Tone("--arm-2", "#00452b", "#9df5b8"),
    Tone("--arm-3", "#b3127f", "#ff3fb0"),
    Tone("--arm-4", "#8a5a2b", "#eef06a"),
)
"""Searched for: far apart in CIELAB for readers who see all colours, no red, or no green, in the light and the dark."""
TONES = (INK, MUTED, GRID, PAPER, CONTROL, *_ARMS)

_HEX = re.compile("|".join(tone.light for tone in TONES))
_VARIABLES = {tone.light: f"var({tone.variable})" for tone in TONES}


class ArmStyle(NamedTuple):
    """Colour and line style of an arm, in every figure."""

    tone: Tone
    dash: str
    """A line style of matplotlib: once the colours are used up, they come again dashed."""

    @property
    def color(self) -> str:
        """Return the colour as drawn in figures."""
        return self.tone.light


def looks(arms: Sequence[Arm]) -> dict[str, ArmStyle]:
    """Return one style per arm, by name; an arm without memory is grey."""
    found: dict[str, ArmStyle] = {}
    n_colored = n_controls = 0
    dashes = ("-", "--", ":", "-.")
    for arm in arms:
        if not arm.has_memory:
            found[arm.name] = ArmStyle(CONTROL, dashes[n_controls % len(dashes)])
            n_controls += 1
        else:
            turn, place = divmod(n_colored, len(_ARMS))
            found[arm.name] = ArmStyle(_ARMS[place], dashes[turn % len(dashes)])
            n_colored += 1
    return found


def with_variables(svg: str) -> str:
    """Replace a drawing's colours by CSS variables of the page."""
    return _HEX.sub(lambda match: _VARIABLES[match.group()], svg)


def style_sheet() -> str:
    """Return the CSS variables: light by default and on paper, dark if the reader's system is."""
    light = "".join(f"{tone.variable}:{tone.light};" for tone in TONES)
    dark = "".join(f"{tone.variable}:{tone.dark};" for tone in TONES)
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
