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
"""

from memento.memory.stats.interval import UNDEFINED, Interval
from memento.memory.stats.orders import NO_ESTIMATE, TableEstimate, Unit, difference_of, table_mean, table_ratios
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
from memento.memory.stats.rows import Statistic, paired_interval, statistic_interval
from memento.memory.stats.student import t_quantile, two_sided_t_p
from memento.memory.stats.terms import Floats, effective_size, mean_of_terms, standard_error, student_t

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
    "Statistic",
    "TableEstimate",
    "Unit",
    "difference_ends",
    "difference_of",
    "effective_size",
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
    "student_t",
    "t_quantile",
    "table_mean",
    "table_ratios",
    "two_sided_t_p",
]
