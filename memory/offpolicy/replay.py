"""Replays logged events under target policies. Synchronous, in parts, so that other work of the thread gets turns."""

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from memento.memory.estimators.port import Estimator, EstimatorName, Example
from memento.memory.event import ObservedOutcome
from memento.memory.offpolicy.counterfactual import Counterfactual, LoggedEvent, TargetPolicy
from memento.memory.offpolicy.cross_fitting import MANY, CrossFitting
from memento.memory.offpolicy.off_policy import Sample
from memento.memory.offpolicy.past_bank import PastBank
from memento.memory.policies.port import RetrievalPolicy

_PART = 64
_USUAL_K = 4
_EXACT, _FEW = 16, 2
"""Predictions per event, in small logs and in large ones."""


class ReplayProgress(NamedTuple):
    """Progress of an evaluation."""

    doing: str
    done: int
    total: int


class Replay:
    """Some events with known outcomes, and what target policies would have served in them."""

    def __init__(
        self,
        observations: Sequence[ObservedOutcome],
        examples: Sequence[Example],
        *,
        bank: PastBank,
        make: Mapping[EstimatorName, Callable[[], Estimator]],
        model: EstimatorName,
        k: int | None,
        seed: int,
    ) -> None:
        """Wire the parts.

        Args:
            observations: in the ledger's order; of at least two questions.
            examples: the same, as estimators are given them.
            bank: the cases that they were served from.
            make: makes the estimators that the targets and the model need.
            model: the estimator that predicts rewards.
            k: slots of each target; None gives as many as the event was asked for. Where that was not recorded, it
                is as many as it had, or as most had where it had none.
            seed: of folds and draws.
        """
        self._bank = bank
        self._make = make
        self._model = model
        self._seed = seed
        usual = Counter(len(one.event.slots) for one in observations if one.event.slots)
        usual_k = usual.most_common(1)[0][0] if usual else _USUAL_K
        self._events = [
            LoggedEvent(one, example, k or one.event.k or len(one.event.slots) or usual_k)
            for one, example in zip(observations, examples, strict=True)
        ]
        self._in_time = sorted(range(len(observations)), key=lambda index: observations[index].event.bank_version)

    def samples(self, targets: Mapping[str, RetrievalPolicy]) -> Generator[ReplayProgress, None, dict[str, Sample]]:
        """Do the work, a part at a time.

        Args:
            targets: policies by name.

        Returns:
            The events as each target sees them.
        """
        events = self._events
        fits = yield from self._fits()
        model_E = np.empty(len(events))
        for index, event in enumerate(events):
            model_E[index] = fits[self._model].estimator(index).predict(event.example)
            if index % _PART == 0:
                yield ReplayProgress("predicting", index, len(events))
        question_E = np.unique([event.example.question for event in events], return_inverse=True)[1].astype(np.int64)
        samples = {}
        for name, policy in targets.items():
            found = yield from self._judged(name, policy, events, fits)
            samples[name] = Sample(
                logged_E=np.array([one.logged for one in found]),
                target_E=np.array([one.target for one in found]),
                reward_E=np.array([event.example.reward for event in events]),
                model_E=model_E,
                expected_E=np.array([one.expected for one in found]),
                question_E=question_E,
            )
        return samples

    def _fits(self) -> Generator[ReplayProgress, None, dict[EstimatorName, CrossFitting]]:
        fits: dict[EstimatorName, CrossFitting] = {}
        for name, make in self._make.items():
            fits[name] = CrossFitting(make, [event.example for event in self._events], seed=self._seed)
            n_learned = 0
            for n_more in fits[name].steps(size=_PART):
                n_learned += n_more
                yield ReplayProgress(f"learning {name}", n_learned, fits[name].n_steps)
        return fits

    def _judged(
        self,
        name: str,
        policy: RetrievalPolicy,
        events: Sequence[LoggedEvent],
        fits: Mapping[EstimatorName, CrossFitting],
    ) -> Generator[ReplayProgress, None, list[Counterfactual]]:
        target = TargetPolicy(
            policy, self._bank, n_predictions=_FEW if len(self._events) > MANY else _EXACT, seed=self._seed
        )
        found: dict[int, Counterfactual] = {}
        for index in self._in_time:
            self._bank.at(events[index].observation.event.bank_version)
            ranks_by = None if policy.estimator is None else fits[policy.estimator].estimator(index)
            found[index] = target.judge(events[index], model=fits[self._model].estimator(index), estimator=ranks_by)
            if len(found) % _PART == 0:
                yield ReplayProgress(f"replaying {name}", len(found), len(events))
        return [found[index] for index in range(len(events))]
