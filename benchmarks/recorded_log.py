"""What can be learned from the reference's recorded log: `python -m benchmarks.recorded_log`.

5,688 rows of 710 questions, through the product's importer into events, encoded by the packaged MiniLM. Every figure is
of questions that were held out (5 folds by question, several seeds), on the score of a question's whole set, without
data_source; a score is compared with those of its own fold only. Controls: the reference's head, retrained; our
estimator without cases; outcomes permuted by question. The import is kept in the temporary folder, so that only the
first run encodes.

There is no bar on the AUC itself. In this log every attempt at a question has the same outcome, whatever was served, so
the figure says how well the hardness of a question can be told from its text, and not which cases help: none of the
models that were tried is far above a plain mean reward per case. What it can show is kept as bars: nothing is foretold
from permuted outcomes, and the reference's own validation leaks (leak.py).
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.leak import EPOCHS, leak_table
from benchmarks.recorded_examples import LOG, Recorded, recorded
from benchmarks.reference_head import pairs_of, trained_heads
from memento.memory.estimators.port import CaseRows, Estimator, EstimatorName, Example
from memento.memory.estimators.registry import make_estimator
from memento.memory.offpolicy.controls import shuffled, without_cases
from memento.memory.offpolicy.metrics import auc, auc_within, brier, expected_calibration_error
from memento.memory.offpolicy.out_of_sample import out_of_sample
from memento.memory.offpolicy.splits import Split, grouped_folds
from memento.memory.recalling import N_CANDIDATES, N_SUGGESTED
from memento.memory.stats import Interval, paired_interval, statistic_interval

N_SELECTED, N_ASKED = 8, 175
P = NDArray[np.float64]
Make = Callable[[], Estimator]


class HeldOut(NamedTuple):
    """Predictions of N questions under S splits."""

    p_NS: P
    fold_NS: NDArray[np.intp]


class Bar(NamedTuple):
    """A figure beside what was asked of it."""

    name: str
    figure: str
    bar: str
    holds: bool


def held_out(predict: Callable[[Sequence[Split], int], P], questions: Sequence[str], n_seeds: int) -> HeldOut:
    """Predictions under several seeds of folds."""
    p_NS, fold_NS = np.empty((len(questions), n_seeds)), np.empty((len(questions), n_seeds), np.intp)
    for seed in range(n_seeds):
        folds = grouped_folds(questions, seed=seed)
        for number, (_, test) in enumerate(folds):
            fold_NS[test, seed] = number
        p_NS[:, seed] = predict(folds, seed)
    return HeldOut(p_NS, fold_NS)


def by_estimator(make: Make, examples: Sequence[Example]) -> Callable[[Sequence[Split], int], P]:
    """An estimator that learns each training part in order."""
    return lambda folds, _seed: out_of_sample(make, examples, folds, tick=lambda: None)


def by_reference(examples: Sequence[Example], epochs: int) -> Callable[[Sequence[Split], int], P]:
    """The reference's head; a question's score is the mean over its cases."""
    pairs = pairs_of(examples)

    def predict(folds: Sequence[Split], seed: int) -> P:
        p_N = np.full(len(examples), np.nan)
        for train, test in folds:
            (head,) = trained_heads(
                pairs.take(np.flatnonzero(np.isin(pairs.example_P, train))), epochs=[epochs], seed=seed
            )
            for one in test:
                row_P = pairs.example_P == one
                p_N[one] = head.predict(pairs.state_PD[row_P], pairs.case_PD[row_P]).mean()
        return p_N

    return predict


def mean_auc(label_N: P, packed_NX: P) -> float:
    """AUC within folds, the mean over seeds; predictions and folds side by side."""
    n_seeds = packed_NX.shape[1] // 2
    return float(np.mean([auc_within(label_N, packed_NX[:, s], packed_NX[:, n_seeds + s]) for s in range(n_seeds)]))


def over_seeds(statistic: Callable[[P, P], float]) -> Callable[[P, P], float]:
    """The mean of a figure over seeds."""
    return lambda label_N, p_NS: float(np.mean([statistic(label_N, p_N) for p_N in p_NS.T]))


def packed(found: HeldOut) -> P:
    """For `mean_auc`."""
    return np.hstack([found.p_NS, found.fold_NS])


def selected(value: Callable[[Example, CaseRows], P], log: Recorded, asked: NDArray[np.intp]) -> tuple[int, float]:
    """Distinct cases among the best eight of every asked question over the whole bank, and their mean cosine to it."""
    distinct: set[str] = set()
    cosines: list[float] = []
    for one in asked:
        example = log.examples[one]
        cosine_C = log.bank.vectors["state"] @ example.state_D
        rows = CaseRows(log.bank.ids, cosine_C, log.bank.reward_N, log.bank.vectors)
        value_C = np.where(log.question_of_case == example.question, -np.inf, value(example, rows))
        best = np.argsort(-value_C, kind="stable")[:N_SELECTED]
        distinct.update(log.bank.ids[case] for case in best)
        cosines += [float(cosine_C[case]) for case in best]
    return len(distinct), float(np.mean(cosines))


def selector_figures(make: Make, log: Recorded) -> dict[str, tuple[int, float]]:
    """What ours, the reference's head and similarity choose from the whole bank for questions that none has seen."""
    questions = [example.question for example in log.examples]
    train, test = grouped_folds(questions, n_folds=4, seed=0)[0]
    asked, pairs = test[:N_ASKED], pairs_of(log.examples)
    estimator = make()
    for one in train:
        estimator.learn(log.examples[one])
    (head,) = trained_heads(pairs.take(np.flatnonzero(np.isin(pairs.example_P, train))), epochs=EPOCHS[:1], seed=0)

    def ours(example: Example, rows: CaseRows) -> P:
        found = estimator.estimate(example.state_D, rows)
        return np.asarray(rows.similarity_N if found is None else found.value_C, np.float64)

    def served(example: Example, rows: CaseRows) -> P:
        """Ours, among what the product's recall would find: the nearest cases, and what the estimator suggests."""
        suggested = estimator.suggest(example.state_D)
        is_found_C = np.isin(rows.ids, suggested.ids)
        is_found_C[np.argsort(-rows.similarity_N, kind="stable")[:N_CANDIDATES]] = True
        for direction_D in suggested.direction_MD:
            is_found_C[np.argsort(-(rows.vectors["state"] @ direction_D), kind="stable")[:N_SUGGESTED]] = True
        return np.where(is_found_C, ours(example, rows), -np.inf)

    def theirs(example: Example, rows: CaseRows) -> P:
        return head.predict(np.tile(example.state_D, (len(rows), 1)), rows.vectors["text"])

    return {
        "ours": selected(served, log, asked),
        "ours, whole bank": selected(ours, log, asked),
        "reference head": selected(theirs, log, asked),
        "similarity": selected(lambda _, rows: np.asarray(rows.similarity_N, np.float64), log, asked),
    }


def judged(log: Recorded, make: Make, *, n_seeds: int, n_permutations: int) -> tuple[list[Bar], dict[str, Any]]:
    """All bars, and the figures beside them."""
    examples = log.examples
    questions = [example.question for example in examples]
    reward_N = np.array([example.reward for example in examples])
    ours = held_out(by_estimator(make, examples), questions, n_seeds)
    alone = held_out(by_estimator(make, without_cases(examples)), questions, n_seeds)
    heads = {n: held_out(by_reference(examples, n), questions, n_seeds) for n in EPOCHS}

    def figure(found: HeldOut) -> Interval:
        return statistic_interval(mean_auc, questions, reward_N, packed(found))

    def gain(first: HeldOut, second: HeldOut) -> Interval:
        return paired_interval(mean_auc, questions, reward_N, packed(first), packed(second))

    our_auc = figure(ours)
    our_brier = statistic_interval(over_seeds(brier), questions, reward_N, ours.p_NS)
    our_ece = statistic_interval(over_seeds(expected_calibration_error), questions, reward_N, ours.p_NS)
    over_reference = {n: gain(ours, head) for n, head in heads.items()}
    over_question = gain(ours, alone)
    permuted = [permuted_auc(make, examples, seed) for seed in range(n_permutations)]
    selection = selector_figures(make, log)
    n_distinct, cosine = selection["ours"]
    bars = [
        *(
            Bar(f"gain over the reference head, {n} epochs", str(one), "above 0", one.low > 0)
            for n, one in over_reference.items()
        ),
        Bar("Brier", str(our_brier), "at most 0.168", our_brier.value <= 0.168),
        Bar("ECE", str(our_ece), "at most 0.06", our_ece.value <= 0.06),
        Bar("what cases add to the question, AUC", str(over_question), "above 0", over_question.low > 0),
        Bar(
            f"AUC, outcomes permuted by question, mean of {n_permutations}",
            f"{np.mean(permuted):.3f}",
            "0.45 to 0.55",
            0.45 <= float(np.mean(permuted)) <= 0.55,
        ),
        Bar("distinct cases in 175 x 8 slots", str(n_distinct), "at least 400", n_distinct >= 400),
        Bar("mean cosine of the chosen", f"{cosine:.3f}", "at least 0.25", cosine >= 0.25),
    ]
    beside = {
        "query-level AUC": our_auc,
        "pooled over folds, AUC": over_seeds(auc)(reward_N, ours.p_NS),
        "without cases, AUC": figure(alone),
        **{f"reference head, {n} epochs, AUC": figure(head) for n, head in heads.items()},
        **{f"reference head, {n} epochs, Brier": over_seeds(brier)(reward_N, h.p_NS) for n, h in heads.items()},
        "constant, Brier": float(np.var(reward_N)),
        "selection": selection,
    }
    return bars, beside


def permuted_auc(make: Make, examples: Sequence[Example], seed: int) -> float:
    """AUC by question where there is nothing to learn."""
    noise = shuffled(examples, seed=seed)
    questions = [example.question for example in noise]
    found = held_out(by_estimator(make, noise), questions, 1)
    return mean_auc(np.array([example.reward for example in noise]), packed(found))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--estimator", choices=get_args(EstimatorName), default="advantage")
    parser.add_argument("--seeds", type=int, default=4, help="of folds")
    parser.add_argument("--permutations", type=int, default=10)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    options = parser.parse_args()
    if not LOG.exists():
        parser.error(f"the reference's log is not here: {LOG}")
    log = asyncio.run(recorded(Path(tempfile.gettempdir()) / "memento-recorded-log"))
    make = partial(make_estimator, options.estimator, dim=log.bank.vectors["state"].shape[1], seed=0)
    bars, beside = judged(log, make, n_seeds=options.seeds, n_permutations=options.permutations)
    leak = leak_table(log.examples)
    if options.json:
        print(json.dumps({"bars": [bar._asdict() for bar in bars], "beside": beside, "leak": leak}))
    else:
        for bar in bars:
            print(f"{bar.name:55} {bar.figure:24} {bar.bar:15} {'holds' if bar.holds else 'MISSED'}")
        for name, value in beside.items():
            print(f"{name:55} {value}")
        for row in leak:
            print(f"{row.model:40} {row.outcomes:9} by rows {row.by_rows}   by questions {row.by_questions}")
    sys.exit(not all(bar.holds for bar in bars))


if __name__ == "__main__":
    main()
