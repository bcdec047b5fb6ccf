"""CaseMemory, the memory as a library: read cases for a task, write experiences, give feedback; it learns from both.

```python
async with CaseMemory.open("./bank") as memory:
    reading = await memory.read("What is the capital of Columbia County?", k=4)
    plans = [scored.case.action for scored in reading.cases]  # fewer than k where an empty slot promises more
    case_id = await memory.write(state="...", action="...", reward=1.0, event_id=reading.event_id)
    await memory.feedback(reading.event_id, reward=0.0)  # later and better knowledge replaces the outcome
```
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, overload

import numpy as np
from typing_extensions import deprecated

from memento.memory.case import Case, ErrorClass, storable
from memento.memory.encoder import Encoder
from memento.memory.errors import InvalidInput
from memento.memory.estimators.port import CaseEffect
from memento.memory.experience import Experience, check_share
from memento.memory.index.case_bank import CaseBank
from memento.memory.index.engines.collection_settings import CollectionSettings
from memento.memory.learning.background import BackgroundLearning
from memento.memory.learning.offline import OfflineLearning
from memento.memory.ledger.reads import LedgerViews
from memento.memory.ledger.settings_versions import SettingsVersions
from memento.memory.lifecycle.lifecycle import Lifecycle
from memento.memory.maintenance import LedgerMaintenance
from memento.memory.namespaces import checked_namespace
from memento.memory.offpolicy.service import PolicyEvaluation
from memento.memory.policies.registry import LEARNING, policy_named
from memento.memory.reading import Reading, Recall
from memento.memory.recorded_events import Kept, Selection
from memento.memory.recorder import Recorder
from memento.memory.retrieval import Retrieval
from memento.memory.storage import Storage
from memento.memory.text_limits import MAX_LESSON_CHARS, MAX_STATE_CHARS, bounded
from memento.memory.warmable import Warmable


class CaseMemory(LedgerMaintenance):
    """Case memory. Open with `async with CaseMemory.open(...)`; safe for concurrent tasks of one event loop."""

    def __init__(
        self, storage: Storage, *, policy: str, namespace: str, seed: int | None, min_confidence: float
    ) -> None:
        """Use `CaseMemory.open` instead."""
        default = policy_named(policy)
        self.policy = default.name
        self.namespace = checked_namespace(namespace)
        self._storage = storage
        self._learning = BackgroundLearning(storage=storage, estimator=default.estimator, seed=seed or 0)
        self._retrieval = Retrieval(storage=storage, learner=self._learning.learner, rng=np.random.default_rng(seed))
        self._recorder = Recorder(storage=storage, min_confidence=min_confidence)

    @classmethod
    def open(
        cls,
        location: str | Path,
        *,
        encoder: Encoder | Any | str | None = None,
        policy: str = "advantage",
        namespace: str = "default",
        seed: int | None = None,
        ledger_url: str | None = None,
        api_key: str | None = None,
        collection: CollectionSettings | None = None,
        approximate_from: int = 200_000,
        home: str | Path | None = None,
        is_reindexing: bool = False,
        min_confidence: float = 0.5,
    ) -> Self:
        """Configure a memory; `async with` opens it.

        Args:
            location: a folder (embedded Qdrant engine), `":memory:"` (nothing is kept), or the URL of a Qdrant server,
                with `http://` or `https://`; a folder whose name holds a colon is written `./a:b`.
            encoder: texts to vectors: an object with `name`, `dim` and `async encode(texts)`, a LangChain `Embeddings`
                object, or `"openai:model"` of any server with OpenAI's protocol (OPENAI_API_KEY, OPENAI_BASE_URL); the
                packaged all-MiniLM-L6-v2 by default.
            policy: how cases are chosen when `read` does not say otherwise.
            namespace: whose cases; a namespace sees only its own.
            seed: makes random choices repeatable.
            ledger_url: SQL database of the ledger, SQLite or Postgres; by default an SQLite file in the folder.
            api_key: of the Qdrant server.
            collection: how the Qdrant server keeps the cases (quantisation, disk, shards, replicas); a collection that
                exists takes over what can be changed, and a notice names the rest. Folders ignore it.
            approximate_from: in a folder, the number of active cases of a namespace from which on it is searched by an
                approximate index, built in the background; needs the extra `scale`.
            home: folder for ledger and weights when `location` is a URL; `~/.memento` by default.
            is_reindexing: open although the bank was written by another encoder, in order to call `reindex`.
            min_confidence: of an evaluator, in [0, 1]; what is judged with less goes into quarantine, not into use.

        Raises:
            UnknownPolicy: no policy of that name.
            InvalidInput: the namespace is empty or too long, the confidence not in [0, 1], the number of cases below 1;
                the location, the home, the ledger's URL or the encoder does not parse.
        """
        storage = Storage(
            location,
            encoder=encoder,
            ledger_url=ledger_url,
            api_key=api_key,
            collection=collection,
            approximate_from=approximate_from,
            home=home,
            is_reindexing=is_reindexing,
        )
        check_share("confidence", min_confidence)
        return cls(storage, policy=policy, namespace=namespace, seed=seed, min_confidence=min_confidence)

    async def __aenter__(self) -> Self:
        """Open ledger and index.

        Raises:
            LedgerUnavailable: the ledger cannot be opened.
            EncoderMismatch: the bank was written by another encoder.
            EncoderUnavailable: an embedding service that is used for the first time does not answer.
        """
        await self._storage.open()
        try:
            if self._storage.is_writable:
                await self.lifecycle.finish_erasures()
        except BaseException:  # a cancellation, too, must not leave what was opened
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Finish learning that has begun, then close. Idempotent.

        What was acknowledged a moment ago may be left for the next process to learn from the ledger; `settle` first,
        where it should not.
        """
        try:
            await self._learning.close()
        finally:
            await self._storage.close()

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

    @property
    def bank(self) -> CaseBank:
        """The searchable projection of the ledger."""
        return self._storage.bank

    @property
    def views(self) -> LedgerViews:
        """Read-only queries of the ledger: cases, events, counts."""
        return self._storage.views

    @property
    def lifecycle(self) -> Lifecycle:
        """Retire, quarantine and forget cases, and bring them back."""
        return Lifecycle(storage=self._storage, namespace=self.namespace, effects=self.effects)

    def evaluation(self, *, seed: int = 0) -> PolicyEvaluation:
        """Off-policy evaluation of policies on the logged tasks of a namespace.

        Args:
            seed: of the held-out folds, of learning and of draws.
        """
        return PolicyEvaluation(storage=self._storage, namespace=self.namespace, seed=seed)

    @property
    def versions(self) -> SettingsVersions:
        """Versions of estimator settings: promoted, refused, rolled back."""
        return self._storage.versions

    @property
    def only_read_because(self) -> str:
        """Reason why the ledger is open read-only; empty when it can be written."""
        return self._storage.ledger.only_read_because

    @property
    def notices(self) -> list[str]:
        """Current notices for users: the ledger is read-only, the index lags, the engine is unavailable.

        A condition is told for as long as it lasts; what has happened until the next reading, which tells it too.
        """
        return [*self._storage.notices, *self.bank.notices]

    async def read(
        self,
        query: str,
        *,
        k: int = 4,
        policy: str | None = None,
        namespace: str | None = None,
        task: str | None = None,
        follows: str | None = None,
        seed: int | None = None,
    ) -> Reading:
        """Choose cases for a task: `recall`, then `select`.

        Args:
            query: the task's text.
            k: how many cases at most.
            policy: a policy name; the memory's own by default.
            namespace: the memory's own by default.
            task: the task alone, where the query also tells what was found so far; cases of this task are not served.
            follows: id of the reading before this one in the same run; what comes of this one is its outcome too.
            seed: of this reading's random choices, so that it can be repeated whatever was read before.

        Raises:
            InvalidInput: empty query, k below 0, unknown policy.
            EncoderUnavailable: the query cannot be encoded.
            LedgerUnavailable: the choice cannot be recorded.
            UnknownEvent: the reading that it follows is not of this namespace.
        """
        recall = await self.recall(query, policy=policy, namespace=namespace, task=task, follows=follows, seed=seed)
        return await self._retrieval.select(recall, k=k, is_caught_up=True)

    async def recall(
        self,
        query: str,
        *,
        policy: str | None = None,
        namespace: str | None = None,
        task: str | None = None,
        follows: str | None = None,
        seed: int | None = None,
    ) -> Recall:
        """First half of `read`: find the candidates that the policy will choose from."""
        return await self._retrieval.recall(
            bounded(storable(query), MAX_STATE_CHARS),
            policy=policy or self.policy,
            namespace=self._namespace(namespace),
            task=None if task is None else bounded(storable(task), MAX_STATE_CHARS),
            follows=None if follows is None else storable(follows),
            seed=seed,
        )

    async def select(self, recall: Recall, *, k: int = 4) -> Reading:
        """Second half of `read`: choose and record. The same recall twice gives the same reading."""
        recall = recall._replace(
            event_id=storable(recall.event_id),
            query=storable(recall.query),
            namespace=checked_namespace(recall.namespace),
            task=None if recall.task is None else storable(recall.task),
            follows=None if recall.follows is None else storable(recall.follows),
        )
        return await self._retrieval.select(recall, k=k)

    @overload
    async def write(self, experience: Experience, /) -> str | None: ...

    @overload
    async def write(
        self,
        *,
        state: str,
        action: str,
        reward: float | None,
        answer: str = "",
        event_id: str | None = None,
        confidence: float = 1.0,
        lesson: str = "",
        error_class: ErrorClass | None = None,
        evaluator: str = "unknown",
        thread_id: str | None = None,
        models: Mapping[str, str] | None = None,
        namespace: str | None = None,
        left_out: Sequence[str] = (),
    ) -> str | None: ...

    async def write(  # type: ignore[misc]  # mypy does not see that `fields` takes every keyword
        self, experience: Experience | None = None, /, **fields: Any
    ) -> str | None:
        """Store an experience as a case, and with `event_id` as the outcome of the cases served.

        Once this returns, the experience is durable; it is searchable at once, or as soon as the search engine
        answers again. The same event written twice is written once. Readings that this one follows have the same
        outcome, unless they were given one of their own.

        Args:
            experience: what was tried and what came of it.
            fields: those of an `Experience`, in its place.

        Returns:
            The case's id; None when the reward is None.

        Raises:
            InvalidInput: not an `Experience`, or the event has the outcome of another attempt.
            UnknownEvent: no such event in this namespace.
            LedgerUnavailable: it was not kept.
        """
        if experience is None:
            experience = Experience(**fields)
        elif fields:
            raise TypeError("give an Experience or its fields, not both")
        return (await self.write_all([experience]))[0]

    async def write_all(self, experiences: Sequence[Experience]) -> list[str | None]:
        """Store experiences like repeated `write`, in one transaction: all or none.

        Returns:
            The cases' ids; None where the reward is None.

        Raises:
            InvalidInput, UnknownEvent, LedgerUnavailable: as `write`.
        """
        if not experiences:
            return []
        ids = await self._recorder.write(experiences, namespace=self.namespace)
        await self._retained(*dict.fromkeys(self._namespace(one.namespace) for one in experiences))
        return ids

    async def feedback(
        self,
        event_id: str,
        reward: float | None,
        *,
        confidence: float = 1.0,
        evaluator: str = "human",
        lesson: str = "",
        namespace: str | None = None,
    ) -> str | None:
        """Replace an event's outcome by a later reward; the case of that run is updated too.

        It is also the outcome of the readings that this one follows: give it the id of a run's last event.
        If the run ended without a known reward, its attempt becomes a case now. A reward of None withdraws what was
        believed: the case is quarantined and served no more. The same feedback twice is one feedback.

        Returns:
            The id of the case that stands for the run now, or None when the run left nothing to keep.

        Raises:
            UnknownEvent: no such event in this namespace.
            InvalidInput: a reward outside [0, 1].
            LedgerUnavailable: it was not kept.
        """
        case_id = await self._recorder.feedback(
            storable(event_id),
            reward,
            namespace=self._namespace(namespace),
            confidence=confidence,
            evaluator=storable(evaluator),
            lesson=bounded(storable(lesson), MAX_LESSON_CHARS),
        )
        await self._retained(self._namespace(namespace))
        return case_id

    async def keep(self, cases: Sequence[Case], *, is_trusted: bool = True) -> int:
        """Import finished cases, all or none; those already stored are left unchanged.

        Args:
            cases: finished cases.
            is_trusted: if not, they wait in quarantine until `lifecycle.release`.

        Returns:
            How many were new.

        Raises:
            LedgerUnavailable: none was kept.
        """
        n_new = await self._recorder.keep(cases, is_trusted=is_trusted)
        await self.bank.project()
        return n_new

    async def keep_attempts(self, attempts: Sequence[Experience]) -> int:
        """Import attempts whose outcome is unknown, all or none: no case, nothing learned, until `feedback` says more.

        Attempts that are there already, waiting or as a case, are left unchanged. The event id to give feedback by is
        `importing.attempt_event_id` of namespace, state and action.

        Args:
            attempts: of this memory's namespace, without reward and event id.

        Returns:
            How many were new.

        Raises:
            InvalidInput: one of them has a reward or an event id.
            LedgerUnavailable: none was kept.
        """
        return await self._recorder.keep_attempts(attempts, namespace=self.namespace)

    async def keep_recorded(self, selections: Sequence[Selection], *, is_trusted: bool = True) -> Kept:
        """Import a retrieval log (cases, events, outcomes), all or nothing.

        What is already there is left alone. Outcomes are learned from in the background.

        Args:
            selections: of one namespace; see `recorded_events.grouped`.
            is_trusted: if not, new cases wait in quarantine until `lifecycle.release`.

        Raises:
            LedgerUnavailable: nothing was kept.
        """
        kept = await self._recorder.keep_recorded(selections, is_trusted=is_trusted)
        await self._retained(*{case.namespace for selection in selections for case in selection.cases})
        return kept

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
        estimator = policy_named(policy or self.policy).estimator
        if estimator is None:
            raise InvalidInput(f"policy {policy or self.policy!r} learns nothing; name one of: {', '.join(LEARNING)}")
        seed = self._learning.seed
        return OfflineLearning(storage=self._storage, namespace=self.namespace, estimator=estimator, seed=seed)

    async def settle(self) -> None:
        """Wait until the estimator has learned from all outcomes acknowledged so far."""
        await self._learning.settle()

    async def n_outcomes(self, namespace: str | None = None) -> int:
        """Number of known outcomes that a namespace's estimates rest on."""
        return await self.views.n_known_outcomes(namespace=self._namespace(namespace))

    @deprecated("`policy_version` is now `n_outcomes`")
    async def policy_version(self, namespace: str | None = None) -> int:
        """The former name of `n_outcomes`."""
        return await self.n_outcomes(namespace)

    def _namespace(self, namespace: str | None) -> str:
        return self.namespace if namespace is None else checked_namespace(namespace)

    async def _retained(self, *namespaces: str) -> None:
        """After the acknowledgement: searchable now if the engine answers, learned from in the background."""
        await self.bank.project()
        for namespace in namespaces:
            self._learning.catch_up_soon(namespace)
