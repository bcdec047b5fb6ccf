"""The promotion gate: other settings serve only when they are better on held-out events, and honest.

The first half of the outcomes, in the order in which they came, chooses among the estimator's settings. The second half
judges, in four blocks: each is foretold by what was learned from everything before it, and only questions that were
never asked before are judged. So the number of settings tried needs no correction: one of them is judged, by outcomes
that did not choose it. verdict.py says what has to hold.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.case import POSITIVE_FROM
from memento.memory.errors import InvalidInput
from memento.memory.estimators.port import Estimator, Example
from memento.memory.estimators.settings import EstimatorSettings
from memento.memory.offpolicy import controls
from memento.memory.offpolicy.figures import Figures, figures, labels, table
from memento.memory.offpolicy.gain import log_loss_gain
from memento.memory.offpolicy.metrics import log_loss
from memento.memory.offpolicy.out_of_sample import Tick, out_of_sample
from memento.memory.offpolicy.probes import Probed, n_repeats, probed
from memento.memory.offpolicy.splits import Split, grouped_folds, temporal_splits
from memento.memory.offpolicy.verdict import Report, Within, judged
from memento.memory.offpolicy.within_question import WithinQuestion
from memento.memory.stats import Interval, tail_at_look, widened

MIN_OUTCOMES = 80
"""Known outcomes below which nothing is judged: the second half of as many new questions has `MIN_JUDGED`."""

MIN_JUDGED = 40
"""Questions in the second half, never asked before, below which nothing is judged; both kinds of outcome among them.
From 40 on, Clopper and Pearson's interval of no failure at all tells a success rate of 90 % from a higher one; with
fewer, hardly any settings could be shown to be better where most tasks succeed."""

_BLOCKS = 4
_CASELESS = ("constant", "query only", "same without cases")
_P = NDArray[np.float64]


class GateProgress(NamedTuple):
    """Progress of the gate."""

    doing: str
    done: int
    total: int


class Gate:
    """Promotion gate for one estimator's settings in one namespace. Pure and blocking: call it in a thread."""

    def __init__(
        self,
        make: Callable[[EstimatorSettings], Estimator],
        examples: Sequence[Example],
        *,
        seed: int,
        look: int = 1,
        on_progress: Callable[[GateProgress], None] = lambda _: None,
    ) -> None:
        """Prepare.

        Args:
            make: makes an estimator that knows nothing yet, with these settings.
            examples: N believed outcomes, in the order in which they came.
            seed: of folds, permutations, probes and intervals.
            look: which judgement against these serving settings it is, from 1; later ones must show more.
            on_progress: called after every learned example; whatever it raises ends the work.

        Raises:
            InvalidInput: too few outcomes to judge anything.
        """
        self._make = make
        self._examples = examples
        self._seed = seed
        self._look = look
        self._on_progress = on_progress
        self._reward_N, self._question_N = labels(examples)
        self._check_enough()

    def judge(self, serving: EstimatorSettings) -> Report:
        """Choose settings and judge them against those that serve."""
        tried = [one for one in self._make({}).settings_space() if dict(one) != dict(serving)]
        tried += [{}] if serving else []
        chosen = self._chosen(tried) if tried else dict(serving)
        halves = self._temporal(len(self._examples))
        by_time = self._predictions(halves, serving, chosen, "judging by time")
        folds = grouped_folds(self._question_N, n_folds=5, seed=self._seed)
        by_question = self._predictions(folds, serving, chosen, "judging by question")
        within = WithinQuestion(self._examples, by_question["chosen"], seed=self._seed)
        best_caseless = min(_CASELESS, key=lambda name: self._loss(by_time[name]))
        report = Report(
            is_better=False,
            reason="",
            settings=chosen,
            n_outcomes=len(self._examples),
            n_tried=len(tried),
            look=self._look,
            confidence=1 - 2 * tail_at_look(self._look),
            gain=self._gain(by_time["chosen"], by_time["serving"]),
            best_caseless=best_caseless,
            gain_over_caseless=self._gain(by_time["chosen"], by_time[best_caseless]),
            by_time=table(self._examples, by_time, halves, seed=self._seed),
            by_question=table(self._examples, by_question, folds, seed=self._seed),
            within_question=Within(within.interval, within.n_questions, within.is_enough),
            shuffled=self._shuffled(folds, chosen),
            probes=self._probes(chosen),
        )
        return judged(report)

    def _check_enough(self) -> None:
        n = len(self._examples)
        if n < MIN_OUTCOMES:
            raise InvalidInput(f"{n} known outcomes are too few to judge anything by; it takes {MIN_OUTCOMES}")
        tested = np.concatenate([np.empty(0, np.intp), *(split.test for split in self._temporal(n))])
        n_questions = len(np.unique(self._question_N[tested]))
        n_positive = int((self._reward_N[tested] >= POSITIVE_FROM).sum())
        if n_questions < MIN_JUDGED:
            raise InvalidInput(
                f"{n_questions} new questions among the later outcomes are too few to judge by; it takes {MIN_JUDGED}"
            )
        if not 0 < n_positive < len(tested):
            raise InvalidInput("the later outcomes are all of one kind; nothing can be judged by them")

    def _temporal(self, n: int) -> Sequence[Split]:
        """The second half of the first n outcomes, in blocks."""
        offset_N = np.array([example.offset for example in self._examples[:n]])
        return list(temporal_splits(self._question_N[:n], offset_N, n_blocks=_BLOCKS, first_share=0.5))

    def _chosen(self, tried: Sequence[EstimatorSettings]) -> dict[str, float]:
        """The best settings on the first half, which is not used to judge them."""
        n_first = len(self._examples) // 2
        splits = self._temporal(n_first)
        losses = []
        for number, settings in enumerate(tried):
            tick = self._tick(f"trying settings {number + 1} of {len(tried)}", _n_taught(splits))
            p_N = out_of_sample(partial(self._make, settings), self._examples[:n_first], splits, tick=tick)
            losses.append(self._loss(np.append(p_N, np.full(len(self._examples) - n_first, np.nan))))
        return dict(tried[int(np.argmin(losses))])

    def _predictions(
        self, splits: Sequence[Split], serving: EstimatorSettings, chosen: EstimatorSettings, doing: str
    ) -> dict[str, NDArray[np.float64]]:
        found: dict[str, _P] = {}
        caseless = controls.without_cases(self._examples)
        for name, settings, examples in (
            ("chosen", chosen, self._examples),
            ("serving", serving, self._examples),
            ("same without cases", chosen, caseless),
        ):
            tick = self._tick(f"{doing}: {name}", _n_taught(splits))
            found[name] = out_of_sample(partial(self._make, settings), examples, splits, tick=tick)
        rules: Mapping[str, controls.ControlRule] = {
            "query only": controls.query_only,
            "per-case mean": controls.case_mean,
            "question lookup": controls.question_lookup,
            "constant": controls.constant,
        }
        return found | {name: controls.predicted(rule, self._examples, splits) for name, rule in rules.items()}

    def _shuffled(self, folds: Sequence[Split], chosen: EstimatorSettings) -> Figures:
        examples = controls.shuffled(self._examples, seed=self._seed)
        tick = self._tick("shuffled outcomes", _n_taught(folds))
        p_N = out_of_sample(partial(self._make, chosen), examples, folds, tick=tick)
        return figures(examples, p_N, folds, seed=self._seed)

    def _probes(self, chosen: EstimatorSettings) -> list[Probed]:
        n_taught = len(self._examples) * n_repeats(self._examples)
        return [
            probed(
                probe,
                partial(self._make, chosen),
                self._examples,
                seed=self._seed,
                tick=self._tick(f"{probe} probe", n_taught),
            )
            for probe in ("placebo", "null")
        ]

    def _gain(self, first_N: _P, second_N: _P) -> Interval:
        tested = ~np.isnan(first_N)
        columns = (self._question_N, self._reward_N, first_N, second_N)
        found = log_loss_gain(*(column[tested] for column in columns), seed=self._seed)
        return widened(found, tail=tail_at_look(self._look))

    def _loss(self, p_N: _P) -> float:
        tested = ~np.isnan(p_N)
        return log_loss(self._reward_N[tested], p_N[tested]) if tested.any() else float("inf")

    def _tick(self, doing: str, total: int) -> Tick:
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            self._on_progress(GateProgress(doing, done, total))

        return tick


def _n_taught(splits: Sequence[Split]) -> int:
    """How many examples `out_of_sample` learns from: where training parts grow, each once."""
    if all(np.array_equal(after.train[: len(before.train)], before.train) for before, after in pairwise(splits)):
        return len(splits[-1].train) if splits else 0
    return sum(len(split.train) for split in splits)
