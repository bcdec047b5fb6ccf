"""Conformance check of an estimator's cost: what it does must not grow with what it has learned."""

import sys
from collections.abc import Callable
from typing import Any, Final

from memento.memory.estimators.port import CaseRows, Estimator, Example
from memento.testing.answers import EstimatorUnderTest
from memento.testing.failures import expect

_GROWTH_SIZES: Final = (600, 1_200)
_MOST_GROWTH: Final = 1.25


def check_estimator_growth(make: Callable[[], Estimator], *, dim: int) -> None:
    """Check that learning, estimating and suggesting do not cost more calls the more outcomes were learned.

    Python and C calls are counted, not seconds: a loop over all outcomes or cases shows, arrays that grow do not. It
    learns 1,200 outcomes.

    Raises:
        AssertionError: with the calls after 600 and after 1,200 outcomes.
    """
    subject = EstimatorUnderTest(make, dim)
    stream, estimator, n_learned, counts = subject.stream(), make(), 0, list[int]()
    for size in _GROWTH_SIZES:
        for number in range(n_learned, size):
            estimator.learn(stream.example(number))
        n_learned = size
        asked = subject.stream(seed=3)
        state_D = asked.task(0)
        rows, more = asked.rows(state_D, list(range(20))), [asked.example(10**6 + size + n) for n in range(20)]

        def work(state_D: Any = state_D, rows: CaseRows = rows, more: list[Example] = more) -> None:
            for example in more:
                estimator.learn(example)
                estimator.estimate(state_D, rows)
                estimator.suggest(state_D)

        counts.append(_calls(work))
    before, after = counts
    sizes = " and ".join(f"{size:,}" for size in _GROWTH_SIZES)
    expect(after <= _MOST_GROWTH * before, f"about as many calls after {sizes} outcomes", (before, after))


def _calls(work: Callable[[], None]) -> int:
    """Number of calls, of Python and of C, that work makes."""
    n = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal n
        n += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return n
