"""How often the product's intervals hold the truth where what is asked first decides what is learned: a SIMULATION.

Every trial is an evaluation of arms with a memory: a drawn set of questions in so many drawn orders. Its results go to
the product's own `compare` and `accuracy`; the truth is the mean over all sets and orders that were played. Orders of
one set that make up several small evaluations share its questions, so trials are told with an interval over sets.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.copying_reader.sets import PlayedSet, QuestionSetTask, load_set
from benchmarks.copying_reader.stream import Rules
from benchmarks.copying_reader.texts import TextTasks, kept_texts, loaded
from benchmarks.frozen_model.families import house
from benchmarks.planted.figures import SeedInterval, mean
from benchmarks.planted.jobs import run_all
from benchmarks.planted.report import table
from memento.evals.runs.result import TaskResult
from memento.evals.statistics.comparison import compare
from memento.evals.statistics.outcomes import reward_of
from memento.evals.statistics.summary import accuracy
from memento.memory.stats import Interval
from memento.nodes.usage import no_usage

N_ORDERS = (1, 3, 6, 10, 20)
"""Sizes of evaluations."""

MAX_PER_SET = 5
"""Evaluations of one size that are made of one question set."""


N_HOUSE = 990
"""All house tasks there are; question sets are drawn from these."""


class EvaluationSize(NamedTuple):
    """What is played."""

    n_sets: int
    n_questions: int
    """Of each set."""


class LearningTrial(NamedTuple):
    """One evaluation of two arms with a memory."""

    question_set: int
    n_orders: int
    is_covered: bool
    """The difference."""
    arms_covered: tuple[bool, bool]
    """Each arm's own accuracy."""
    has_verdict: bool
    is_shown: bool
    """A difference was shown."""
    is_wrong: bool
    """A difference was shown, the wrong way round."""
    width: float
    by_questions_covered: bool
    """By the interval that resamples questions alone."""


class LearningTruth(NamedTuple):
    """Means over everything that was played, with Student's intervals over question sets."""

    arms: tuple[SeedInterval, SeedInterval]
    difference: SeedInterval
    sd_orders: float
    """Standard deviation, between orders of one question set, of the difference."""


def truth_of(sets: Sequence[PlayedSet]) -> LearningTruth:
    """The truth: the first arm, the second, and the first minus the second."""
    chance_ESP = np.array([one.chance for one in sets]).transpose(0, 2, 1)
    first_E, second_E = chance_ESP.mean(axis=1).T
    difference_ES = chance_ESP[:, :, 0] - chance_ESP[:, :, 1]
    spread = float(np.sqrt(difference_ES.var(axis=1, ddof=1).mean()))
    return LearningTruth((mean(first_E), mean(second_E)), mean(first_E - second_E), spread)


def learning_trials(
    sets: Sequence[PlayedSet], texts: TextTasks, arms: tuple[str, str], *, sizes: Sequence[int] = N_ORDERS
) -> list[LearningTrial]:
    """Evaluations of each size, from disjoint orders of each set.

    Args:
        sets: as played by the two arms.
        texts: of the family.
        arms: their names.
        sizes: numbers of orders; those that a set does not have are left out.
    """
    truth, trials = truth_of(sets), []
    for number, played in enumerate(sets):
        reward_POQ = np.array(played.reward, np.float64)
        for n_orders in sizes:
            for group in range(min(MAX_PER_SET, reward_POQ.shape[1] // n_orders)):
                orders = range(group * n_orders, (group + 1) * n_orders)
                trials.append(_trial(number, reward_POQ[:, list(orders)], played, texts, arms, truth))
    return trials


def _trial(
    number: int,
    reward_POQ: NDArray[np.float64],
    played: PlayedSet,
    texts: TextTasks,
    arms: tuple[str, str],
    truth: LearningTruth,
) -> LearningTrial:
    first, second = (_results(arm, reward_OQ, played, texts) for arm, reward_OQ in zip(arms, reward_POQ, strict=True))
    found = compare(first, second, seed=number)
    alone = [accuracy(rows, "accuracy", reward_of, part="first", seed=number).weighted for rows in (first, second)]
    has_verdict = not found.verdict.startswith("too few orders")
    is_shown = has_verdict and found.weighted.excludes_zero
    difference_Q = (reward_POQ[0] - reward_POQ[1]).mean(axis=0)
    by_questions = mean(difference_Q)
    return LearningTrial(
        question_set=number,
        n_orders=reward_POQ.shape[1],
        is_covered=_holds(found.weighted, truth.difference.value),
        arms_covered=(
            _holds(alone[0].interval, truth.arms[0].value),
            _holds(alone[1].interval, truth.arms[1].value),
        ),
        has_verdict=has_verdict,
        is_shown=is_shown,
        is_wrong=is_shown and found.weighted.value * truth.difference.value < 0,
        width=found.weighted.high - found.weighted.low,
        by_questions_covered=by_questions.low <= truth.difference.value <= by_questions.high,
    )


def _results(arm: str, reward_OQ: NDArray[np.float64], played: PlayedSet, texts: TextTasks) -> list[TaskResult]:
    """As an evaluation keeps them."""
    return [
        TaskResult(
            arm=arm,
            seed=order,
            phase="learn",
            iteration=1,
            position=place,
            round=place,
            task_id=texts.tasks[question],
            source=texts.sources[question],
            reward=float(reward_Q[place]),
            usage=no_usage(),
            seconds=0.0,
        )
        for order, reward_Q in enumerate(reward_OQ)
        for place, question in enumerate(played.question)
    ]


def _holds(found: Interval, truth: float) -> bool:
    return found.low <= truth <= found.high


def rate_over_sets(trials: Sequence[LearningTrial], hits: Sequence[bool]) -> SeedInterval:
    """Share of trials, with Student's interval over question sets."""
    by_set: dict[int, list[bool]] = {}
    for trial, hit in zip(trials, hits, strict=True):
        by_set.setdefault(trial.question_set, []).append(hit)
    return mean(np.array([np.mean(of) for of in by_set.values()]))


def learning_rows(trials: Sequence[LearningTrial]) -> list[list[str]]:
    """A row per number of orders, for the heads of `LEARNING_HEADS`."""
    rows = []
    for n_orders in sorted({trial.n_orders for trial in trials}):
        mine = [trial for trial in trials if trial.n_orders == n_orders]
        arms = [rate_over_sets(mine, [trial.arms_covered[place] for trial in mine]) for place in (0, 1)]
        rows.append([
            str(n_orders),
            str(len(mine)),
            str(rate_over_sets(mine, [trial.is_covered for trial in mine])),
            *(str(arm) for arm in arms),
            f"{np.mean([trial.by_questions_covered for trial in mine]):.3f}",
            f"{np.mean([trial.width for trial in mine]):.3f}",
            f"{np.mean([trial.has_verdict for trial in mine]):.2f}",
            f"{np.mean([trial.is_shown for trial in mine]):.2f}",
            f"{np.mean([trial.is_wrong for trial in mine]):.3f}",
        ])  # fmt: skip
    return rows


LEARNING_HEADS = (
    "orders", "evaluations", "difference covered", "first arm", "second arm", "t over questions alone", "width",
    "verdicts", "shown", "shown wrongly",
)  # fmt: skip


def print_learning_coverage(
    arms: tuple[str, str],
    rules: Rules,
    size: EvaluationSize,
    bar: tuple[float, float],
    *,
    folder: Path,
    jobs: int,
    seed: int,
) -> int:
    """Play what is not kept yet and print what intervals cover; 1 when the bar is missed.

    Args:
        arms: policies, as `make_contestant` takes them; the first minus the second is what is compared.
        rules: of the streams.
        size: of what is played.
        bar: between which the share of covered comparisons with a verdict has to lie.
        folder: where streams are kept.
        jobs: processes.
        seed: of the tasks, and of the first question set.
    """
    start, n_orders = time.perf_counter(), max(N_ORDERS)
    path = kept_texts(house(N_HOUSE), folder, seed=seed)
    tasks = [
        QuestionSetTask(path, arms, seed + number, size.n_questions, n_orders, rules) for number in range(size.n_sets)
    ]
    run_all(tasks, folder, jobs=jobs)
    sets = [one for task in tasks if (one := load_set(task, folder)) is not None]
    truth, trials = truth_of(sets), learning_trials(sets, loaded(path), arms)
    print(f"{len(sets)} sets of {size.n_questions} questions in {n_orders} orders each")
    for arm, figure in zip(arms, truth.arms, strict=True):
        print(f"{arm}: {figure}", end="; ")
    print(f"difference {truth.difference}, sd of it between orders {truth.sd_orders:.3f}")
    print(table(LEARNING_HEADS, learning_rows(trials)))
    judged = [one for one in trials if one.has_verdict]
    summary: dict[str, object] = {"comparisons without a verdict": len(trials) - len(judged)}
    covered = rate_over_sets(judged, [one.is_covered for one in judged])
    summary[f"BAR: covered of {len(judged)} with a verdict"] = str(covered)
    summary |= {"seed": seed, "seconds": round(time.perf_counter() - start)}
    print(json.dumps(summary, indent=2))
    return 0 if bar[0] <= covered.value <= bar[1] else 1
