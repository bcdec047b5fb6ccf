"""Paired differences: each arm against the control on the same questions in the same orders."""

import math

from memento.evals.report.blocks import Grid, Note, Section
from memento.evals.report.formatting import UNKNOWN, counted, gain
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
        f"Each arm minus the control ({view.control}), in percentage points, on the same questions in the same "
        f"orders of the tasks; first encounters. Brackets are 95 % intervals over {view.over}, so that the chance of "
        f"which were drawn is in them: the wider of a bootstrap and of Student's t over orders.{correction} Pairs "
        f"without a known outcome on both sides are left out and counted."
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
    if one.is_shown:
        return "better" if one.weighted.value > 0 else "worse"
    if math.isnan(one.weighted.value):
        return "nothing to compare"
    if not one.has_verdict:
        return "too few orders to tell"
    return "not shown after correction" if one.weighted.excludes_zero else "no difference shown"


def _p(value: float) -> str:
    if math.isnan(value):
        return UNKNOWN
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _power(found: list[Comparison]) -> str:
    known: list[Power] = [one.power for one in found if one.power.sd > 0]
    if not known:
        return "How many questions a difference needs cannot be told: the arms did not differ on any question."
    told = [one for one in known if not math.isnan(one.detectable)]
    if not told:
        return (
            "How many orders and questions a difference needs cannot be told from one order of the tasks: the spread "
            "between orders is not known, and more questions do not make it smaller."
        )
    worst = max(told, key=lambda one: one.detectable)
    have = counted(worst.n_questions, "question")
    if worst.is_ordered:
        have = f"{have} in {worst.n_orders} orders"
    return (
        f"What this run could show: with {have}, a true difference of {100 * worst.detectable:.1f} points or more "
        f"would be found four times out of five (80 % power, 5 % two-sided, for the arm that varies most). A "
        f"difference of {100 * worst.target:g} points needs {_needed(worst)}. A smaller one may well be there and "
        f"not be shown.{_spread(worst)}"
    )


def _needed(power: Power) -> str:
    if not power.is_ordered:
        return counted(power.n_needed or 0, "question")
    if power.orders_needed is None and power.n_needed is None:
        return "both more orders and more questions: neither alone is enough"
    if power.orders_needed is None:
        more = f"{counted(power.n_needed or 0, 'question')} in as many orders"
        return f"{more}; more orders of these questions alone are never enough"
    more = f"{power.orders_needed:,} orders of as many questions"
    if power.n_needed is None:
        return f"{more}; more questions alone are never enough, since they leave the spread between orders as it is"
    return f"{more}, or {counted(power.n_needed, 'question')} in as many orders"


def _spread(power: Power) -> str:
    if not power.is_ordered:
        return ""
    return (
        f" Behind this are standard deviations of {100 * power.order_sd:.1f} points between orders, "
        f"{100 * power.question_sd:.1f} between questions and {100 * power.residual_sd:.1f} of a single result "
        f"beyond both; with few orders they are rough."
    )
