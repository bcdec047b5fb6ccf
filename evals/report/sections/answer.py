"""Main result: each arm against the control, with its interval; a null result is called one."""

from memento.evals.report.blocks import ArmFinding, Findings, Grid, Note, PageBlock, PictureBlock, Section
from memento.evals.report.drawing import draw
from memento.evals.report.formatting import counted, gain, listed, orders, shortened
from memento.evals.report.plots import Dot, differences, height_of
from memento.evals.report.view import View
from memento.evals.statistics.domains import MIN_QUESTIONS
from memento.evals.statistics.figure import percent
from memento.evals.statistics.orders import MIN_ORDERS

_FEW = 4
"""Arms that a sentence can name."""


def answer(view: View) -> Section:
    """Show whether memory helps, by how much, and how certain that is."""
    summary, blocks = view.summary, list[PageBlock]()
    if not view.is_complete:
        blocks.append(Note(_unfinished(view), "warning"))
    if not view.has_verdicts:
        blocks.append(Note(_too_few(view), "warning"))
    blocks += [Note(text, "lead") for text in (_headline(view), _worst(view)) if text]
    blocks.append(Note(_counting(view), "aside"))
    verdicts = {one.arm: one for one in summary.comparisons}
    rows = []
    for arm in summary.arms:
        value = f"{percent(arm.reward.weighted.interval)} solved"
        if (compared := verdicts.get(arm.arm)) is None:
            rows.append(ArmFinding(arm.arm, value, "the control" if summary.comparisons else ""))
        else:
            rows.append(ArmFinding(arm.arm, value, compared.verdict, is_shown=compared.is_shown))
    blocks.append(Findings(rows))
    if summary.comparisons:
        blocks += [_picture(view), *_by_worst(view)]
    return Section("answer", "Does memory help?", blocks)


def _headline(view: View) -> str:
    summary = view.summary
    if not summary.comparisons:
        return "This run has one arm, and nothing to compare it with."
    control = f"the control ({view.control}, {'which has no memory' if _is_bare(view) else 'the first arm'})"
    better = [one.arm for one in summary.comparisons if one.is_shown and one.weighted.value > 0]
    worse = [one.arm for one in summary.comparisons if one.is_shown and one.weighted.value < 0]
    level = [one.arm for one in summary.comparisons if one.has_verdict and not one.is_shown]
    untold = [one.arm for one in summary.comparisons if not one.has_verdict]
    n, found = len(summary.comparisons), list[str]()
    for names, word in ((better, "more"), (worse, "fewer")):
        if names:
            verb = "solves" if len(names) == 1 else "solve"
            found.append(f"{_named(names, n)} {verb} {word} questions than {control}.")
            control = "the control"
    if untold:
        whose = f"any of {len(untold)} arms" if n == len(untold) > _FEW else listed(untold)
        found.append(f"There are too few orders of the tasks to tell whether {whose} differs from {control}.")
        control = "the control"
    if level:
        whose = f"any of {len(level)} arms" if n == len(level) > _FEW else listed(level)
        found.append(f"For {whose} no difference from {control} is shown.")
    return " ".join(found)


def _is_bare(view: View) -> bool:
    return next(arm.policy for arm in view.plan.arms if arm.name == view.control) == "none"


def _too_few(view: View) -> str:
    n = view.n_orders
    why = (
        "What this order let a memory discover early has decided the rest of it: intervals are of this order alone, "
        "and another may well turn a difference round."
        if n < 2
        else "What an order lets a memory discover early decides the rest of it: so few orders say little of others."
    )
    return (
        f"No verdict: the tasks came in {orders(n)}, and one on an arm with a memory needs {MIN_ORDERS} (--seeds "
        f"{MIN_ORDERS}). {why}"
    )


def _worst(view: View) -> str:
    """Whether an arm does worse anywhere: the worst source's difference."""
    found = [one for one in view.summary.comparisons if one.worst is not None]
    if not found:
        return ""
    question = "Worse than no memory anywhere?" if _is_bare(view) else "Worse than the control anywhere?"
    if len(found) > _FEW:
        least = min(found, key=lambda one: one.worst.difference.value if one.worst else 0.0)
        return f"{question} Lowest of {len(found)} arms is {least.arm}, {least.worst}."
    return f"{question} " + " ".join(f"{one.arm}, {one.worst}." for one in found)


def _by_worst(view: View) -> list[PageBlock]:
    found = [(one, one.worst) for one in view.summary.comparisons if one.worst is not None]
    if max((worst.n_sources for _, worst in found), default=1) < 2:
        return []
    caption = (
        f"The source in which each arm does worst against the control ({view.control}), paired, in percentage points. "
        f"Brackets are the 95 % interval of the smallest difference of all sources, over {view.over}: its lower end "
        f"needs no correction for their number, since all must be above it; its upper end is corrected (Bonferroni), "
        f"since any of them could be below it by chance. Sources of fewer than {MIN_QUESTIONS} questions are taken "
        f"together."
    )
    rows = [
        [one.arm, shortened(worst.source, 60), f"{worst.n_questions:,}", gain(worst.difference), worst.verdict]
        for one, worst in found
    ]
    return [Grid(caption, ["arm", "worst source", "questions", "difference", "verdict"], rows, arms=True)]


def _named(names: list[str], n_arms: int) -> str:
    return f"All {n_arms} other arms" if n_arms == len(names) > _FEW else listed(names)


def _counting(view: View) -> str:
    n_questions = max(arm.n_questions for arm in view.summary.arms)
    n_seeds = len(view.summary.seeds)
    same = "" if len(view.summary.arms) == 1 else ", the same for all arms"
    over = f"{view.over}, those of arms without a memory over questions" if view.over != "questions" else "questions"
    return (
        f"Counted are first encounters only: each of {counted(n_questions, 'question')} when an arm meets it for the "
        f"first time, before anything was learned from it, in {orders(n_seeds)}{same}. Brackets are 95 % intervals "
        f"over {over}; a difference whose interval holds 0 is no difference shown, and with several arms it must "
        f"also stand a correction for their number."
    )


def _picture(view: View) -> PictureBlock:
    found = view.summary.comparisons
    rows = [Dot(one.arm, view.looks[one.arm], one.weighted, is_hollow=not one.is_shown) for one in found]
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
        f"{counted(n_questions, 'question')}, paired by question and order, over {view.over}; hollow dots are no "
        f"difference shown, or too few orders to tell.",
    )


def _unfinished(view: View) -> str:
    n, planned = len(view.results), view.n_planned
    done = (
        f"{n:,} of {planned:,} results are there ({100 * n / planned:.0f} %)" if planned else f"{n:,} results are there"
    )
    return f"This run is not finished: {done}. All figures are of these alone, and will change."
