"""The parts of a memory: index, ledger views, lifecycle, off-policy evaluation, learning. Base of `CaseMemory`."""

from collections.abc import Sequence

import numpy as np
from typing_extensions import deprecated

from memento.memory.arguments import checked_seed, checked_texts
from memento.memory.case import POSITIVE_FROM
from memento.memory.choosing import Choosing
from memento.memory.errors import InvalidInput
from memento.memory.estimators.port import CaseEffect
from memento.memory.forwarding import runs_on_owner_loop
from memento.memory.guides import GUIDE_KINDS, GuideTrial
from memento.memory.importer import Importer
from memento.memory.index.case_bank import CaseBank
from memento.memory.learning.background import BackgroundLearning
from memento.memory.learning.offline import OfflineLearning
from memento.memory.ledger.reads import LedgerViews
from memento.memory.ledger.settings_versions import SettingsVersions
from memento.memory.lifecycle.lifecycle import Lifecycle
from memento.memory.namespaces import checked_namespace
from memento.memory.offpolicy.service import PolicyEvaluation
from memento.memory.owner_loop import OwnerLoop
from memento.memory.policies.own import Policies
from memento.memory.policies.port import RetrievalPolicy
from memento.memory.policies.registry import LEARNING
from memento.memory.ranking import Ranker
from memento.memory.recorder import Recorder
from memento.memory.retrieval import Retrieval
from memento.memory.storage import Storage
from memento.memory.success import PositiveFrom, SuccessLine
from memento.memory.warmable import Warmable


@runs_on_owner_loop
class MemoryParts:
    """Makes the parts of a memory, and gives them; on a foreign event loop, their coroutines run on the owner loop."""

    def __init__(
        self,
        storage: Storage,
        *,
        policy: str | RetrievalPolicy,
        namespace: str,
        seed: int | None,
        min_confidence: float,
        positive_from: PositiveFrom = POSITIVE_FROM,
        in_thread: bool = False,
    ) -> None:
        """Use `CaseMemory.open` instead."""
        seed = checked_seed(seed)
        self._policies = Policies(policy)
        default = self._policies.default
        self.policy = default.name
        self.namespace = checked_namespace(namespace)
        self._storage = storage
        self._learning = BackgroundLearning(storage=storage, estimator=default.estimator, seed=seed or 0)
        learner, policies = self._learning.learner, self._policies
        self._success = SuccessLine(storage, positive_from)
        rng = np.random.default_rng(seed)
        choosing = Choosing(storage=storage, policies=policies, learner=learner, rng=rng, success=self._success)
        self._retrieval = Retrieval(storage=storage, policies=policies, learner=learner, choosing=choosing)
        # draws of its own, so that what is ranked does not change what is read
        self._ranker = Ranker(storage=storage, policies=policies, learner=learner, rng=np.random.default_rng(seed))
        self._importer = Importer(storage)
        self._recorder = Recorder(storage=storage, min_confidence=min_confidence, success=self._success)
        self.owner_loop = OwnerLoop("memory", in_thread=in_thread, on_moved=storage.resume)

    @property
    def bank(self) -> CaseBank:
        """The searchable projection of the ledger."""
        return self.owner_loop.bound(self._storage.bank)

    @property
    def views(self) -> LedgerViews:
        """Read-only queries of the ledger: cases, events, counts."""
        return self.owner_loop.bound(self._storage.views)

    @property
    def lifecycle(self) -> Lifecycle:
        """Retire, quarantine and forget cases, and bring them back."""
        return self.owner_loop.bound(
            Lifecycle(storage=self._storage, namespace=self.namespace, effects=self.effects, success=self._success)
        )

    def evaluation(self, *, seed: int = 0) -> PolicyEvaluation:
        """Off-policy evaluation of policies on the logged tasks of a namespace.

        Args:
            seed: of the held-out folds, of learning and of draws.
        """
        return self.owner_loop.bound(
            PolicyEvaluation(storage=self._storage, namespace=self.namespace, policies=self._policies, seed=seed)
        )

    @property
    def versions(self) -> SettingsVersions:
        """Versions of estimator settings: promoted, refused, rolled back."""
        return self.owner_loop.bound(self._storage.versions)

    @property
    def only_read_because(self) -> str:
        """Reason why the ledger is open read-only; empty when it can be written."""
        return self._storage.ledger.only_read_because

    @property
    def notices(self) -> list[str]:
        """Current notices for users: the ledger is read-only, the index lags, the engine is unavailable.

        A condition is told for as long as it lasts; what has happened until the next reading, which tells it too.
        """
        pictures = self._storage.pictures
        return [*self._storage.notices, *self._storage.bank.notices, *([] if pictures is None else pictures.notices)]

    async def effects(self, namespace: str | None = None) -> list[CaseEffect]:
        """Estimated effect of serving each case, by the policy's estimator; empty where it has no effects per case."""
        return await self._learning.effects(self._namespace(namespace))

    def offline(self, policy: str | None = None) -> OfflineLearning:
        """Offline learning: evaluate and promote estimator settings, rebuild, roll back.

        Args:
            policy: whose estimates; the memory's own by default.

        Raises:
            InvalidInput: the policy learns nothing.
            UnknownPolicy: no policy of that name.
        """
        estimator = self._policies.named(policy or self.policy).estimator
        if estimator is None:
            raise InvalidInput(f"policy {policy or self.policy!r} learns nothing; name one of: {', '.join(LEARNING)}")
        seed = self._learning.seed
        return self.owner_loop.bound(
            OfflineLearning(storage=self._storage, namespace=self.namespace, estimator=estimator, seed=seed)
        )

    async def trials(self, case_ids: Sequence[str], namespace: str | None = None) -> list[GuideTrial]:
        """What the trials of guides (skills, lessons) say so far: on trial, kept or retired, and why.

        Args:
            case_ids: of the guides, in the order of the answer; what is not a guide is left out.
            namespace: the memory's own by default.
        """
        place, case_ids = self._namespace(namespace), checked_texts("`case_ids`", case_ids)
        cases = await self._storage.views.cases(case_ids, namespace=place)
        found: dict[str, GuideTrial] = {}
        for kind in GUIDE_KINDS:
            mine = [case_id for case_id in case_ids if case_id in cases and cases[case_id].kind == kind]
            if mine:
                learner = await self._learning.learner(place, "trials", kind)
                found |= {one.case_id: one for one in await learner.trials(mine)}
        return [found[case_id] for case_id in case_ids if case_id in found]

    async def positive_line(self, namespace: str | None = None) -> float:
        """Reward from which on an attempt of a namespace counts as one that worked, by the memory's `positive_from`."""
        return await self._success.of(self._namespace(namespace))

    async def settle(self) -> None:
        """Wait until the estimator has learned from all outcomes acknowledged so far."""
        await self._learning.settle()

    @property
    def learning_postponed(self) -> bool:
        """Whether outcomes wait to be learned because the last attempt failed."""
        return self._learning.is_postponed

    async def n_outcomes(self, namespace: str | None = None) -> int:
        """Number of known outcomes that a namespace's estimates rest on."""
        return await self._storage.views.n_known_outcomes(namespace=self._namespace(namespace))

    @deprecated("`policy_version` is now `n_outcomes`")
    async def policy_version(self, namespace: str | None = None) -> int:
        """The former name of `n_outcomes`."""
        return await self.n_outcomes(namespace)

    async def warm(self) -> None:
        """Load what the first read would load: the encoder's model, and what the policy's estimator has learned.

        Raises:
            EncoderUnavailable: the packaged encoder cannot be loaded.
            LedgerUnavailable: the outcomes cannot be read.
        """
        encoder = self._storage.texts.encoder
        if isinstance(encoder, Warmable):
            await encoder.warm()
        await self._learning.warm(self.namespace)

    def _namespace(self, namespace: str | None) -> str:
        return self.namespace if namespace is None else checked_namespace(namespace)
