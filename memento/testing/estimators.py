"""Conformance checks of estimators: a pure fold over outcomes, corrected and withdrawn, kept and restored.

Axes: C candidates, D vector dimensions.
"""

import json
import math
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import CaseRows, CaseView, Estimates, Estimator, Example
from memento.testing.failures import expect, run_checks
from memento.testing.streams import MadeStream, outcome

_N_OUTCOMES: Final = 60
_ROUNDING: Final = 1e-5
_GROWTH_SIZES: Final = (600, 1_200)
_MOST_GROWTH: Final = 1.25


class EstimatorUnderTest(NamedTuple):
    """How to make the estimator that is checked."""

    make: Callable[[], Estimator]
    """Makes an untrained one, always with the same seed and settings."""
    dim: int
    """Dimension D of the vectors that it takes."""

    def stream(self, *, seed: int = 0) -> MadeStream:
        """Outcomes for it."""
        return MadeStream(dim=self.dim, views=self.make().views, seed=seed)

    def taught(self, examples: list[Example]) -> Estimator:
        """One that has learned these outcomes."""
        estimator = self.make()
        for example in examples:
            estimator.learn(example)
        return estimator


class _Answers(NamedTuple):
    """Everything that an estimator answers to fixed questions."""

    value: NDArray[np.float32]
    """Empty while it has too little evidence."""
    sd: NDArray[np.float32]
    exposures: NDArray[np.int64]
    predicted: NDArray[np.float64]
    suggested: list[str]
    directions: NDArray[np.float32]
    effects: list[Any]

    def far_from(self, other: "_Answers") -> float:
        """Largest difference between two values, predictions or directions; infinite if they differ in kind."""
        if self.suggested != other.suggested or [one[:2] for one in self.effects] != [one[:2] for one in other.effects]:
            return math.inf
        parts = [(getattr(self, name), getattr(other, name)) for name in ("value", "sd", "predicted", "directions")]
        parts += [(np.array([one[2:] for one in self.effects]), np.array([one[2:] for one in other.effects]))]
        if any(one.shape != two.shape for one, two in parts) or not np.array_equal(self.exposures, other.exposures):
            return math.inf
        return max(float(np.abs(one - two).max(initial=0.0)) for one, two in parts)


def check_estimator(make: Callable[[], Estimator], *, dim: int) -> None:
    """Check an estimator against everything that learners and evaluations rely on.

    Args:
        make: makes an untrained one, always with the same seed and settings; it is called some thirty times.
        dim: dimension D of the vectors that it takes.

    Raises:
        ConformanceError: a check failed.
    """
    run_checks(ESTIMATOR_CHECKS, EstimatorUnderTest(make, dim))


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


def _fields(subject: EstimatorUnderTest) -> None:
    """Name, views, replays and settings are of the kinds that a learner knows."""
    estimator = subject.make()
    name: object = estimator.name
    expect(isinstance(name, str) and name, "a name, part of file names", repr(name))
    expect(set(estimator.views) <= set(get_args(CaseView)), f"views of {get_args(CaseView)}", estimator.views)
    expect(isinstance(estimator.replays, int) and estimator.replays >= 0, "a number of replays", estimator.replays)
    for settings in estimator.settings_space():
        is_number = all(isinstance(value, int | float) and math.isfinite(value) for value in settings.values())
        expect(is_number, "settings that are finite numbers by name", settings)


def _fresh(subject: EstimatorUnderTest) -> None:
    """Without any outcome it estimates nothing, or finite values; it knows no case."""
    answers = _asked(subject, subject.make())
    expect(not answers.exposures.any(), "no exposures before the first outcome", answers.exposures)
    expect(not answers.suggested and not answers.effects, "no cases before the first outcome", answers)


def _finite(subject: EstimatorUnderTest) -> None:
    """Whatever is learned, estimates are finite and as many as the candidates, and predictions are probabilities."""
    stream = subject.stream()
    estimator = subject.taught(stream.examples(_N_OUTCOMES))
    for example in stream.odd(1_000):
        estimator.learn(example)
        _asked(subject, estimator)
    state_D = np.zeros(subject.dim, np.float32)
    estimates = estimator.estimate(state_D, stream.rows(state_D, []))
    n = 0 if estimates is None else len(estimates.value_C)
    expect(n == 0, "no estimates of no candidates", n)


def _pure(subject: EstimatorUnderTest) -> None:
    """The same outcomes give the same numbers, whatever was asked in between."""
    examples = subject.stream().examples(_N_OUTCOMES)
    one, other = subject.make(), subject.taught(examples)
    for example in examples:
        _asked(subject, one)
        one.learn(example)
    far = _asked(subject, one).far_from(_asked(subject, other))
    expect(far == 0.0, "the same numbers from the same outcomes", f"a difference of {far:.3g}")


def _once(subject: EstimatorUnderTest) -> None:
    """An outcome that comes again changes nothing."""
    examples = subject.stream().examples(_N_OUTCOMES)
    estimator = subject.taught(examples)
    before = _asked(subject, estimator)
    for example in examples[-6:]:
        estimator.learn(example)
    far = _asked(subject, estimator).far_from(before)
    expect(far <= _ROUNDING, "the same numbers when outcomes come again", f"a difference of {far:.3g}")


def _corrected(subject: EstimatorUnderTest) -> None:
    """A correction takes the place of what it corrects: counted once, and believed by the time more is learned."""
    stream = subject.stream()
    examples, later = stream.examples(_N_OUTCOMES), [stream.example(100 + number) for number in range(30)]
    told = [one for one in examples if len(one.cases)][-1]
    predicted = []
    for right in (0.0, 1.0):
        estimator = subject.taught([one for one in examples if one.event_id != told.event_id])
        for reward in (1.0 - right, right):
            estimator.learn(told._replace(reward=reward, confidence=1.0, offset=told.offset + 1000))
        counted = estimator.estimate(told.state_D, told.cases)
        once = subject.taught(examples).estimate(told.state_D, told.cases)
        if counted is not None and once is not None:
            is_same = np.array_equal(counted.exposures_C, once.exposures_C)
            expect(is_same, f"exposures {once.exposures_C} after a correction", counted.exposures_C)
        for example in later:
            estimator.learn(example)
        predicted.append(estimator.predict(told))
    low, high = predicted
    expect(low < high, "a higher prediction after a correction to 1 than after one to 0", (low, high))


def _withdrawn(subject: EstimatorUnderTest) -> None:
    """What is withdrawn is counted no more, and little of it is left by the time more is learned."""
    stream = subject.stream()
    examples, later = stream.examples(_N_OUTCOMES), [stream.example(100 + number) for number in range(30)]
    state_D = stream.task(0)
    wrong = [outcome(500 + n, state_D, stream.rows(state_D, [0, 4]), reward=1.0) for n in range(20)]
    never, kept, withdrawn = (subject.taught([*examples, *more]) for more in ([], wrong, wrong))
    for one in wrong:
        expect(withdrawn.withdraw(one.event_id), "True for an outcome that was learned", "False")
    expect(not withdrawn.withdraw(wrong[0].event_id), "False for an outcome that is withdrawn already", "True")
    expect(not withdrawn.withdraw("never seen"), "False for an event without an outcome", "True")
    counted, before = _asked(subject, withdrawn).exposures, _asked(subject, never).exposures
    expect(np.array_equal(counted, before), f"exposures as if they had never been, {before}", counted)
    for estimator in (never, kept, withdrawn):
        for example in later:
            estimator.learn(example)
    asked = wrong[0]
    moved, left = (abs(one.predict(asked) - never.predict(asked)) for one in (kept, withdrawn))
    expect(left <= moved / 2, f"less than half of {moved:.3g} left of withdrawn outcomes", f"{left:.3g}")


def _doubted(subject: EstimatorUnderTest) -> None:
    """An outcome of confidence 0 says nothing: a success teaches hardly anything else than a failure."""
    examples = subject.stream().examples(_N_OUTCOMES)
    told = [one for one in examples if len(one.cases)][-1]
    answers = []
    for confidence in (0.0, 1.0):
        pair = []
        for reward in (0.0, 1.0):
            estimator = subject.taught(examples[: examples.index(told)])
            estimator.learn(told._replace(reward=reward, confidence=confidence))
            pair.append(estimator.predict(told))
        answers.append(pair[1] - pair[0])
    doubted, believed = answers
    expect(abs(doubted) <= 0.5 * abs(believed), f"far less than {believed:.3g} without confidence", f"{doubted:.3g}")


def _restored(subject: EstimatorUnderTest) -> None:
    """A snapshot, written and read, answers the same, and goes on learning as if nothing had happened."""
    stream = subject.stream()
    examples, later = stream.examples(_N_OUTCOMES), [stream.example(100 + number) for number in range(10)]
    estimator, restored = subject.taught(examples), subject.make()
    tensors = {name: np.ascontiguousarray(value).copy() for name, value in estimator.tensors().items()}
    replay = examples[-estimator.replays :] if estimator.replays else []
    restored.restore(tensors, json.loads(json.dumps(estimator.stamp())), replay)
    far = _asked(subject, restored).far_from(_asked(subject, estimator))
    expect(far <= _ROUNDING, "the same numbers from a snapshot", f"a difference of {far:.3g}")
    for example in later:
        estimator.learn(example)
        restored.learn(example)
    far = _asked(subject, restored).far_from(_asked(subject, estimator))
    expect(far <= _ROUNDING, "the same numbers when both have learned on", f"a difference of {far:.3g}")


def _snapshot_kept(subject: EstimatorUnderTest) -> None:
    """What a snapshot is written from, beside learning, does not change any more."""
    stream = subject.stream()
    estimator = subject.taught(stream.examples(_N_OUTCOMES))
    tensors, stamp = estimator.tensors(), estimator.stamp()
    kept, told = {name: value.copy() for name, value in tensors.items()}, json.dumps(stamp)
    for example in (stream.example(100 + number) for number in range(20)):
        estimator.learn(example)
    changed = [name for name, value in tensors.items() if not np.array_equal(value, kept[name])]
    expect(not changed, "tensors() that later outcomes do not change", changed)
    expect(json.dumps(stamp) == told, "a stamp() that later outcomes do not change", "another one")


def _refused(subject: EstimatorUnderTest) -> None:
    """A snapshot that does not fit is refused with KeyError, ValueError or RuntimeError, which a learner expects."""
    stamp = subject.taught(subject.stream().examples(_N_OUTCOMES)).stamp()
    for given in ({}, stamp):
        try:
            subject.make().restore({}, given, [])
        except (KeyError, ValueError, RuntimeError):
            continue
        expect(not stamp, "KeyError, ValueError or RuntimeError without tensors", "no error")


def _inputs(subject: EstimatorUnderTest) -> None:
    """The arrays of examples and candidates are as they were."""
    stream, estimator = subject.stream(), subject.make()
    for example in [*stream.examples(20), *stream.odd(1_000)]:
        before = [array.copy() for array in _arrays(example)]
        estimator.learn(example)
        estimator.predict(example)
        estimator.estimate(example.state_D, example.cases)
        estimator.suggest(example.state_D)
        is_same = all(np.array_equal(one, other) for one, other in zip(before, _arrays(example), strict=True))
        expect(is_same, "unchanged examples", f"an array of {example.event_id} that was written to")


def _asked(subject: EstimatorUnderTest, estimator: Estimator) -> _Answers:
    """Ask, and check the form of the answers."""
    stream = subject.stream(seed=1)
    state_D = stream.task(0)
    rows = stream.rows(state_D, list(range(12)))
    estimates = estimator.estimate(state_D, rows)
    if estimates is not None:
        _well_formed(estimates, len(rows))
    predicted = np.array([estimator.predict(one) for one in stream.examples(8)])
    expect(((predicted >= 0) & (predicted <= 1)).all(), "predictions in [0, 1]", predicted)
    suggestions, effects = estimator.suggest(state_D), estimator.effects()
    expect(len(set(suggestions.ids)) == len(suggestions.ids), "each suggested case once", suggestions.ids)
    directions = suggestions.direction_MD
    is_form = directions.ndim == 2 and (not len(directions) or directions.shape[1] == subject.dim)
    expect(is_form and np.isfinite(directions).all(), f"finite directions, shape (M, {subject.dim})", directions.shape)
    known = [one.case_id for one in effects]
    expect(len(set(known)) == len(known), "an effect for each case once", known)
    is_finite = all(one.exposures > 0 and math.isfinite(one.effect) and one.sd >= 0 for one in effects)
    expect(is_finite, "effects of served cases that are finite", effects)
    none = np.zeros(0, np.float32)
    return _Answers(
        none if estimates is None else estimates.value_C.copy(),
        none if estimates is None or estimates.sd_C is None else estimates.sd_C.copy(),
        none.astype(np.int64) if estimates is None else estimates.exposures_C.copy(),
        predicted,
        list(suggestions.ids),
        directions.copy(),
        [tuple(one) for one in effects],
    )


def _well_formed(estimates: Estimates, n: int) -> None:
    for name, part in estimates._asdict().items():
        if part is not None:
            expect(part.shape == (n,), f"{name} of shape ({n},)", part.shape)
            expect(np.isfinite(part).all(), f"finite {name}", part)
    expect(estimates.sd_C is None or (estimates.sd_C >= 0).all(), "standard deviations of at least 0", estimates.sd_C)
    expect((estimates.exposures_C >= 0).all(), "exposures of at least 0", estimates.exposures_C)


def _arrays(example: Example) -> list[NDArray[Any]]:
    cases = example.cases
    parts = example.state_D, example.propensity_N, cases.similarity_N, cases.reward_N, cases.support_N
    return [part for part in (*parts, *cases.vectors.values()) if part is not None]


ESTIMATOR_CHECKS: Final[Mapping[str, Callable[[EstimatorUnderTest], None]]] = {
    "fields": _fields,
    "fresh": _fresh,
    "finite answers": _finite,
    "pure fold": _pure,
    "learned once": _once,
    "corrections": _corrected,
    "withdrawals": _withdrawn,
    "confidence": _doubted,
    "snapshot": _restored,
    "snapshot kept": _snapshot_kept,
    "snapshot refused": _refused,
    "inputs unchanged": _inputs,
}
"""Checks by name; each raises AssertionError with what was expected and found."""
