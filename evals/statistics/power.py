"""How many questions a difference needs before a run can show it.

A paired mean of n questions has the standard error s / sqrt(n), with s the standard deviation of the questions'
differences. A true difference d is shown with probability 80 % at 5 % two-sided when d = (z_0.975 + z_0.8) s / sqrt(n)
(Cohen, 1988, "Statistical Power Analysis", chapter 2; for evaluations with several samples per question: Miller, 2024,
"Adding Error Bars to Evals", arXiv:2411.00640, section 5).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

TARGET = 0.02
_Z = 1.959964 + 0.841621
"""Of 5 % two-sided and 80 % power."""


class Power(NamedTuple):
    """What this many questions can show, at 80 % power and 5 % two-sided."""

    n_questions: int
    """That were paired."""
    sd: float
    """Of the questions' paired differences, with the seeds there are; nan with fewer than two questions."""
    target: float
    """A difference worth showing, as a share."""
    n_needed: int | None
    """Questions to show it; None when no difference has been seen to go by."""
    detectable: float
    """The smallest difference that the present questions show; nan when nothing has been seen to go by."""

    def __str__(self) -> str:
        if self.n_needed is None:
            return "power not known: the arms did not differ on any question"
        return (
            f"{self.n_questions} questions show a difference of {100 * self.detectable:.1f} points; "
            f"{100 * self.target:g} points need {self.n_needed:,} questions"
        )


def power_of(difference_Q: ArrayLike, *, target: float = TARGET) -> Power:
    """Power from observed differences.

    Args:
        difference_Q: of each question, its mean over seeds.
        target: difference to be shown, as a share.
    """
    value = np.asarray(difference_Q, np.float64)
    sd = float(value.std(ddof=1)) if len(value) > 1 else float("nan")
    if not sd > 0:
        return Power(len(value), sd, target, None, float("nan"))
    return Power(len(value), sd, target, math.ceil((_Z * sd / target) ** 2), _Z * sd / math.sqrt(len(value)))
