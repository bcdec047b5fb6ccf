"""Drawings: SVG that stands in a page on its own, PNG beside it, and labels that can be read."""

import itertools
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from memento.evals.report.drawing import Drawing, draw
from memento.evals.report.palette import CONTROL, looks
from memento.evals.report.plots import Dot, Series, curves, differences, dots, height_of, reliability
from memento.evals.runs.arm import parse_arm
from memento.memory.stats import Interval

pytest.importorskip("matplotlib", reason="comes with the extra `demo`")

NAN = float("nan")
ARMS = ["none", *(f"similarity:k={k}" for k in range(1, 12))]
LOOKS = looks([parse_arm(name) for name in ARMS])


def made(*, lift: float = 0.0, names: list[str] = ARMS) -> list[Series]:
    x = list(range(10, 410, 10))
    return [
        Series(name, LOOKS[name], x, [Interval(v, v - 0.05, v + 0.05) for v in np.linspace(0.3, 0.4 + lift * n, 40)])
        for n, name in enumerate(names)
    ]


def drawn(plot: Any, **more: Any) -> tuple[Drawing, ElementTree.Element]:
    drawing = draw("made", 'what <it> shows & "why"', plot, **more)
    return drawing, ElementTree.fromstring(drawing.svg)  # noqa: S314  our own


def test_a_drawing_is_one_element_that_needs_nothing_else() -> None:
    drawing, svg = drawn(lambda axes: curves(axes, made(), x="tasks", y="solved"))
    assert svg.tag.endswith("svg")
    assert (svg.get("role"), svg.get("aria-label")) == ("img", 'what <it> shows & "why"')
    assert svg.get("width") is None  # as wide as the page
    links = [value for element in svg.iter() for name, value in element.items() if name.endswith("href")]
    assert all(link.startswith("#made-") for link in links)
    assert all((element.get("id") or "made-").startswith("made-") for element in svg.iter())
    assert not re.search(r"url\((?!#made-)", drawing.svg)
    assert drawing.png.startswith(b"\x89PNG")


def test_colours_follow_the_page_when_drawn() -> None:
    drawing, _ = drawn(lambda axes: curves(axes, made(names=["none", "similarity:k=1"]), x="tasks", y="solved"))
    assert set(re.findall(r"stroke: ([^;\"]+)", drawing.svg)) <= {
        *(f"var({tone})" for tone in ("--control", "--arm-0", "--muted", "--grid", "--ink")),
        "none",
    }
    assert re.findall(r"#[0-9a-f]{6}", drawing.svg) == []


def test_names_stand_apart_when_curves_end_together() -> None:
    _, svg = drawn(lambda axes: curves(axes, made(lift=0.0), x="tasks", y="solved"))
    heights = sorted(_heights(svg))
    assert len(heights) == len(ARMS)
    assert min(b - a for a, b in itertools.pairwise(heights)) > 10
    _, svg = drawn(lambda axes: curves(axes, made(lift=0.05), x="tasks", y="solved"))
    assert len(set(_heights(svg))) == len(ARMS)


def test_an_arms_name_is_text_when_it_looks_like_markup_or_a_formula() -> None:
    name = "similarity:planner=<b>$x_1$ & \\frac</b>"
    series = [Series(name, LOOKS["none"], [1, 2], [Interval(0.1, 0, 0.2), Interval(0.2, 0.1, 0.3)])]
    for plot in (
        lambda axes: curves(axes, series, x="tasks", y="solved", is_marked=True),
        lambda axes: dots(axes, [Dot(name, LOOKS["none"], Interval(0.1, 0.0, 0.2))], x="solved"),
        lambda axes: reliability(axes, series),
    ):
        _, svg = drawn(plot)
        assert name in {element.text for element in svg.iter() if element.tag.endswith("text")}


def test_undefined_figures_are_left_out_and_the_rest_is_drawn() -> None:
    nothing = Interval(NAN, NAN, NAN)
    series = [
        Series("none", LOOKS["none"], [1, 2, 3], [nothing, Interval(0.2, 0.1, 0.3), Interval(0.3, NAN, NAN)]),
        Series("similarity:k=1", LOOKS["similarity:k=1"], [1, 2, 3], [nothing] * 3),
    ]
    for is_marked in (False, True):
        drawn(lambda axes: curves(axes, series, x="tasks", y="solved", is_marked=is_marked))  # noqa: B023
    rows = [Dot("none", LOOKS["none"], nothing, nothing), Dot("similarity:k=1", LOOKS["similarity:k=1"], nothing)]
    for plot in (dots, differences):
        drawn(lambda axes: plot(axes, rows, x="points"), size=(8, height_of(2)))  # noqa: B023


@pytest.mark.parametrize(("low", "high"), [(0.05, 0.2), (-0.2, -0.05), (-0.1, 0.1), (0.0, 0.0)])
def test_differences_always_show_where_no_difference_is(low: float, high: float) -> None:
    seen: dict[str, Any] = {}

    def plot(axes: Any) -> None:
        differences(axes, [Dot("none", LOOKS["none"], Interval((low + high) / 2, low, high))], x="points")
        seen["limits"] = axes.get_xlim()

    drawing, _ = drawn(plot, size=(8, height_of(1)))
    left, right = seen["limits"]
    assert left < min(low, 0) <= max(high, 0) < right
    assert f"var({CONTROL.variable})" in drawing.svg


def _heights(svg: ElementTree.Element) -> list[float]:
    texts = [element for element in svg.iter() if element.tag.endswith("text") and element.text in ARMS]
    return [float(text.get("y") or "nan") for text in texts]
