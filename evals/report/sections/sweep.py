"""K ablation: accuracy by number of cases, for arms that differ only in k."""

from memento.evals.report.blocks import PictureBlock, Section
from memento.evals.report.drawing import draw
from memento.evals.report.plots import Series, curves
from memento.evals.report.view import View
from memento.evals.runs.arm import Arm
from memento.memory.stats import Interval


def k_sweep(view: View) -> Section | None:
    """Plot accuracy against k, a curve for each group of arms that differ only in k."""
    accuracy = {arm.arm: arm.reward.weighted.interval for arm in view.summary.arms}
    groups: dict[str, list[tuple[int, str]]] = {}
    for arm in view.plan.arms:
        k = arm.settings.get("k", view.plan.settings.get("k"))
        if k is not None and arm.name in accuracy:
            groups.setdefault(_without_k(arm), []).append((k, arm.name))
    swept = {name: sorted(arms) for name, arms in groups.items() if len({k for k, _ in arms}) > 1}
    if not swept:
        return None
    series = [
        Series(name, view.looks[arms[-1][1]], [k for k, _ in arms], [accuracy[arm] for _, arm in arms])
        for name, arms in swept.items()
    ]
    base = (
        accuracy.get(view.control) if view.control not in {arm for arms in swept.values() for _, arm in arms} else None
    )
    if base is not None:
        ks = sorted({k for arms in swept.values() for k, _ in arms})
        flat: list[Interval] = [base] * len(ks)
        series.insert(0, Series(view.control, view.looks[view.control], ks, flat))
    drawing = draw(
        "k-sweep",
        "Accuracy against the number of cases shown",
        lambda axes: curves(
            axes, series, x="cases shown at most (k)", y="solved at the first encounter", is_marked=True
        ),
        size=(8.2, 3.8),
    )
    caption = (
        f"Weighted accuracy at the first encounter against how many cases the planner is shown at most, for arms "
        f"that differ in nothing else. Whiskers are 95 % intervals over {view.over}; each point is an arm of its "
        f"own, with a memory of its own."
    )
    against = f" The control ({view.control}) is drawn at the same height throughout." if base is not None else ""
    return Section("k", "How many cases?", [PictureBlock(drawing, caption + against)])


def _without_k(arm: Arm) -> str:
    rest = ",".join(f"{name}={value}" for name, value in sorted(arm.settings.items()) if name != "k")
    return f"{arm.policy}:{rest}" if rest else arm.policy
