"""Guides: cases of the kinds `skill` and `lesson`, which say how tasks are done instead of how one was done.

A guide takes the place of a raw case, so it has to prove that it is worth that. It is on trial first: for each task
that it may help, the policy `trial` shows or withholds it at random, and what comes of both is compared (see
`estimators.trials`).
"""

from typing import Final, Literal, NamedTuple, get_args

TRIAL: Final = "trial"
"""Name of the policy that puts guides on trial. Its events say nothing of the cases beside the guide, which have a
reading of their own."""

EVEN: Final = 0.5
"""Probability with which a guide on trial is shown, so that both arms of the trial get as many tasks."""

GuideKind = Literal["skill", "lesson"]

GUIDE_KINDS: Final[tuple[GuideKind, ...]] = get_args(GuideKind)

TrialStatus = Literal["on trial", "kept", "retired"]


class GuideTrial(NamedTuple):
    """What the trial of a guide says so far."""

    case_id: str
    status: TrialStatus
    n_shown: int
    """Known outcomes of tasks that it was shown for, at random."""
    n_withheld: int
    """Known outcomes of tasks that it was withheld from, at random."""
    difference: float | None
    """Estimated reward with it minus reward without it; None without outcomes."""
    low: float
    """Lower bound of the difference: it has ever been above the truth with a chance of `keep_alpha` at most."""
    high: float
    """Upper bound of the difference: it has ever been below the truth with a chance of `retire_alpha` at most."""
    n_trials: int
    """Trials after which it is retired unless it was kept."""

    @property
    def text(self) -> str:
        """Status and figures in a line."""
        estimate = "unknown" if self.difference is None else f"{self.difference:+.2f}"
        counts = f"shown {self.n_shown}, withheld {self.n_withheld} of at most {self.n_trials}"
        return f"{self.status}: {counts}; difference {estimate}, bounds [{self.low:+.2f}, {self.high:+.2f}]"
