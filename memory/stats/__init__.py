"""Confidence intervals that resample whole questions, and orders of tasks: the only interval engine of the project.

Rows of one question share its outcome, so rows are not independent evidence: the question is the unit everywhere. Where
a memory makes the order of tasks count, the order is a unit, too. What the intervals cover, beside the textbook's
methods, is measured by `python -m benchmarks.interval_coverage` and `python -m benchmarks.bootstrap_coverage`.

interval.py  a figure with its 95 % interval
ratios.py    means, rates and ratios of sums, paired differences among them: Bayesian bootstrap of questions
orders.py    the same of tables of questions and orders: both are drawn anew
student.py   Student's t for whole degrees of freedom
rows.py      any other statistic of rows, such as AUC: bootstrap of whole groups
terms.py     means of terms of very unequal weight, such as off-policy estimates: Student's t over groups
betting.py    bounds of a mean that hold at every look: a confidence sequence
decisions.py  corrections where many figures decide, or one that is looked at again and again
"""

from memento.memory.stats.decisions import (
    chosen_by_evidence,
    harm_evidence,
    holm,
    tail_at_look,
    two_sided_p,
    widened,
)
from memento.memory.stats.interval import UNDEFINED, Interval
from memento.memory.stats.orders import (
    NO_ESTIMATE,
    IntervalUnit,
    TableEstimate,
    difference_of,
    table_mean,
    table_ratios,
    unit_of,
)
from memento.memory.stats.ratios import (
    GUARANTEED,
    RESAMPLES,
    SHARE,
    USUAL,
    Draws,
    difference_ends,
    interval,
    macro_draws,
    macro_interval,
    macro_mean,
    mean_draws,
    mean_interval,
    ratio_draws,
    ratio_interval,
)
from memento.memory.stats.rows import Statistic, paired_interval, statistic_interval, statistic_intervals
from memento.memory.stats.student import t_quantile, two_sided_t_p
from memento.memory.stats.terms import Floats, effective_size, error_of_terms, mean_of_terms, standard_error, student_t

__all__ = [
    "GUARANTEED",
    "NO_ESTIMATE",
    "RESAMPLES",
    "SHARE",
    "UNDEFINED",
    "USUAL",
    "Draws",
    "Floats",
    "Interval",
    "IntervalUnit",
    "Statistic",
    "TableEstimate",
    "chosen_by_evidence",
    "difference_ends",
    "difference_of",
    "effective_size",
    "error_of_terms",
    "harm_evidence",
    "holm",
    "interval",
    "macro_draws",
    "macro_interval",
    "macro_mean",
    "mean_draws",
    "mean_interval",
    "mean_of_terms",
    "paired_interval",
    "ratio_draws",
    "ratio_interval",
    "standard_error",
    "statistic_interval",
    "statistic_intervals",
    "student_t",
    "t_quantile",
    "table_mean",
    "table_ratios",
    "tail_at_look",
    "two_sided_p",
    "two_sided_t_p",
    "unit_of",
    "widened",
]
