"""Plots of the report: curves with bands, dots with whiskers. Shares from 0 to 1 are shown as per cent."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memento.evals.report.palette import CONTROL, INK, MUTED, PAPER, ArmStyle
from memento.memory.stats import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAND = 0.3
"""Opacity of all bands together: where they lie over each other, curves must still be seen."""
_FAINTEST = 0.05
_ASIDE = 0.007
"""Between the whiskers of two arms at the same place, as a share of the axis' width."""
_MIN_GAP = 0.052
"""Between labels, as a share of the axis' height."""


class Series(NamedTuple):
    """Data of one curve."""

    name: str
    look: ArmStyle
    x: Sequence[float]
    y: Sequence[Interval]


class Dot(NamedTuple):
    """Data of one row of a dot chart."""

    name: str
    look: ArmStyle
    main: Interval
    other: Interval | None = None
    """Drawn smaller and hollow, below."""
    is_hollow: bool = False


def curves(axes: "Axes", series: Sequence[Series], *, x: str, y: str, is_marked: bool = False) -> None:
    """Plot curves with interval bands, each labelled at its end.

    Args:
        axes: to draw on.
        series: at least one, with one point or more.
        x: label.
        y: label.
        is_marked: whether every point is marked, and whiskers take the place of bands: for few points.
    """
    places = sorted({place for one in series for place in one.x})
    for number, (_, look, at, values) in enumerate(series):
        value, low, high = (np.array([one[part] for one in values]) for part in range(3))
        if is_marked:
            aside = _ASIDE * (places[-1] - places[0]) * (number - (len(series) - 1) / 2)  # no whisker over another
            spread = np.clip(np.nan_to_num([value - low, high - value]), 0, None)
            axes.errorbar(
                np.array(at) + aside, value, yerr=spread, color=look.color, ls=look.dash, marker="o", capsize=3, lw=1.8
            )
        else:
            axes.fill_between(
                at, low, high, color=look.color, alpha=max(_FAINTEST, min(0.15, _BAND / len(series))), linewidth=0
            )
            axes.plot(at, value, color=look.color, ls=look.dash, lw=2, solid_capstyle="round")
    if is_marked:
        axes.set_xticks(places)
    axes.set(xlabel=x)
    axes.set_title(y, loc="left", fontsize=10, color=MUTED.light)
    _per_cent(axes, "y", [end for one in series for interval in one.y for end in interval[1:]])
    _name_ends(axes, [(one.name, one.look, float(one.x[-1]), one.y[-1].value) for one in series])
    axes.margins(x=0.01 if not is_marked else 0.05)


def dots(axes: "Axes", rows: Sequence[Dot], *, x: str) -> None:
    """Plot a dot with its interval per row; a second, hollow one below where there is one."""
    for place, row in enumerate(rows):
        lift = 0.14 if row.other is not None else 0.0
        _dot(axes, place - lift, row.main, row.look.color, is_hollow=False)
        if row.other is not None:
            _dot(axes, place + lift, row.other, row.look.color, is_hollow=True)
    _rows(axes, [row.name for row in rows])
    axes.set(xlabel=x)
    _per_cent(axes, "x", [end for row in rows for one in (row.main, row.other) if one for end in one[1:]])


def differences(axes: "Axes", rows: Sequence[Dot], *, x: str) -> None:
    """Plot differences with their intervals around the zero line."""
    axes.axvline(0, color=INK.light, lw=1)
    for place, row in enumerate(rows):
        _dot(axes, place, row.main, row.look.color, is_hollow=row.is_hollow)
    _rows(axes, [row.name for row in rows])
    axes.set(xlabel=x)
    ends = [end for row in rows for end in row.main if np.isfinite(end)]
    low, high = min([-0.02, *ends]), max([0.02, *ends])
    axes.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:+.3g}" if value else "0")


def reliability(axes: "Axes", series: Sequence[Series]) -> None:
    """Reliability diagram: accuracy by stated confidence; the diagonal is perfect calibration."""
    axes.plot([0, 1], [0, 1], color=CONTROL.light, lw=1, ls=":")
    for _, look, at, values in series:
        value, low, high = (np.array([one[part] for one in values]) for part in range(3))
        spread = np.clip(np.nan_to_num([value - low, high - value]), 0, None)
        axes.errorbar(at, value, yerr=spread, color=look.color, ls=look.dash, marker="o", ms=4, capsize=2, lw=1.5)
    axes.set(xlabel="stated", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_title("came true", loc="left", fontsize=10, color=MUTED.light)
    _name_ends(axes, [(one.name, one.look, float(one.x[-1]), one.y[-1].value) for one in series])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")


def height_of(n_rows: int) -> float:
    """Return the height in inches of a chart with so many rows."""
    return 0.9 + 0.42 * n_rows


def _dot(axes: "Axes", place: float, interval: Interval, color: str, *, is_hollow: bool) -> None:
    value, low, high = interval
    if np.isfinite(low) and np.isfinite(high):
        axes.plot([low, high], [place, place], color=color, lw=1.4 if is_hollow else 2.4, solid_capstyle="round")
    face = PAPER.light if is_hollow else color
    axes.plot([value], [place], marker="o", ms=6.5, mec=color, mfc=face, mew=1.5, ls="none")


def _rows(axes: "Axes", names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names, color=INK.light)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def _per_cent(axes: "Axes", which: str, ends: Sequence[float]) -> None:
    """Format an axis of shares: from 0 to the next ten per cent above the data."""
    top = max([end for end in ends if np.isfinite(end)], default=1.0)
    limit = (0.0, min(1.0, np.ceil(10 * top + 0.2) / 10))
    (axes.set_xlim if which == "x" else axes.set_ylim)(*limit)
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")


def _name_ends(axes: "Axes", ends: Sequence[tuple[str, ArmStyle, float, float]]) -> None:
    """Label every curve to the right of its end, without overlaps."""
    low, high = axes.get_ylim()
    places = _apart([(y - low) / (high - low) if np.isfinite(y) else 0.0 for _, _, _, y in ends])
    for (name, look, _, _), place in zip(ends, places, strict=True):
        axes.annotate(
            name,
            xy=(1.0, place),
            xycoords="axes fraction",
            xytext=(8, 0),
            textcoords="offset points",
            color=look.color,
            va="center",
            fontsize=9.5,
            fontweight="bold",
            parse_math=False,
            annotation_clip=False,
        )


def _apart(places: Sequence[float]) -> list[float]:
    """Move label positions as little as possible so that they do not overlap."""
    order = sorted(range(len(places)), key=lambda at: places[at])
    moved = [places[at] for at in order]
    for _ in range(200):
        is_moving = False
        for lower in range(len(moved) - 1):
            gap = moved[lower + 1] - moved[lower]
            if gap < _MIN_GAP - 1e-6:
                push = (_MIN_GAP - gap) / 2
                moved[lower], moved[lower + 1] = moved[lower] - push, moved[lower + 1] + push
                is_moving = True
        if moved and moved[0] < 0:
            moved[0] = 0.0
        if not is_moving:
            break
    found = [0.0] * len(places)
    for place, at in zip(moved, order, strict=True):
        found[at] = place
    return found
