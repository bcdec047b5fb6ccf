"""Off-policy estimators of a policy's value (IPS, SNIPS, DM, DR), which abstain where overlap is too small.

Event i served the set S_i for the task s_i and earned r_i in [0, 1]. With the weight w = pi(S | s) / mu(S | s) of the
target pi against the logging mu, a reward model's q for the set that was served, and m, its mean over what pi serves:

    IPS    mean(w r)               unbiased where mu could have served whatever pi serves
    SNIPS  sum(w r) / sum(w)       a little bias for much less variance
    DM     mean(m)                 as good as the model; its interval knows nothing of the model's errors
    DR     mean(m + w (r - q))     unbiased like IPS, less noisy the better the model is (Dudik, Langford, Li 2011)

q and m must come from a model that has not seen the event's question (`cross_fitting`). Intervals are of the mean over
questions like the logged ones: standard errors from influence functions (SNIPS: the delta method), summed by question
because events of one question are not independent, times Student's t with as many degrees of freedom as questions carry
the weight, or the variance where those are fewer: a few heavy ones must not look like many. Each interval is of its own
figure alone; verdicts on several differences of one report are corrected for their number (service.py).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.stats import (
    effective_size,
    error_of_terms,
    mean_of_terms,
    standard_error,
    student_t,
    two_sided_p,
)

MIN_EFFECTIVE = 30.0
"""Questions' worth of evidence below which nothing is said. The intervals still cover there (93 to 100 % down to 3, in
simulation), but a reward that is right half of the time makes them 0.36 wide at 30: a narrower one is luck."""

_NEEDED = f"at least {MIN_EFFECTIVE:.0f} are needed"

MAX_UNCOVERED = 0.05
"""Share of what the target serves that the log may lack: at worst it moves an estimate by as much."""

MAX_WIDTH = 0.3
"""An interval wider than this tells nobody which policy to use."""


class Sample(NamedTuple):
    """The logged events as one target policy sees them; E events."""

    logged_E: NDArray[np.float64]
    """mu: probability with which the logging policy served this set, above 0."""
    target_E: NDArray[np.float64]
    """pi: probability with which the target would have served it."""
    reward_E: NDArray[np.float64]
    model_E: NDArray[np.float64]
    """q: the reward model's prediction for the set that was served."""
    expected_E: NDArray[np.float64]
    """m: the reward model's mean over the sets that the target serves."""
    question_E: NDArray[np.int64]
    """Number of each event's question, from 0; events of one question share it."""

    def weights(self) -> NDArray[np.float64]:
        """The weight pi / mu of each event, shape (E,)."""
        return self.target_E / self.logged_E


class Estimate(NamedTuple):
    """One estimate with its 95 % interval."""

    value: float
    low: float
    high: float
    effective: float
    """Effective sample size: questions that served just what the target serves and would tell as much."""
    n_events: int
    abstains: str | None
    """Why the figure must not be used; None when it may be."""
    p: float = float("nan")
    """Two-sided p-value of a difference, by the Student's t of its interval; nan for a value, and if it abstains."""


class Evaluation(NamedTuple):
    """Off-policy estimates (IPS, SNIPS, DM, DR) of one target policy's value."""

    ips: Estimate
    snips: Estimate
    dm: Estimate
    dr: Estimate
    mean_weight: float
    """About 1 where the log covers what the target serves; less by what it lacks."""


def evaluate(sample: Sample) -> Evaluation:
    """Estimate the target's value: mean reward over the logged tasks, had the target chosen."""
    weight_E, reward_E, question_E = sample.weights(), sample.reward_E, sample.question_E
    if not len(weight_E):
        nothing = _nothing()
        return Evaluation(nothing, nothing, nothing, nothing, 0.0)
    problem = lack_of_overlap(sample)
    effective = effective_size(weight_E, question_E)
    mean_weight = float(weight_E.mean())
    unseen = float(weight_E.max()) / len(weight_E)
    snips = float((weight_E * reward_E).sum() / weight_E.sum()) if mean_weight else 0.0
    snips_E = snips + weight_E * (reward_E - snips) / (mean_weight or 1.0)
    everybody = effective_size(np.ones(len(weight_E)), question_E)
    return Evaluation(
        ips=_mean(weight_E * reward_E, question_E, effective, unseen=unseen, problem=problem),
        snips=_mean(snips_E, question_E, effective, unseen=unseen / (mean_weight or 1.0), problem=problem),
        dm=_mean(sample.expected_E, question_E, everybody, unseen=0.0, problem=None),
        dr=_mean(_doubly_robust(sample), question_E, effective, unseen=unseen, problem=problem),
        mean_weight=mean_weight,
    )


def on_policy(reward_E: NDArray[np.float64], question_E: NDArray[np.int64]) -> Estimate:
    """The control: what the logging policy itself earned, by plain averaging."""
    if not len(reward_E):
        return _nothing()
    effective = effective_size(np.ones(len(reward_E)), question_E)
    return _mean(reward_E, question_E, effective, unseen=1 / len(reward_E), problem=None)


def difference(one: Sample, other: Sample | None) -> Estimate:
    """How much more `one` earns than `other` on the same events, by DR; than what was logged when `other` is None.

    Where both serve the same, their noise cancels, so that the interval is narrower than those of the two values. That
    it is wide is no reason to abstain here: it says by itself whether it excludes 0.
    """
    if not len(one.reward_E):
        return _nothing()
    samples = [one] if other is None else [one, other]
    theirs_E = one.reward_E if other is None else _doubly_robust(other)
    their_weight_E = np.ones(len(theirs_E)) if other is None else other.weights()
    term_E = _doubly_robust(one) - theirs_E
    effective = min(effective_size(sample.weights(), sample.question_E) for sample in samples)
    unseen = float(np.abs(one.weights() - their_weight_E).max()) / len(theirs_E)
    found = _mean(
        term_E,
        one.question_E,
        effective,
        unseen=unseen,
        problem=next((problem for sample in samples if (problem := lack_of_overlap(sample))), None),
        max_width=np.inf,
    )
    if found.abstains is not None:
        return found
    least = _least_error(found.value, unseen)
    error, freedom = error_of_terms(term_E, one.question_E, effective=effective, least_error=least)
    return found._replace(p=two_sided_p(found.value, error, freedom))


def lack_of_overlap(sample: Sample) -> str | None:
    """Reason why the weights lack overlap, or None: their mean is below 1 by what the log never serves."""
    weight_E = sample.weights()
    mean = float(weight_E.mean())
    half = student_t(len(weight_E)) * standard_error(weight_E, sample.question_E)
    if mean + half >= 1 - MAX_UNCOVERED:
        return None
    return f"no overlap: the log holds about {mean:.0%} of what this policy would have served"


def _doubly_robust(sample: Sample) -> NDArray[np.float64]:
    return sample.expected_E + sample.weights() * (sample.reward_E - sample.model_E)


def _mean(
    term_E: NDArray[np.float64],
    question_E: NDArray[np.int64],
    effective: float,
    *,
    unseen: float,
    problem: str | None,
    max_width: float = MAX_WIDTH,
) -> Estimate:
    """Mean of the terms with its interval.

    Args:
        term_E: value plus influence of each event.
        question_E: as in `Sample`.
        effective: effective sample size.
        unseen: the least standard error: what one more event, of the largest weight, could change. Where all outcomes
            happen to be alike their spread is 0, and that is not certainty.
        problem: why not to use it, if known before.
        max_width: above it the estimate abstains.
    """
    value = float(term_E.mean())
    n_questions = len(np.unique(question_E))
    least = _least_error(value, unseen)
    found = mean_of_terms(term_E, question_E, effective=effective, least_error=least)
    if n_questions < MIN_EFFECTIVE:
        problem = f"too few events: {len(term_E)} known outcomes of {n_questions} questions; {_NEEDED}"
    elif problem is None and effective < MIN_EFFECTIVE:
        problem = f"the log is worth {effective:.0f} questions served by this policy; {_NEEDED}"
    elif problem is None and found.high - found.low > max_width:
        problem = f"the interval is {found.high - found.low:.2f} wide, at most {max_width:g} is of use"
    return Estimate(*found, effective, len(term_E), problem)


def _least_error(value: float, unseen: float) -> float:
    return unseen * max(abs(value), abs(1 - value))


def _nothing() -> Estimate:
    return Estimate(0.0, 0.0, 1.0, 0.0, 0, "too few events: no known outcome")
