"""Outcomes of a case: how many there were, their mean and their spread, kept as sums so that one can be replaced."""

from math import sqrt
from typing import Any, NamedTuple

from pydantic import Field

from memento.memory.record import Record

_SAME = 1e-6
"""Two means that differ by less are the same: sums of fractions are rounded."""
_DIGITS = 6
"""Decimal places of a spread: what the sums are exact to."""
_MAX_OUTCOMES = 10**9


class CaseOutcomes(NamedTuple):
    """Known outcomes of the attempts that made a case."""

    n: int
    mean: float | None
    """None where none is known any more."""
    spread: float | None
    """Sample standard deviation; None below two outcomes."""

    @property
    def text(self) -> str:
        """In words: `0.33 of 3 outcomes, spread 0.58`."""
        if self.mean is None:
            return "unknown"
        spread = "" if self.spread is None else f", spread {self.spread:.2f}"
        return f"{self.mean:.2f} of {self.n} outcomes{spread}" if self.n > 1 else f"{self.mean:g}"


class Tally(Record):
    """Sums over the outcomes of a case. A case whose only outcome is its reward has none."""

    n: int = Field(ge=0, le=_MAX_OUTCOMES)
    total: float = Field(ge=0)
    squares: float = Field(ge=0)
    """Sum of the squared rewards."""
    newest: float | None = Field(default=None, ge=0, le=1)
    """Reward of the outcome that was added last."""
    since: int = Field(default=1, ge=1)
    """Version of the case's first revision whose outcome counts."""
    skipped: tuple[tuple[int, int], ...] = ()
    """Versions, from and to, whose outcomes do not count: a rollback took them back."""

    @property
    def outcomes(self) -> CaseOutcomes:
        """Count, mean and spread."""
        if not self.n:
            return CaseOutcomes(0, None, None)
        mean = min(max(self.total / self.n, 0.0), 1.0)
        if self.n == 1:
            return CaseOutcomes(1, mean, None)
        variance = max(self.squares - self.n * mean * mean, 0.0) / (self.n - 1)
        return CaseOutcomes(self.n, mean, round(sqrt(variance), _DIGITS))

    def plus(self, reward: float) -> "Tally":
        """With one more outcome."""
        sums = {"n": self.n + 1, "total": self.total + reward, "squares": self.squares + reward * reward}
        return self.model_copy(update=sums | {"newest": reward})

    def minus(self, reward: float) -> "Tally":
        """Without one outcome, which it counts."""
        n = max(self.n - 1, 0)
        total, squares = self.total - reward, self.squares - reward * reward
        return self.model_copy(update={"n": n, "total": min(max(total, 0.0), n), "squares": min(max(squares, 0.0), n)})

    def without_versions(self, low: int, high: int) -> "Tally":
        """As it was before these versions, whose outcomes no longer count."""
        return self.model_copy(update={"skipped": (*self.skipped, (low, high))})

    def counts(self, version: int) -> bool:
        """Whether the outcome that a revision of this version was written with is among them."""
        return version >= self.since and not any(low <= version <= high for low, high in self.skipped)

    def agrees(self, reward: float) -> bool:
        """Whether a case of this reward is this tally's; a release that knows no tallies changes the reward alone."""
        mean = self.outcomes.mean
        return mean is None or abs(mean - reward) < _SAME


def imported_tally(outcomes: Any, reward: float) -> Tally | None:
    """The tally of outcomes that a file tells; None where that is the reward alone.

    Args:
        outcomes: `{"n": ..., "mean": ..., "spread": ...}`, as exports have it.
        reward: of the case.

    Raises:
        ValueError: they are not outcomes of this reward.
    """
    if outcomes is None:
        return None
    if not isinstance(outcomes, dict):
        raise ValueError("`outcomes` must be an object with `n`, `mean` and `spread`")  # noqa: TRY004  like every other fault of a row
    n = outcomes.get("n")
    if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n <= _MAX_OUTCOMES:
        raise ValueError("`outcomes.n` must be a whole number, at least 0")
    if n == 0:
        return Tally(n=0, total=0.0, squares=0.0)
    mean, spread = _number(outcomes.get("mean")), _number(outcomes.get("spread"))
    if mean is None or abs(mean - reward) >= _SAME:
        raise ValueError("`outcomes.mean` must be the case's reward")
    if n == 1:
        return None
    if spread is None or not 0 <= spread <= 1:
        raise ValueError("`outcomes.spread` of several outcomes must be a number in [0, 1]")
    return Tally(n=n, total=n * reward, squares=n * reward * reward + (n - 1) * spread * spread)


def _number(value: Any) -> float | None:
    return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
