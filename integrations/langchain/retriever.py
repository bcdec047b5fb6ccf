"""CaseRetriever: cases as the documents of a LangChain retriever.

```python
documents = await CaseRetriever(memory=memory, k=4).ainvoke("What is the capital of Columbia County?")
await memory.feedback(documents[0].metadata["event_id"], reward=1.0)  # when it is known how it went
```
"""

from functools import partial
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field, PrivateAttr, field_validator

from memento.graph.settings import environment_secrets
from memento.integrations.langchain.access import HostMemory, MemoryAccess
from memento.memory.case import PLAN, CaseKind, ScoredCase
from memento.memory.namespaces import checked_namespace
from memento.memory.policies.registry import policy_named
from memento.memory.reading import Reading
from memento.nodes.prompts import case_block
from memento.nodes.redaction import Redact
from memento.nodes.score_case import prompt_case
from memento.nodes.sources import Secrets
from memento.nodes.worked import has_worked


class CaseRetriever(BaseRetriever):
    """Reads cases for a query. Each document is one case; its metadata has the id of the reading, for feedback.

    Metadata: `case_id`, `event_id`, `state`, `action`, `answer`, `lesson`, `reward`, `similarity`, `score`, `slot`,
    `propensity`, `policy`. Slots that the policy left empty give no document, so there may be fewer than k.
    Where many tasks have the same text, give the task's key with the query: `ainvoke(query, key="cook/17")`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    memory: Any = Field(exclude=True, repr=False)
    """An open `CaseMemory`, or an async function that gives one."""
    k: int = Field(default=4, ge=0)
    """How many cases at most."""
    policy: str | None = None
    """How they are chosen; the memory's own policy by default."""
    namespace: str | None = None
    """Whose cases; the memory's own namespace by default."""
    kind: CaseKind = PLAN
    """Kind of case: of whole tasks by default."""
    secrets: Secrets | None = Field(default=environment_secrets, exclude=True, repr=False)
    """Gives the texts that are taken out of queries and documents; the environment's keys and passwords by default."""

    _access: MemoryAccess = PrivateAttr()

    def __init__(self, *, memory: HostMemory, **fields: Any) -> None:
        """Configure; nothing is opened. The arguments are the fields.

        Raises:
            ValidationError: an unknown policy, k below 0, or a namespace that is not valid.
        """
        super().__init__(memory=memory, **fields)
        self._access = MemoryAccess(memory, namespace=self.namespace, secrets=self.secrets)

    @field_validator("policy")
    @classmethod
    def _is_policy(cls, policy: str | None) -> str | None:
        return None if policy is None else policy_named(policy).name

    @field_validator("namespace")
    @classmethod
    def _is_namespace(cls, namespace: str | None) -> str | None:
        return None if namespace is None else checked_namespace(namespace)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, key: str = ""
    ) -> list[Document]:
        del run_manager
        return await self._documents(query, key)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, key: str = ""
    ) -> list[Document]:
        del run_manager
        return self._access.from_sync(partial(self._documents, query, key))

    async def _documents(self, query: str, key: str) -> list[Document]:
        memory, policy, redact = await self._access.memory(), self.policy, self._access.redact
        reading = await memory.read(
            redact(query), k=self.k, policy=policy, namespace=self.namespace, key=key, kind=self.kind
        )
        return [_document(scored, reading, redact) for scored in reading.cases]


def _document(scored: ScoredCase, reading: Reading, redact: Redact) -> Document:
    case = prompt_case(scored, reading.positive_from, redact)
    named = {"case_id": case["id"], "event_id": reading.event_id, "policy": reading.policy}
    texts = {"state": case["state"], "action": case["action"], "answer": case["answer"], "lesson": case["lesson"]}
    numbers = {
        "reward": case["reward"],
        "similarity": scored.similarity,
        "score": scored.score,
        "slot": scored.slot,
        "propensity": scored.propensity,
    }
    block = case_block(case, is_success=has_worked(case))
    return Document(page_content=block, id=case["id"], metadata=named | texts | numbers)
