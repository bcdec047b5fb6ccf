"""Conformance checks of estimators: a pure fold over outcomes, corrected and withdrawn, kept and restored.

Axes: C candidates, D vector dimensions.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.port import CaseView, Estimator, Example
from memento.testing.answers import EstimatorUnderTest, answers_of
from memento.testing.failures import expect, run_checks
from memento.testing.streams import outcome

_N_OUTCOMES: Final = 60
_ROUNDING: Final = 1e-5


def check_estimator(make: Callable[[], Estimator], *, dim: int) -> None:
    """Check an estimator against everything that learners and evaluations rely on.

    Args:
        make: makes an untrained one, always with the same seed and settings; it is called some thirty times.
        dim: dimension D of the vectors that it takes.

    Raises:
        ConformanceError: a check failed.
    """
    run_checks(ESTIMATOR_CHECKS, EstimatorUnderTest(make, dim))


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
    answers = answers_of(subject, subject.make())
    expect(not answers.exposures.any(), "no exposures before the first outcome", answers.exposures)
    expect(not answers.suggested and not answers.effects, "no cases before the first outcome", answers)


def _finite(subject: EstimatorUnderTest) -> None:
    """Whatever is learned, estimates are finite and as many as the candidates, and predictions are probabilities."""
    stream = subject.stream()
    estimator = subject.taught(stream.examples(_N_OUTCOMES))
    for example in stream.odd(1_000):
        estimator.learn(example)
        answers_of(subject, estimator)
    state_D = np.zeros(subject.dim, np.float32)
    estimates = estimator.estimate(state_D, stream.rows(state_D, []))
    n = 0 if estimates is None else len(estimates.value_C)
    expect(n == 0, "no estimates of no candidates", n)


def _pure(subject: EstimatorUnderTest) -> None:
    """The same outcomes give the same numbers, whatever was asked in between."""
    examples = subject.stream().examples(_N_OUTCOMES)
    one, other = subject.make(), subject.taught(examples)
    for example in examples:
        answers_of(subject, one)
        one.learn(example)
    far = answers_of(subject, one).far_from(answers_of(subject, other))
    expect(far == 0.0, "the same numbers from the same outcomes", f"a difference of {far:.3g}")


def _once(subject: EstimatorUnderTest) -> None:
    """An outcome that comes again changes nothing."""
    examples = subject.stream().examples(_N_OUTCOMES)
    estimator = subject.taught(examples)
    before = answers_of(subject, estimator)
    for example in examples[-6:]:
        estimator.learn(example)
    far = answers_of(subject, estimator).far_from(before)
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
    counted, before = answers_of(subject, withdrawn).exposures, answers_of(subject, never).exposures
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
    far = answers_of(subject, restored).far_from(answers_of(subject, estimator))
    expect(far <= _ROUNDING, "the same numbers from a snapshot", f"a difference of {far:.3g}")
    for example in later:
        estimator.learn(example)
        restored.learn(example)
    far = answers_of(subject, restored).far_from(answers_of(subject, estimator))
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
