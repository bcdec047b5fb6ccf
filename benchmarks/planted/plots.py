"""The figures as pictures: success over time, regret, and how estimated effects compare with true ones."""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import stats

from benchmarks.planted.figures import MIN_EXPOSURES, Results, mean, ranking
from benchmarks.planted.stream import ORACLE

_N_WINDOWS = 30
_MIN_SEEDS = 5
"""Fewer make no band: it would fill the panel."""

_COLOURS = {
    "none": "0.55",
    "random": "0.75",
    "similarity": "tab:blue",
    "similarity_reward": "tab:cyan",
    "parametric": "tab:orange",
    "soft": "tab:brown",
    "kernel": "tab:green",
    "memrl": "tab:purple",
    "romerl": "tab:pink",
    "cascade": "tab:olive",
    "uplift": "goldenrod",
    "advantage": "tab:red",
    "oracle": "black",
}


def save_plots(results: Results, folder: Path, *, judged: str) -> list[Path]:
    """Write the pictures that the cells can tell about.

    Args:
        results: the cells.
        folder: where the files go.
        judged: the policy whose estimates are drawn.

    Returns:
        The files.
    """
    mpl.use("Agg")
    figures = {"success": _success(results)}
    if ORACLE in results.policies:
        figures["regret"] = _regret(results)
    if _tells_effects(results, judged):
        figures["spearman"] = _spearman(results, judged)
        figures["effects"] = _effects(results, judged)
    paths: list[Path] = []
    for name, figure in figures.items():
        path = folder / f"planted_{name}.png"
        figure.savefig(path, dpi=110)
        paths.append(path)
    return paths


def _success(results: Results) -> Figure:
    def draw(axes: Axes, scenario: str) -> None:
        common_SW = np.mean([_windows(results, scenario, policy) for policy in results.policies], axis=0)
        for policy in results.policies:
            windows_SW = _windows(results, scenario, policy)
            _line(axes, policy, windows_SW, common_SW, _steps(results, windows_SW, middle=True))

    return _panels(results, draw, title="Success over time", note=_bands(results), y="probability of success", x="task")


def _regret(results: Results) -> Figure:
    def draw(axes: Axes, scenario: str) -> None:
        best_SW = _windows(results, scenario, ORACLE)
        step_W = _steps(results, best_SW, middle=False)
        lost = {
            policy: np.cumsum(best_SW - _windows(results, scenario, policy), axis=1) * step_W[0]
            for policy in results.policies
            if policy != ORACLE
        }
        for policy, lost_SW in lost.items():
            _line(axes, policy, lost_SW, np.mean(list(lost.values()), axis=0), step_W)
        axes.set_ylim(bottom=0)

    return _panels(results, draw, title="Regret against the oracle", note=_bands(results), y="successes lost", x="task")


def _spearman(results: Results, judged: str) -> Figure:
    figure = Figure(figsize=(9, 4.8), layout="constrained")
    axes = figure.subplots()
    place_X = np.arange(len(results.scenarios))
    ranked = [ranking(results.cells(scenario, judged)) for scenario in results.scenarios]
    for offset, label, colour, values in (
        (-0.2, f"{judged}: estimated effects", _COLOURS.get(judged, "tab:purple"), [r.estimated_S for r in ranked]),
        (0.2, "mean reward of the case's tasks (shared labels)", "0.7", [r.shared_label_S for r in ranked]),
    ):
        intervals = [mean(one) for one in values]
        height = [one.value for one in intervals]
        error = np.array([(one.value - one.low, one.high - one.value) for one in intervals]).T
        axes.bar(place_X + offset, height, 0.4, yerr=error, color=colour, label=label, capsize=3)
    axes.axhline(0.45, color="black", linestyle="--", linewidth=1, label="bar: 0.45")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(place_X, results.scenarios)
    axes.set_ylabel(f"Spearman correlation with the true effect\n(cases served at least {MIN_EXPOSURES} times)")
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3, fontsize=9)
    axes.set_title(f"Ranking of case effects ({_note(results)}, 95 % intervals over seeds)")
    _plain(axes)
    return figure


def _effects(results: Results, judged: str) -> Figure:
    def draw(axes: Axes, scenario: str) -> None:
        points: list[tuple[float, float]] = []
        for cell in results.cells(scenario, judged):
            columns = zip(cell.cases.exposures, cell.cases.true_effect, cell.cases.effect, strict=True)
            points += [(true, told) for n, true, told in columns
                       if n >= MIN_EXPOSURES and true is not None and told is not None]  # fmt: skip
        if not points:
            return
        true_M, told_M = np.array(points).T
        ends = float(min(true_M.min(), told_M.min())), float(max(true_M.max(), told_M.max()))
        axes.plot(ends, ends, color="0.5", linewidth=0.8, linestyle="--")
        axes.scatter(true_M, told_M, s=6, alpha=0.3, linewidths=0, color=_COLOURS.get(judged, "tab:purple"))
        axes.text(0.04, 0.93, f"{len(points):,} cases", transform=axes.transAxes, fontsize=9)

    title = f"{judged}: estimated and true effects of cases served at least {MIN_EXPOSURES} times"
    axes_names = {"x": "true effect (logits)", "y": "estimated effect (logits)"}
    return _panels(results, draw, title=title, note=_note(results), **axes_names, is_keyed=False)


def _panels(
    results: Results, draw: Callable[[Axes, str], None], *, title: str, note: str, y: str, x: str, is_keyed: bool = True
) -> Figure:
    """One panel per scenario, a common key below."""
    n_columns = min(3, len(results.scenarios))
    n_rows = -(-len(results.scenarios) // n_columns)
    figure = Figure(figsize=(4.2 * n_columns, 3.3 * n_rows + 0.9), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    for axes, scenario in zip(grid.flat, results.scenarios, strict=False):
        draw(axes, scenario)
        axes.set_title(scenario, fontsize=11)
        _plain(axes)
    for axes in grid.flat[len(results.scenarios) :]:
        axes.set_visible(False)
    for axes in grid.flat[max(0, len(results.scenarios) - n_columns) : len(results.scenarios)]:
        axes.set_xlabel(x, fontsize=10)
    figure.supylabel(y, fontsize=10)
    figure.suptitle(f"{title}\n({note})", fontsize=12)
    if is_keyed:
        lines, labels = grid.flat[0].get_legend_handles_labels()
        figure.legend(lines, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=9)
    return figure


def _line(
    axes: Axes,
    policy: str,
    value_SW: NDArray[np.float64],
    common_SW: NDArray[np.float64],
    step_W: NDArray[np.float64],
) -> None:
    """Mean over seeds in its 95 % band, without what all policies of a seed have in common: seeds differ by more."""
    colour = _COLOURS.get(policy, "tab:purple")
    centre_W, n = value_SW.mean(axis=0), len(value_SW)
    axes.plot(step_W, centre_W, color=colour, label=policy, linewidth=1.6)
    if n >= _MIN_SEEDS:
        half_W = stats.t.ppf(0.975, n - 1) * (value_SW - common_SW).std(axis=0, ddof=1) / np.sqrt(n)
        axes.fill_between(step_W, centre_W - half_W, centre_W + half_W, color=colour, alpha=0.15, linewidth=0)


def _windows(results: Results, scenario: str, policy: str) -> NDArray[np.float64]:
    """Mean probability of success in each window of the stream, shape (S, W)."""
    probability_ST = np.array([cell.probability for cell in results.cells(scenario, policy)])
    windows = np.array_split(probability_ST, min(_N_WINDOWS, probability_ST.shape[1]), axis=1)
    return np.stack([window.mean(axis=1) for window in windows], axis=1)


def _steps(results: Results, value_SW: NDArray[np.float64], *, middle: bool) -> NDArray[np.float64]:
    """The middle or the end of each window, shape (W,)."""
    width = results.steps / value_SW.shape[1]
    step_W: NDArray[np.float64] = (np.arange(value_SW.shape[1]) + (0.5 if middle else 1.0)) * width
    return step_W


def _tells_effects(results: Results, judged: str) -> bool:
    return any(
        effect is not None for cell in results.cells(results.scenarios[0], judged) for effect in cell.cases.effect
    )


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)


def _note(results: Results) -> str:
    return f"simulation; {len(results.seeds)} seeds"


def _bands(results: Results) -> str:
    return f"{_note(results)}, 95 % bands without what all policies of a seed share"
