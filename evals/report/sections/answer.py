"""The answer: each arm against the control, with its interval, and a null called a null."""

from memento.evals.report.blocks import Block, Finding, Findings, Note, Picture, Section
from memento.evals.report.drawing import draw
from memento.evals.report.plots import Dot, differences, height_of
from memento.evals.report.view import View
from memento.evals.report.words import counted, listed
from memento.evals.statistics.comparison import SIGNIFICANT, Comparison
from memento.evals.statistics.figure import percent


def answer(view: View) -> Section:
    """Does memory help, by how much, and how sure is that?"""
    summary, blocks = view.summary, list[Block]()
    if not view.is_complete:
        blocks.append(Note(_unfinished(view), is_warning=True))
    blocks.append(Note(_headline(view)))
    verdicts = {one.arm: one for one in summary.comparisons}
    rows = []
    for arm in summary.arms:
        value = f"{percent(arm.reward.weighted.interval)} solved"
        if (compared := verdicts.get(arm.arm)) is None:
            rows.append(Finding(arm.arm, value, "the control" if summary.comparisons else ""))
        else:
            rows.append(Finding(arm.arm, value, compared.verdict, is_shown=is_shown(compared)))
    blocks.append(Findings(rows))
    if summary.comparisons:
        blocks.append(_picture(view))
    return Section("answer", "Does memory help?", blocks)


def is_shown(compared: Comparison) -> bool:
    """Whether a difference is more than chance, the number of comparisons considered."""
    return compared.weighted.excludes_zero and compared.p_holm < SIGNIFICANT


def _headline(view: View) -> str:
    summary, control = view.summary, view.control
    n_seeds = counted(len(summary.seeds), "order")
    counting = (
        f"Counted are first encounters only: every question when an arm meets it for the first time, before anything "
        f"was learned from it. Each arm saw the same {counted(view.plan.n_tasks, 'question')} in the same {n_seeds} of "
        f"the tasks. Brackets are 95 % intervals; a difference whose interval holds 0 is no difference shown."
    )
    if not summary.comparisons:
        return f"This run has one arm, and nothing to compare it with. {counting}"
    better = [one.arm for one in summary.comparisons if is_shown(one) and one.weighted.value > 0]
    worse = [one.arm for one in summary.comparisons if is_shown(one) and one.weighted.value < 0]
    level = [one.arm for one in summary.comparisons if not is_shown(one)]
    found = []
    if better:
        found.append(f"{listed(better)} {_verb(better, 'solves', 'solve')} more questions than {control}.")
    if worse:
        found.append(f"{listed(worse)} {_verb(worse, 'solves', 'solve')} fewer questions than {control}.")
    if level:
        found.append(f"Between {listed(level)} and {control} no difference is shown.")
    return f"{' '.join(found)} {counting}"


def _picture(view: View) -> Picture:
    rows = [Dot(one.arm, view.looks[one.arm], one.weighted) for one in view.summary.comparisons]
    drawing = draw(
        "differences",
        f"Difference of each arm from {view.control}, with 95 % intervals",
        lambda axes: differences(axes, rows, x=f"percentage points more than {view.control}"),
        size=(8.2, height_of(len(rows))),
    )
    pairs = view.summary.comparisons[0]
    return Picture(
        drawing,
        f"How many more of its questions each arm solves than {view.control}, at the first encounter; right of 0 is "
        f"better. Lines are 95 % intervals of the mean difference over {counted(pairs.n_questions, 'question')}, "
        f"paired by question and order; hollow dots are no difference shown.",
    )


def _unfinished(view: View) -> str:
    n, planned = len(view.results), view.n_planned
    done = f"{n:,} of {planned:,} results are there ({n / planned:.0%})" if planned else f"{n:,} results are there"
    return f"This run is not finished: {done}. All figures are of these alone, and will change."


def _verb(names: list[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several
