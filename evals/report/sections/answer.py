"""Main result: each arm against the control, with its interval; a null result is called one."""

from memento.evals.report.blocks import ArmFinding, Findings, Note, PageBlock, PictureBlock, Section
from memento.evals.report.drawing import draw
from memento.evals.report.formatting import counted, listed, orders
from memento.evals.report.plots import Dot, differences, height_of
from memento.evals.report.view import View
from memento.evals.statistics.comparison import SIGNIFICANT, Comparison
from memento.evals.statistics.figure import percent

_FEW = 4
"""Arms that a sentence can name."""


def answer(view: View) -> Section:
    """Show whether memory helps, by how much, and how certain that is."""
    summary, blocks = view.summary, list[PageBlock]()
    if not view.is_complete:
        blocks.append(Note(_unfinished(view), "warning"))
    blocks += [Note(_headline(view), "lead"), Note(_counting(view), "aside")]
    verdicts = {one.arm: one for one in summary.comparisons}
    rows = []
    for arm in summary.arms:
        value = f"{percent(arm.reward.weighted.interval)} solved"
        if (compared := verdicts.get(arm.arm)) is None:
            rows.append(ArmFinding(arm.arm, value, "the control" if summary.comparisons else ""))
        else:
            rows.append(ArmFinding(arm.arm, value, compared.verdict, is_shown=is_shown(compared)))
    blocks.append(Findings(rows))
    if summary.comparisons:
        blocks.append(_picture(view))
    return Section("answer", "Does memory help?", blocks)


def is_shown(compared: Comparison) -> bool:
    """Whether a difference is significant after the Holm correction for several comparisons."""
    return compared.weighted.excludes_zero and compared.p_holm < SIGNIFICANT


def _headline(view: View) -> str:
    summary = view.summary
    if not summary.comparisons:
        return "This run has one arm, and nothing to compare it with."
    policy = next(arm.policy for arm in view.plan.arms if arm.name == view.control)
    control = f"the control ({view.control}, {'which has no memory' if policy == 'none' else 'the first arm'})"
    better = [one.arm for one in summary.comparisons if is_shown(one) and one.weighted.value > 0]
    worse = [one.arm for one in summary.comparisons if is_shown(one) and one.weighted.value < 0]
    level = [one.arm for one in summary.comparisons if not is_shown(one)]
    n, found = len(summary.comparisons), list[str]()
    for names, word in ((better, "more"), (worse, "fewer")):
        if names:
            verb = "solves" if len(names) == 1 else "solve"
            found.append(f"{_named(names, n)} {verb} {word} questions than {control}.")
            control = "the control"
    if level:
        whose = f"any of {len(level)} arms" if n == len(level) > _FEW else listed(level)
        found.append(f"For {whose} no difference from {control} is shown.")
    return " ".join(found)


def _named(names: list[str], n_arms: int) -> str:
    return f"All {n_arms} other arms" if n_arms == len(names) > _FEW else listed(names)


def _counting(view: View) -> str:
    n_questions = max(arm.n_questions for arm in view.summary.arms)
    n_seeds = len(view.summary.seeds)
    same = "" if len(view.summary.arms) == 1 else ", the same for all arms"
    return (
        f"Counted are first encounters only: each of {counted(n_questions, 'question')} when an arm meets it for the "
        f"first time, before anything was learned from it, in {orders(n_seeds)}{same}. Brackets are 95 % intervals; a "
        f"difference whose interval holds 0 is no difference shown, and with several arms it must also stand a "
        f"correction for their number."
    )


def _picture(view: View) -> PictureBlock:
    found = view.summary.comparisons
    rows = [Dot(one.arm, view.looks[one.arm], one.weighted, is_hollow=not is_shown(one)) for one in found]
    drawing = draw(
        "differences",
        f"Difference of each arm from {view.control}, with 95 % intervals",
        lambda axes: differences(axes, rows, x="percentage points more than the control"),
        size=(8.2, height_of(len(rows))),
    )
    n_questions = max(one.n_questions for one in found)
    return PictureBlock(
        drawing,
        f"How many more of its questions each arm solves than the control ({view.control}), at the first encounter; "
        f"right of 0 is better. Lines are 95 % intervals of the mean difference over "
        f"{counted(n_questions, 'question')}, paired by question and order; hollow dots are no difference shown.",
    )


def _unfinished(view: View) -> str:
    n, planned = len(view.results), view.n_planned
    done = (
        f"{n:,} of {planned:,} results are there ({100 * n / planned:.0f} %)" if planned else f"{n:,} results are there"
    )
    return f"This run is not finished: {done}. All figures are of these alone, and will change."
