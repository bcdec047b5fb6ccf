"""Colours of the report: told apart, and readable on both grounds."""

import itertools
import math
from collections.abc import Sequence

import pytest

from memento.evals.report.palette import CONTROL, PAPER, TONES, looks, style_sheet, with_variables
from memento.evals.runs.arm import parse_arm

EVERY_CONE = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
# Machado, Oliveira and Fernandes (2009), at full severity.
NO_RED = ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052))
NO_GREEN = ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969))


def luminance(color: str) -> float:
    """Of sRGB, as WCAG 2 defines it."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_no_two_of_twelve_arms_look_the_same() -> None:
    arms = [parse_arm(f"similarity:k={k}") for k in range(1, 12)]
    found = looks([parse_arm("none"), *arms])
    assert found["none"].tone == CONTROL
    assert len(set(found.values())) == 12
    assert CONTROL not in {look.tone for name, look in found.items() if name != "none"}


def test_names_of_arms_can_be_read_on_white_and_in_the_dark() -> None:
    tones = {look.tone for look in looks([parse_arm(f"random:k={k}") for k in range(6)]).values()} | {CONTROL}
    assert min(contrast(tone.light, PAPER.light) for tone in tones) > 3.7
    assert min(contrast(tone.dark, PAPER.dark) for tone in tones) > 5


def seen_as(color: str, cones: Sequence[Sequence[float]]) -> list[float]:
    """CIELAB of a colour as readers without a kind of cone see it."""
    rgb = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    rgb = [min(1.0, max(0.0, sum(w * part for w, part in zip(row, rgb, strict=True)))) for row in cones]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb]
    to_xyz = ((0.4339, 0.3762, 0.1899), (0.2126, 0.7152, 0.0722), (0.0177, 0.1095, 0.8729))
    xyz = [sum(w * part for w, part in zip(row, linear, strict=True)) for row in to_xyz]
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in xyz)
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)]


@pytest.mark.parametrize("cones", [EVERY_CONE, NO_RED, NO_GREEN])
@pytest.mark.parametrize("ground", ["light", "dark"])
def test_colours_are_far_apart_for_readers_who_miss_some(cones: Sequence[Sequence[float]], ground: str) -> None:
    tones = {look.tone for look in looks([parse_arm(f"random:k={k}") for k in range(5)]).values()} | {CONTROL}
    assert len(tones) == 6
    places = [seen_as(getattr(tone, ground), cones) for tone in tones]
    assert min(math.dist(one, other) for one, other in itertools.combinations(places, 2)) > 18  # 2 can just be seen


def test_drawings_follow_the_page_when_it_is_dark() -> None:
    colors = [tone.light for tone in TONES]
    assert len(set(colors)) == len(TONES)
    drawn = with_variables("".join(f"fill: {color}; " for color in colors))
    assert "#" not in drawn
    sheet = style_sheet()
    assert all(f"{tone.variable}:{tone.light};" in sheet and f"{tone.variable}:{tone.dark};" in sheet for tone in TONES)
