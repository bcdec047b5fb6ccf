"""Paired differences: each arm against the control on the same questions in the same orders."""

import math

from memento.evals.report.blocks import Grid, Note, Section
from memento.evals.report.formatting import UNKNOWN, counted, gain
from memento.evals.report.sections.answer import is_shown
from memento.evals.report.view import View
from memento.evals.statistics.comparison import Comparison
from memento.evals.statistics.power import Power


def paired_differences(view: View) -> Section | None:
    """Show the table, and the differences that this number of questions can detect."""
    found = view.summary.comparisons
    if not found:
        return None
    n_tests = found[0].n_comparisons
    correction = (
        f" p is two-sided, from the resamples; p (Holm) is corrected for the {n_tests} comparisons of this table."
        if n_tests > 1
        else " p is two-sided, from the resamples."
    )
    caption = (
        f"Each arm minus the control ({view.control}), in percentage points, on the same questions in the same orders "
        f"of the tasks; first encounters. Brackets are 95 % intervals of a bootstrap that resamples questions, so that "
        f"the chance of which questions were asked is in them.{correction} Pairs without a known outcome on both sides "
        f"are left out and counted."
    )
    head = [
        *("arm", "difference,\nweighted", "difference,\nmacro", "p", "p\n(Holm)"),
        *("questions", "pairs", "pairs\nleft out", "verdict"),
    ]
    return Section(
        "pairs",
        "Paired differences",
        [Grid(caption, head, [_row(one) for one in found], arms=True), Note(_power(found))],
    )


def _row(one: Comparison) -> list[str]:
    return [
        one.arm,
        gain(one.weighted),
        gain(one.macro),
        _p(one.p),
        _p(one.p_holm),
        f"{one.n_questions:,}",
        f"{one.n_pairs:,}",
        f"{one.n_unknown + one.n_unpaired:,}",
        verdict_of(one),
    ]


def verdict_of(one: Comparison) -> str:
    """Return the verdict without its figures."""
    if is_shown(one):
        return "better" if one.weighted.value > 0 else "worse"
    if math.isnan(one.weighted.value):
        return "nothing to compare"
    return "not shown after correction" if one.weighted.excludes_zero else "no difference shown"


def _p(value: float) -> str:
    if math.isnan(value):
        return UNKNOWN
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _power(found: list[Comparison]) -> str:
    known: list[Power] = [one.power for one in found if one.power.n_needed is not None]
    if not known:
        return "How many questions a difference needs cannot be told: the arms did not differ on any question."
    worst = max(known, key=lambda one: one.n_needed or 0)
    needed = worst.n_needed or 0
    return (
        f"What this run could show: with {counted(worst.n_questions, 'question')}, a true difference of "
        f"{100 * worst.detectable:.1f} points or more would be found four times out of five (80 % power, 5 % "
        f"two-sided, for the arm that varies most). A difference of {100 * worst.target:g} points needs "
        f"{counted(needed, 'question')}. A smaller one may well be there and not be shown."
    )
