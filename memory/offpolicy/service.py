"""Off-policy evaluation of policies on a namespace's logged tasks.

The value of a policy is the mean reward of the logged tasks, had it chosen among what could be recalled then, with the
rest of every run as it was. A learned policy is judged as it would be today: with estimators that learned from all
outcomes but those of the questions they are judged on, earlier and later ones. So it is neither tuned on what judges
it, nor as ignorant as the policy of the same name was when the log began.

Several policies make many comparisons: a verdict on a difference is corrected for all differences of the report (Holm's
rule), while the intervals beside it are of each figure alone.

Every event whose newest outcome is known counts once, whatever its evaluator's confidence; degraded ones never count.
Of a namespace with several kinds of case, the reads for plans are judged: those of its subtasks share their outcomes.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from memento.memory.arguments import checked_seed
from memento.memory.errors import InvalidInput
from memento.memory.event import IMPORTED, ObservedOutcome
from memento.memory.learning.examples import ExampleReader, of_judged_kind
from memento.memory.learning.making import estimator_factory
from memento.memory.offpolicy.off_policy import Estimate, Evaluation, Sample, difference, evaluate, on_policy
from memento.memory.policies.own import Policies
from memento.memory.policies.port import RetrievalPolicy
from memento.memory.policies.registry import POLICY_NAMES, policy_named
from memento.memory.stats import holm
from memento.memory.storage import Storage

if TYPE_CHECKING:
    from memento.memory.estimators.port import EstimatorName, Example
    from memento.memory.offpolicy.replay import ReplayProgress

REWARD_MODEL: "EstimatorName" = "advantage"
"""Name of the estimator that predicts rewards for DM and DR."""

FAMILY_LEVEL = 0.05
"""Chance that a report has any wrong verdict on a difference."""

_PART = 100


class Difference(NamedTuple):
    """How much more one policy earns than another, on the same events."""

    policy: str
    than: str | None
    """None: compared with what was served."""
    estimate: Estimate
    adjusted_p: float | None
    """Two-sided p-value, by Holm's rule for all differences that the report can tell; None when it cannot be told."""

    @property
    def is_told_apart(self) -> bool:
        """Whether the two differ by more than chance, with at most 1 report in 20 wrong in any of its verdicts."""
        return self.adjusted_p is not None and self.adjusted_p <= FAMILY_LEVEL


class PolicyReport(NamedTuple):
    """Off-policy evaluation of some policies from the log."""

    served: dict[str, Estimate]
    """The control: what each logging policy earned itself, on its own events."""
    all_served: Estimate
    """The same, whatever the logging policy."""
    policies: dict[str, Evaluation]
    differences: list[Difference]
    n_unknown: int
    """Events left out because they were degraded or their outcome is not known."""
    n_imported: int
    """Events left out because the propensities of their cases are unknown."""
    n_not_recalled: int
    """Events of a policy that recalls nothing: in `served`, but what others would have recalled is not known."""


class PolicyEvaluation:
    """Evaluates policies from one namespace's log."""

    def __init__(
        self,
        *,
        storage: Storage,
        namespace: str,
        policies: Policies | None = None,
        seed: int = 0,
        model: "EstimatorName" = REWARD_MODEL,
    ) -> None:
        """Wire the parts.

        Args:
            storage: the ledger, the vectors, the thread that computes.
            namespace: whose log.
            policies: by name; the built-in ones by default.
            seed: of folds, estimators and draws.
            model: the estimator that predicts rewards for DM and DR.
        """
        self._storage = storage
        self._namespace = namespace
        self._policies = Policies("advantage") if policies is None else policies
        self._seed = checked_seed(seed) or 0
        self._model = model

    async def report(
        self,
        policies: Sequence[str],
        *,
        k: int | None = None,
        logged_by: str | None = None,
        on_progress: "Callable[[ReplayProgress], None]" = lambda _: None,
    ) -> PolicyReport:
        """Evaluate the policies on the same events.

        Args:
            policies: names of the target policies.
            k: slots that each gets; as many as the event had by default, or as most events had where it had none.
            logged_by: only events of this logging policy; say `random` to use what was chosen by lot.
            on_progress: called now and then.

        Raises:
            UnknownPolicy: no policy of that name.
            InvalidInput: no policy, or k below 1.
            EncoderUnavailable: a task or case was never encoded and cannot be now.
            LedgerUnavailable: the ledger does not answer.
        """
        targets = {name: self._policies.named(name) for name in policies}
        if logged_by is not None:
            self._policies.named(logged_by)
        if not targets or (k is not None and k < 1):
            raise InvalidInput("an evaluation needs at least one policy, and at least one slot")
        known = await self._known()
        n_events = (await self._storage.views.counts(namespace=self._namespace)).events
        n_unknown = n_events - len(known)
        known = [one for one in known if one.event.usual is None]  # rewards of steps are relative to what is usual
        judged = of_judged_kind(known)
        weighed = [one for one in judged if one.event.policy != IMPORTED]
        used = [one for one in weighed if logged_by in (None, one.event.policy)]
        recalled = [one for one in used if _recalls(one.event.policy)]
        samples: dict[str, Sample] = {}
        if len({one.event.question for one in recalled}) > 1:
            samples = await self._samples(targets, recalled, k, on_progress)
        none = np.empty(0)
        nothing = Sample(none, none, none, none, none, none.astype(np.int64))
        of = {name: samples.get(name, nothing) for name in targets}
        return PolicyReport(
            *_served(used),
            policies={name: evaluate(sample) for name, sample in of.items()},
            differences=_differences(of),
            n_unknown=n_unknown,
            n_imported=len(judged) - len(weighed),
            n_not_recalled=len(used) - len(recalled),
        )

    async def _known(self) -> list[ObservedOutcome]:
        """The newest outcome of every event, where it is known, in the ledger's order."""
        believed: dict[str, ObservedOutcome] = {}
        after = 0
        while news := await self._storage.views.observations(namespace=self._namespace, after=after, limit=_PART):
            after = news[-1].offset
            for one in news:
                believed.pop(one.event_id, None)
                if one.reward is not None and not one.is_partial:  # what was shown, no policy has chosen
                    believed[one.event_id] = one
        return list(believed.values())

    async def _samples(
        self,
        targets: dict[str, RetrievalPolicy],
        used: list[ObservedOutcome],
        k: int | None,
        on_progress: "Callable[[ReplayProgress], None]",
    ) -> dict[str, Sample]:
        from memento.memory.offpolicy.past_bank import PastBank
        from memento.memory.offpolicy.replay import Replay, ReplayProgress

        names = {self._model, *(policy.estimator for policy in targets.values() if policy.estimator is not None)}
        make = {
            name: await estimator_factory(self._storage, self._namespace, name, self._seed) for name in sorted(names)
        }
        views = await self._storage.compute(lambda: {view for one in make.values() for view in one().views})
        on_progress(ReplayProgress("looking up cases", 0, len(used)))
        reader = ExampleReader(
            namespace=self._namespace, views=self._storage.views, texts=self._storage.texts, wanted=sorted(views)
        )
        examples: list[Example | None] = []
        for start in range(0, len(used), _PART):
            examples += await reader.examples(used[start : start + _PART])
            on_progress(ReplayProgress("looking up cases", len(examples), len(used)))
        bank = await PastBank.load(
            views=self._storage.views, texts=self._storage.texts, namespace=self._namespace, case_views=views
        )
        work = Replay(
            used,
            [example for example in examples if example is not None],  # all: their outcomes are known
            bank=bank,
            make=make,
            model=self._model,
            k=k,
            seed=self._seed,
        ).samples(targets)

        def part() -> ReplayProgress | dict[str, Sample]:
            try:
                return next(work)
            except StopIteration as end:  # a generator's result; a thread's future cannot carry the exception
                result: dict[str, Sample] = end.value
                return result

        while isinstance(done := await self._storage.compute(part), ReplayProgress):
            on_progress(done)
        return done


def _differences(samples: dict[str, Sample]) -> list[Difference]:
    """Each policy against what was served, and against every earlier one."""
    pairs: list[tuple[str, str | None]] = [(name, None) for name in samples]
    pairs += [(one, other) for other, one in combinations(samples, 2)]
    estimates = [difference(samples[one], None if other is None else samples[other]) for one, other in pairs]
    adjusted_N = holm([estimate.p for estimate in estimates])
    return [
        Difference(one, other, estimate, None if np.isnan(adjusted) else float(adjusted))
        for (one, other), estimate, adjusted in zip(pairs, estimates, adjusted_N, strict=True)
    ]


def _served(used: list[ObservedOutcome]) -> tuple[dict[str, Estimate], Estimate]:
    """What each logging policy earned, and all of them together."""
    reward_E = np.array([one.reward for one in used], np.float64)
    question_E = np.unique([one.event.question for one in used], return_inverse=True)[1].astype(np.int64)
    logger_E = np.array([one.event.policy for one in used], np.str_)
    by_logger = {
        name: on_policy(reward_E[logger_E == name], question_E[logger_E == name])
        for name in np.unique(logger_E).tolist()
    }
    return by_logger, on_policy(reward_E, question_E)


def _recalls(policy: str) -> bool:
    return policy not in POLICY_NAMES or policy_named(policy).pool != "empty"
