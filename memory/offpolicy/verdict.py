"""The promotion gate's report and verdict: the rule by which settings are promoted.

All of this must hold:

a. On held-out events the log loss is lower than that of the settings that serve: the interval of the gain lies above
   0, at the confidence below.
b. So it is against the best control that knows no case (a constant, the task alone, the same estimator without cases).
   Settings that merely learn less from noise pass (a), and cannot pass this.
c. Within a question the better set scores higher: the interval lies above 0, once 50 questions tell. Neither
   difficulty nor what similarity reveals of it can help there.
d. Outcomes shuffled by question are not foretold, which would be a leak.
e. The probes find no credit for cases that cannot have helped (probes.py).

One judgement of 95 % lets noise pass (a) with a chance of at most 1 in 40: two rules of the same true log loss were
told apart, either way round, in 0.0 to 3.2 % of 1,000 trials per setting (mean 1.5 %; 20 to 60 questions, success in 50
to 90 %, questions asked once or often; `python -m benchmarks.interval_coverage`). But whoever judges again after every
night's outcomes, until something passes, gets there with noise. So the n-th judgement against the same serving settings
leaves only 1/40 / (n (n + 1)) beyond the limit of (a) and (b): over all judgements, however many, at most 1 in 40. The
ledger counts them, refusals included; the report has the number and the confidence. Judge when outcomes have grown by
a good part rather than daily: each judgement asks more of the next. A refusal costs nothing else: the settings that
serve go on learning from every outcome.
"""

from typing import NamedTuple

from memento.memory.offpolicy.figures import Figures, Table
from memento.memory.offpolicy.probes import MAX_CREDITED, Probed
from memento.memory.offpolicy.within_question import ENOUGH
from memento.memory.stats import Interval


class Within(NamedTuple):
    """Whether the better set of one question scores higher; see `WithinQuestion`."""

    over_chance: Interval
    n_questions: int
    is_enough: bool


class Report(NamedTuple):
    """Report of the gate: figures and verdict."""

    is_better: bool
    reason: str
    """In one sentence."""
    settings: dict[str, float]
    """The settings chosen; what deviates from the built-in ones."""
    n_outcomes: int
    n_tried: int
    """Settings tried beside those that serve."""
    look: int
    """Which judgement against these serving settings it is, from 1."""
    confidence: float
    """Of the intervals of both gains: .975 at the first judgement, more at each later one."""
    gain: Interval
    """Log loss of the serving settings less that of the chosen ones, in the second half."""
    best_caseless: str
    gain_over_caseless: Interval
    by_time: Table
    """The second half, questions never asked before."""
    by_question: Table
    """All outcomes, each predicted by an estimator that learned from other questions."""
    within_question: Within
    shuffled: Figures
    """The same estimator taught and tested with shuffled outcomes, by question."""
    probes: list[Probed]


def judged(report: Report) -> Report:
    """Complete the report with its verdict."""
    objection = _objection(report)
    return report._replace(is_better=objection is None, reason=objection or _praise(report))


def _objection(report: Report) -> str | None:
    """The first reason against a promotion, or None."""
    within, caseless = report.within_question, report.best_caseless
    if report.n_tried == 0:
        return "there are no other settings to try"
    if not report.gain.low > 0:
        return f"no better than what serves on held-out events: log loss gain {report.gain}, {_judgement(report)}"
    if not report.gain_over_caseless.low > 0:
        return (
            f"no better than the control that knows no case ({caseless}): log loss gain {report.gain_over_caseless}, "
            f"{_judgement(report)}"
        )
    if within.is_enough and not within.over_chance.low > 0:
        return (
            f"within a question the better cases do not score higher: {within.over_chance} over chance on "
            f"{within.n_questions} questions, at least {ENOUGH} tell; difficulty may be all that was learned"
        )
    if report.shuffled.auc.low > 0.5:
        return f"shuffled outcomes are predicted with AUC {report.shuffled.auc}: something leaks"
    for probe in report.probes:
        if not probe.is_passed and probe.share is None:
            return f"the {probe.probe} probe could not judge: {probe.problem}"
        if not probe.is_passed:
            return (
                f"{probe.share:.0%} of {probe.n_cases} {probe.probe} cases get credit, at most {MAX_CREDITED:.0%} may"
            )
    return None


def _praise(report: Report) -> str:
    return (
        f"log loss is lower by {report.gain} than with what served, on {report.by_time.n_outcomes} held-out outcomes, "
        f"{_judgement(report)}"
    )


def _judgement(report: Report) -> str:
    return f"judgement {report.look} against these settings ({100 * report.confidence:.4g} % interval)"
