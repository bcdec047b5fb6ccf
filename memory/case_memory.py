"""CaseMemory, the memory as a library: read cases for a task, write experiences, give feedback; it learns from both.

```python
async with CaseMemory.open("./bank") as memory:
    reading = await memory.read("What is the capital of Columbia County?", k=4)
    plans = [scored.case.action for scored in reading.cases]  # fewer than k where an empty slot promises more
    case_id = await memory.write(state="...", action="...", reward=1.0, event_id=reading.event_id)
    await memory.feedback(reading.event_id, reward=0.0)  # later and better knowledge replaces the outcome
```
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import Unpack

from memento.memory.arguments import checked_instance, checked_seed, checked_text
from memento.memory.case import PLAN, CaseKind, storable
from memento.memory.case_writes import CaseWrites
from memento.memory.errors import UnknownPicture
from memento.memory.forwarding import runs_on_owner_loop
from memento.memory.maintenance import LedgerMaintenance
from memento.memory.memory_lifetime import MemoryLifetime
from memento.memory.namespaces import checked_namespace
from memento.memory.open_options import OpenOptions
from memento.memory.pictures import CasePicture, picture_of
from memento.memory.ranking import D, Ranking
from memento.memory.reading import Reading, Recall
from memento.memory.task_keys import checked_key, checked_kind
from memento.memory.text_limits import MAX_STATE_CHARS, bounded

if TYPE_CHECKING:
    from memento.memory.sync_case_memory import SyncCaseMemory


@runs_on_owner_loop
class CaseMemory(MemoryLifetime, CaseWrites, LedgerMaintenance):
    """Case memory. Open with `async with CaseMemory.open(...)`, or in threads with `CaseMemory.open_sync(...)`.

    It works on its owner loop: the event loop that opened it, or that of `open_sync`. Calls from other loops and
    threads are run there and waited for, so that any number of them can share one memory.
    """

    @classmethod
    def open_sync(cls, location: str | Path, **options: Unpack[OpenOptions]) -> "SyncCaseMemory":
        """Configure a memory for code without an event loop, and for several threads; `with` opens it.

        Args:
            location: as of `open`.
            options: those of `open`.

        Raises:
            UnknownPolicy, InvalidInput: as `open`.
        """
        from memento.memory.sync_case_memory import SyncCaseMemory

        return SyncCaseMemory(cls.open(location, **options, in_thread=True))

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
        key: str = "",
        kind: CaseKind = PLAN,
        max_tokens: int | None = None,
        picture: bytes | str = b"",
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
            key: the task's key, where a data set or an environment gives many tasks the same text: cases of this key
                are not served, those of the same text and another key may be.
            kind: of the cases that are read; no others are seen.
            max_tokens: of all cases together, estimated: those are chosen that add most within it, fewer than k where
                no more fit. None: no limit.
            picture: of the situation, as `Experience.picture` takes it. Without a key, it tells the task together with
                the text. Where the memory has an image encoder, cases are searched by it, too (see docs/pictures.md).

        Raises:
            InvalidInput: empty query, k or max_tokens below 0, unknown policy or kind, a key that is too long, or a
                picture that `Experience` would refuse.
            EncoderUnavailable: the query cannot be encoded.
            LedgerUnavailable: the choice cannot be recorded.
            UnknownEvent: the reading that it follows is not of this namespace.
        """
        recall = await self.recall(
            query,
            policy=policy,
            namespace=namespace,
            task=task,
            follows=follows,
            seed=seed,
            key=key,
            kind=kind,
            picture=picture,
        )
        return await self._retrieval.select(recall, k=k, max_tokens=max_tokens, is_caught_up=True)

    async def recall(
        self,
        query: str,
        *,
        policy: str | None = None,
        namespace: str | None = None,
        task: str | None = None,
        follows: str | None = None,
        seed: int | None = None,
        key: str = "",
        kind: CaseKind = PLAN,
        picture: bytes | str = b"",
    ) -> Recall:
        """First half of `read`: find the candidates that the policy will choose from."""
        return await self._retrieval.recall(
            bounded(storable(checked_text("the query", query)), MAX_STATE_CHARS),
            policy=policy or self.policy,
            namespace=self._namespace(namespace),
            task=None if task is None else bounded(storable(task), MAX_STATE_CHARS),
            follows=None if follows is None else storable(follows),
            seed=checked_seed(seed),
            key=checked_key(key),
            kind=checked_kind(kind),
            picture=picture_of(picture),
        )

    async def select(self, recall: Recall, *, k: int = 4, max_tokens: int | None = None) -> Reading:
        """Second half of `read`: choose and record. The same recall twice gives the same reading."""
        recall = checked_instance("the recall", recall, Recall)._replace(
            event_id=storable(recall.event_id),
            query=storable(recall.query),
            namespace=checked_namespace(recall.namespace),
            task=None if recall.task is None else storable(recall.task),
            follows=None if recall.follows is None else storable(recall.follows),
            part_of=None if recall.part_of is None else storable(recall.part_of),
            key=checked_key(recall.key),
            kind=checked_kind(recall.kind),
            seed=checked_seed(recall.seed),
        )
        return await self._retrieval.select(recall, k=k, max_tokens=max_tokens)

    async def rank(
        self,
        task: str,
        candidates: Sequence[D],
        *,
        k: int = 4,
        policy: str | None = None,
        namespace: str | None = None,
        seed: int | None = None,
    ) -> Ranking[D]:
        """Choose among documents that any retriever found, by what such documents were worth for such tasks.

        Without rewards they come in the order of their cosine. `feedback(ranking.event_id, reward)` teaches which of
        them help; it is learned apart from the namespace's cases, which a ranking neither reads nor changes.

        Args:
            task: what the documents are for.
            candidates: texts, or documents with `page_content` such as LangChain's, at most 1,000. The same text is the
                same document, whatever its id and metadata.
            k: how many documents at most.
            policy: a policy name; the memory's own by default.
            namespace: who learns from it; the memory's own by default.
            seed: of this ranking's random choices.

        Raises:
            InvalidInput: empty task, k below 0, unknown policy, a candidate without a text.
            EncoderUnavailable: task or documents cannot be encoded.
            LedgerUnavailable: the choice cannot be recorded.
        """
        return await self._ranker.rank(
            bounded(storable(task), MAX_STATE_CHARS),
            candidates,
            k=k,
            policy=policy or self.policy,
            namespace=self._namespace(namespace),
            seed=seed,
        )

    async def picture(self, picture: str, *, namespace: str | None = None) -> CasePicture:
        """Read the picture of a case.

        Args:
            picture: its hash, `Case.picture`.
            namespace: whose; the memory's own by default.

        Returns:
            Its bytes and media type.

        Raises:
            UnknownPicture: the namespace has none of this hash.
            LedgerUnavailable: it cannot be read.
        """
        place = self._namespace(namespace)
        found = await self._storage.views.picture(storable(picture), namespace=place)
        if found is None:
            raise UnknownPicture(picture, place)
        return found
