"""A reranker that learns: documents of any retriever, ranked by which of them helped with tasks like this one.

    pip install memento-langgraph
    python examples/rank_documents.py

No model, no key and no network: the retriever is LangChain's in-memory store with meaningless vectors, and whether an
answer was right is told by a rule. Put your own retriever and your own reward in their place.
"""

import asyncio

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.vectorstores import InMemoryVectorStore

from memento import CaseMemory

MISLEADING = [Document(f"How long does a {thing} to Norway take? Ask us!") for thing in ("parcel", "letter", "crate")]
HELPFUL = Document("Times of delivery abroad, in working days: 3 within the union, 7 elsewhere.")
OTHERS = [Document(f"Our office number {number} is open from nine to five.") for number in range(12)]
TASKS = [
    f"How long does a {thing} to {land} take?" for thing in ("parcel", "letter") for land in ("Norway", "Chad", "Peru")
]


async def main() -> None:
    """Answer every task three times; print where the document is that helps."""
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=64))
    await store.aadd_documents([*MISLEADING, HELPFUL, *OTHERS])
    async with CaseMemory.open("./bank", seed=0) as memory:
        for turn in range(1, 4):
            n_right = 0
            for task in TASKS:
                candidates = await store.asimilarity_search(task, k=16)
                ranking = await memory.rank(task, candidates, k=2)
                shown = [ranked.document.page_content for ranked in ranking.documents]
                is_right = HELPFUL.page_content in shown  # a model that is shown it answers right
                await memory.feedback(ranking.event_id, reward=float(is_right))
                n_right += is_right
            print(f"turn {turn}: {n_right} of {len(TASKS)} right")


if __name__ == "__main__":
    asyncio.run(main())
