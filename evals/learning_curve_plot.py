"""Plots learning curves."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from memento.evals.learning_demo import SERIES, TaskScore, accuracy

WINDOW = 15
_STYLES = {
    "no memory": ("#9aa0a6", "-"),
    "similarity": ("#12a4af", "-"),
    "advantage": ("#1a73e8", "-"),
    "vote, no model": ("#e8710a", "--"),
}
_BANDS = ("no memory", "advantage")
"""Series with a band: four of them over each other cannot be told apart."""


def moving_accuracy(values: Sequence[float], *, window: int = WINDOW) -> list[float]:
    """Return the share of successes among the last `window` tasks, at every task."""
    return [float(np.mean(values[max(0, end - window) : end])) for end in range(1, len(values) + 1)]


def save_learning_curves(scores: Sequence[TaskScore], path: Path) -> None:
    """Plot all series, the model's without memory and by `advantage` with 95 % bands.

    Args:
        scores: of the whole stream.
        path: a PNG file.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.6), dpi=150)
    number = range(1, len(scores) + 1)
    for name, values in zip(SERIES, series_of(scores), strict=True):
        color, line = _STYLES[name]
        axes.plot(number, moving_accuracy(values), color=color, label=name, linewidth=2, linestyle=line)
        if name in _BANDS:
            bands = [accuracy(values[max(0, end - WINDOW) : end]) for end in number]
            low, high = [band.low for band in bands], [band.high for band in bands]
            axes.fill_between(number, low, high, color=color, alpha=0.12, linewidth=0)
    axes.axhline(1 / 6, color="#5f6368", linestyle=":", linewidth=1)
    axes.text(len(scores), 1 / 6 + 0.01, "guessing", ha="right", va="bottom", fontsize=8, color="#5f6368")
    axes.set(xlim=(1, len(scores)), ylim=(0, 1.02), xlabel="tasks done", ylabel=f"solved, of the last {WINDOW}")
    axes.set_title("The same frozen 135M model, with and without memory", loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", fontsize=9, framealpha=0.9, edgecolor="none")
    figure.text(
        0.99,
        0.01,
        "one order of the tasks; bands: 95 % intervals of this order alone",
        ha="right",
        fontsize=7,
        color="#5f6368",
    )
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)


def series_of(scores: Sequence[TaskScore]) -> list[list[float]]:
    """Return the values of each of `SERIES`."""
    return [[score[1 + at] for score in scores] for at in range(len(SERIES))]
