"""Offline learning from the whole ledger: judges and promotes settings, rebuilds estimates, rolls versions back.

Everything that takes time happens before the one transaction that writes the decision. Until it commits, the version
that served serves on; an interruption, a kill or a full disk leaves nothing half promoted.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from memento.memory.arguments import checked_seed
from memento.memory.errors import InvalidInput
from memento.memory.event import ObservedOutcome, OutcomeRange
from memento.memory.learning.examples import ExampleReader, of_judged_kind
from memento.memory.learning.making import learned_kinds, make_learner
from memento.memory.learning.torch_thread import OwnThread
from memento.memory.learning.versions import n_judged, rollback
from memento.memory.ledger.settings_versions import SettingsVersion
from memento.memory.offpolicy.figures import as_json

if TYPE_CHECKING:
    from memento.memory.case import CaseKind
    from memento.memory.estimators.port import CaseView, Estimator, EstimatorName, Example
    from memento.memory.estimators.settings import EstimatorSettings
    from memento.memory.learning.learner import Learner
    from memento.memory.offpolicy.gate import GateProgress
    from memento.memory.offpolicy.verdict import Report
    from memento.memory.storage import Storage

_PAGE = 200
_COMPARED_READS = 20
_EVERYTHING = 2**31 - 1

OnProgress = Callable[[str, int, int], None]
"""Progress callback: current step, amount done, total; called from any thread."""


def _no_progress(_what: str, _done: int, _total: int) -> None:
    """Report nothing."""


class Judged(NamedTuple):
    """Result of `learn`."""

    version: SettingsVersion
    """The version as written."""
    report: "Report | None"
    """None when there were too few outcomes to judge by; then nothing was written."""


class Rebuilt(NamedTuple):
    """Result of `rebuild`."""

    version: int
    n_outcomes: int
    n_reads: int
    """Recent reads whose estimates were compared with those of the serving learner."""
    n_estimates: int
    max_difference: float
    """Largest absolute difference; anything but 0 means that the snapshot was wrong."""


class OfflineLearning:
    """Offline learning of one estimator in one namespace."""

    def __init__(self, *, storage: "Storage", namespace: str, estimator: "EstimatorName", seed: int) -> None:
        """Wire the parts.

        Args:
            storage: an open storage.
            namespace: whose outcomes.
            estimator: which one is taught.
            seed: of estimators; that of the learners that serve.
        """
        self._storage = storage
        self._namespace = namespace
        self._estimator = estimator
        self._seed = seed

    async def learn(self, *, seed: int = 0, on_progress: OnProgress = _no_progress) -> Judged:
        """Evaluate other settings, and promote them if they are better than those that serve.

        Args:
            seed: of folds, permutations, probes and intervals.
            on_progress: called often.

        Raises:
            InvalidInput: a seed below 0.
            EncoderUnavailable: a case was never encoded and cannot be now.
            LedgerUnavailable: the ledger does not answer; nothing was promoted.
        """
        seed = checked_seed(seed) or 0
        serving = await self._storage.versions.serving(self._namespace, self._estimator)
        until = await self._storage.views.newest_outcome_offset()
        draft = self._draft(serving, until, verdict="refused", seed=seed)
        try:
            look = 1 + n_judged(await self.history(), serving)
            report = await self._judged(serving, until, seed, look, on_progress)
        except InvalidInput as error:
            return Judged(draft.model_copy(update={"reason": str(error)}), None)
        figures = as_json(report)
        draft = draft.model_copy(update={"settings": report.settings, "reason": report.reason, "report": figures})
        if report.is_better:
            draft = draft.model_copy(update={"verdict": "promoted"})
            await self._prepared(draft)
        return Judged(await self._write(draft), report)

    async def rebuild(self) -> Rebuilt:
        """Relearn everything without a snapshot, compare with what serves, and save the result."""
        rebuilt = [await self._rebuilt(kind) for kind in await self._kinds()]
        _, n_outcomes, n_reads, n_estimates, difference = zip(*rebuilt, strict=True)
        return Rebuilt(rebuilt[0].version, sum(n_outcomes), sum(n_reads), sum(n_estimates), max(difference))

    async def _rebuilt(self, kind: "CaseKind") -> Rebuilt:
        serves, again = await self._learner(kind), await self._learner(kind)
        await serves.catch_up()
        await serves.close()
        n_outcomes = await again.prepare(serves.serving, is_fresh=True)
        recent = await self._storage.views.newest_observations(
            namespace=self._namespace, until=_EVERYTHING, limit=_COMPARED_READS, kind=kind
        )
        differences = [difference for one in recent for difference in await self._differences(one, serves, again)]
        return Rebuilt(
            serves.serving.version, n_outcomes, len(recent), len(differences), float(np.max(differences, initial=0.0))
        )

    async def history(self) -> list[SettingsVersion]:
        """All decisions, oldest first."""
        return await self._storage.versions.history(self._namespace, self._estimator)

    async def serving(self) -> SettingsVersion:
        """The version that serves."""
        return await self._storage.versions.serving(self._namespace, self._estimator)

    async def fault(self) -> str:
        """Why the settings of the serving version cannot be used; empty where they can.

        They were written by another release, or their row is damaged: the built-in settings serve in their place.
        """
        settings = (await self.serving()).settings
        if not settings:
            return ""
        try:
            await self._storage.compute(lambda: self._factory()(settings))
        except InvalidInput as error:
            return str(error)
        return ""

    async def rollback(self, to: int | None = None) -> SettingsVersion:
        """Roll back to a version, with the estimates it last had; outcomes that came later no longer count.

        Args:
            to: its number; by default the version before the serving one. A later number takes a rollback back.

        Returns:
            The decision as it was written; refused when another one was written meanwhile.

        Raises:
            InvalidInput: there is no such version, or it serves already.
        """
        newest = await self._storage.views.newest_outcome_offset()
        draft = rollback(await self.history(), to, newest=newest)
        await self._prepared(draft)
        return await self._write(draft)

    async def choose(self, settings: "EstimatorSettings", *, reason: str) -> SettingsVersion:
        """Let levels of guides' trials serve that a person chose; every outcome counts as before.

        Args:
            settings: by name; the others stay as they serve.
            reason: why, for the history.

        Returns:
            The decision; refused when another one was written meanwhile.

        Raises:
            InvalidInput: no such level, or beyond its range; or of another estimator, whose settings are judged.
        """
        if self._estimator != "trials":
            raise InvalidInput(f"settings of {self._estimator} serve where they are judged better: `memento learn`")
        serving = await self.serving()
        chosen = {**serving.settings, **settings}
        await self._storage.compute(lambda: self._factory()(chosen))  # refuses what it cannot be made with
        until = await self._storage.views.newest_outcome_offset()
        draft = self._draft(serving, until, settings=chosen, reason=f"chosen by hand: {reason}")
        await self._prepared(draft)
        return await self._write(draft)

    def _draft(self, serving: SettingsVersion, until: int, **fields: Any) -> SettingsVersion:
        """A decision that would replace the serving version, by outcomes until an offset."""
        return SettingsVersion(
            namespace=self._namespace,
            estimator=self._estimator,
            skipped=serving.skipped,
            trained_until=until,
            replaces=serving.version,
            **fields,
        )

    async def _judged(
        self, serving: SettingsVersion, until: int, seed: int, look: int, on_progress: OnProgress
    ) -> "Report":
        async with OwnThread() as thread:
            make = await thread.run(lambda _: self._factory())
            views = await thread.run(lambda _: make({}).views)
            examples = await self._believed(until, serving.skipped, views, on_progress)

            def judge(check: Callable[[], None]) -> "Report":
                from memento.memory.offpolicy.gate import Gate

                def tell(progress: "GateProgress") -> None:
                    check()
                    on_progress(*progress)

                return Gate(make, examples, seed=seed, look=look, on_progress=tell).judge(serving.settings)

            return await thread.run(judge)

    async def _believed(
        self, until: int, skipped: "Sequence[OutcomeRange]", views: "Sequence[CaseView]", on_progress: OnProgress
    ) -> "list[Example]":
        """Newest known outcome of each event of the kind that is judged by, in order of arrival."""
        reader = ExampleReader(
            namespace=self._namespace, views=self._storage.views, texts=self._storage.texts, wanted=views
        )
        known = await self._storage.views.newest_observations(
            namespace=self._namespace, until=until, limit=_EVERYTHING, skipped=skipped
        )
        believed = of_judged_kind(known)
        examples: list[Example] = []
        for start in range(0, len(believed), _PAGE):
            examples += [one for one in await reader.examples(believed[start : start + _PAGE]) if one is not None]
            on_progress("reading outcomes", len(examples), len(believed))
        return examples

    async def _differences(self, one: ObservedOutcome, serves: "Learner", again: "Learner") -> list[float]:
        """Differences between two learners' estimates for the recalled cases of reads, or else the served ones."""
        similarity = {slot.case_id: slot.similarity for slot in one.event.slots if slot.case_id is not None}
        similarity |= {candidate.case_id: candidate.similarity for candidate in one.event.candidates}
        found = await self._storage.views.cases(list(similarity), namespace=self._namespace)
        query, cases = await self._storage.texts.one(one.event.query), list(found.values())
        similarity_C = np.array([similarity[case.id] for case in cases], np.float32)
        first = (await serves.estimates(query, cases, similarity_C)).estimates
        second = (await again.estimates(query, cases, similarity_C)).estimates
        if first is None or second is None:
            return [] if first is second else [float("inf")]
        return [float(value) for value in np.abs(first.value_C.astype(np.float64) - second.value_C)]

    async def _prepared(self, draft: SettingsVersion) -> None:
        """Learn with a version and save it, so that no reader waits once it serves."""
        for kind in await self._kinds():
            await (await self._learner(kind)).prepare(draft)

    async def _write(self, draft: SettingsVersion) -> SettingsVersion:
        return await self._storage.ledger.transact(lambda writer: self._storage.versions.append(writer, draft))

    async def _kinds(self) -> "list[CaseKind]":
        return await learned_kinds(self._storage, self._namespace)

    async def _learner(self, kind: "CaseKind") -> "Learner":
        return await make_learner(self._storage, self._namespace, self._estimator, self._seed, kind)

    def _factory(self) -> "Callable[[EstimatorSettings], Estimator]":
        from memento.memory.estimators.registry import make_estimator

        name, dim, seed = self._estimator, self._storage.texts.encoder.dim, self._seed
        return lambda settings: make_estimator(name, dim=dim, seed=seed, settings=settings)
