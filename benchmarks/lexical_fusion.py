"""Would words find better cases than meanings? BM25 and its fusion with the encoder's cosine, on a recorded bank.

    python -m benchmarks.lexical_fusion [--cases FILE] [--log FILE] [--k 8]

For each question of the recorded log, the k nearest cases of other questions predict its outcome by their mean reward.
The better the neighbours, the better they tell questions that were answered rightly from the others: area under the ROC
curve, over questions, each with its own outcome. Three orders: the packaged encoder's cosine, BM25 (k1 1.2, b .75),
and both fused by reciprocal ranks (1 / (60 + rank)). Control: the outcomes permuted. Intervals: 95 %, by questions
drawn anew, for the figure itself and for its difference from cosine's in the same draw.
"""

import argparse
import asyncio
import json
import math
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memento.memory.case import question_hash
from memento.memory.interchange import read_cases
from memento.memory.minilm.encoder import MiniLmEncoder

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
N_DRAWS = 2_000
_WORD = re.compile(r"\w+")

Rows = NDArray[np.float64]


def bm25(queries: list[str], documents: list[str], *, k1: float = 1.2, b: float = 0.75) -> Rows:
    """BM25 scores, shape (queries, documents)."""
    words = [Counter(_WORD.findall(document.lower())) for document in documents]
    lengths = np.array([sum(counts.values()) for counts in words], float)
    norm = k1 * (1 - b + b * lengths / lengths.mean())
    has: dict[str, list[int]] = {}
    for number, counts in enumerate(words):
        for word in counts:
            has.setdefault(word, []).append(number)
    score_QD = np.zeros((len(queries), len(documents)))
    for row, query in zip(score_QD, queries, strict=True):
        for word in set(_WORD.findall(query.lower())):
            where = has.get(word, [])
            idf = math.log(1 + (len(documents) - len(where) + 0.5) / (len(where) + 0.5))
            tf = np.array([words[number][word] for number in where], float)
            row[where] += idf * tf * (k1 + 1) / (tf + norm[where])
    return score_QD


def fused(*scores: Rows) -> Rows:
    """Reciprocal rank fusion."""
    total = np.zeros_like(scores[0])
    for score_QD in scores:
        rank_QD = np.argsort(np.argsort(-score_QD, axis=1, kind="stable"), axis=1, kind="stable")
        total += 1 / (60 + rank_QD)
    return total


def predictions(score_QD: Rows, reward_D: Rows, is_own_QD: NDArray[np.bool_], k: int) -> Rows:
    """Mean reward of each question's k nearest cases of other questions."""
    allowed_QD = np.where(is_own_QD, -np.inf, score_QD)
    return np.array([reward_D[np.argsort(-row, kind="stable")[:k]].mean() for row in allowed_QD])


def auc(predicted: Rows, outcome: Rows) -> float:
    """Probability that a success is predicted above a failure; ties count half."""
    good, bad = predicted[outcome > 0.5], predicted[outcome <= 0.5]
    if not len(good) or not len(bad):
        return math.nan
    return float((np.sign(good[:, None] - bad[None, :]) + 1).mean() / 2)


def interval(values: list[float]) -> str:
    """The middle 95 %."""
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return f"[{low:+.3f}, {high:+.3f}]"


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, default=DATA / "memory.jsonl")
    parser.add_argument("--log", type=Path, default=DATA / "training_data.jsonl")
    parser.add_argument("--k", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cases = {line.case.id: line.case for line in read_cases(options.cases, namespace="x") if line.case is not None}
    told: dict[str, tuple[str, float]] = {}
    for row in map(json.loads, options.log.read_text(encoding="utf-8").splitlines()):
        if row["truth_label"] is not None:
            told.setdefault(question_hash(row["query"]), (row["query"], float(row["truth_label"])))
    states = [case.state for case in cases.values()]
    reward_D = np.array([case.reward for case in cases.values()], float)
    queries, outcome = [query for query, _ in told.values()], np.array([reward for _, reward in told.values()])
    own = [case.question for case in cases.values()]
    is_own_QD = np.array([[question == one for one in own] for question in told])
    encoder = MiniLmEncoder()
    cosine_QD = (await encoder.encode(queries) @ (await encoder.encode(states)).T).astype(float)
    words_QD = bm25(queries, states)
    orders = {"cosine": cosine_QD, "BM25": words_QD, "fused": fused(cosine_QD, words_QD)}
    found = {name: predictions(score_QD, reward_D, is_own_QD, options.k) for name, score_QD in orders.items()}
    rng = np.random.default_rng(options.seed)
    draws = [rng.integers(0, len(outcome), len(outcome)) for _ in range(N_DRAWS)]
    print(f"{len(cases)} cases, {len(outcome)} questions, {outcome.mean():.0%} answered rightly, k = {options.k}")
    base = [auc(found["cosine"][draw], outcome[draw]) for draw in draws]
    for name, predicted in found.items():
        drawn = [auc(predicted[draw], outcome[draw]) for draw in draws]
        line = f"{name:7} AUC {auc(predicted, outcome):.3f} {interval(drawn)}"
        if name != "cosine":
            over = [one - other for one, other in zip(drawn, base, strict=True)]
            line += f"; over cosine {auc(predicted, outcome) - auc(found['cosine'], outcome):+.3f} {interval(over)}"
        print(line)
    permuted = [auc(found["cosine"], rng.permutation(outcome)) for _ in range(200)]
    print(f"control AUC {np.mean(permuted):.3f} with permuted outcomes")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
