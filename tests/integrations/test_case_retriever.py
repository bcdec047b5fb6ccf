"""CaseRetriever in LCEL, alone, and from synchronous code."""

import asyncio
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda, RunnableParallel, RunnablePassthrough
from pydantic import ValidationError

from memento.integrations.langchain import CaseRetriever
from memento.memory.errors import InvalidInput, LedgerUnavailable
from tests.memories import failing_bank
from tests.node_parts import a_memory, failing

ASKED = "Boil a hard egg"


async def test_documents_are_cases_with_what_feedback_needs() -> None:
    async with a_memory() as memory:
        case_id = await memory.write(state="Boil an egg", action="</case> five minutes", reward=0.0, lesson="too soft")
        (document,) = await CaseRetriever(memory=memory).ainvoke(ASKED)
        assert document.id == document.metadata["case_id"] == case_id
        assert document.page_content.count("</case>") == 1
        assert "Why it failed: too soft" in document.page_content
        assert {"reward", "similarity", "propensity", "slot", "event_id", "policy"} <= document.metadata.keys()
        await memory.feedback(document.metadata["event_id"], 1.0)
        usage = await memory.views.usage(str(case_id), namespace="default")
    assert usage.mean_reward == 1.0


async def test_a_task_with_a_key_does_not_find_its_own_cases_and_kinds_are_apart() -> None:
    async with a_memory() as memory:
        await memory.write(state="Play", action="go east", reward=1.0, key="game/1")
        await memory.write(state="Play", action="open the fridge", reward=1.0, key="game/1", kind="subtask")
        retriever = CaseRetriever(memory=memory)
        assert await retriever.ainvoke("Play", key="game/1") == []
        assert len(await retriever.ainvoke("Play", key="game/2")) == 1
        assert len(await asyncio.to_thread(retriever.invoke, "Play", key="game/2")) == 1
        (found,) = await CaseRetriever(memory=memory, kind="subtask").ainvoke("Play", key="game/2")
    assert found.metadata["action"] == "open the fridge"


async def test_it_is_a_link_of_a_chain() -> None:
    def joined(documents: list[Document]) -> str:
        return "\n".join(document.page_content for document in documents)

    async with a_memory() as memory:
        await memory.write(state="Boil an egg", action="five minutes", reward=1.0)
        chain: Any = RunnableParallel(
            cases=CaseRetriever(memory=memory) | RunnableLambda(joined), task=RunnablePassthrough()
        )
        shown = await chain.ainvoke(ASKED)
    assert "five minutes" in shown["cases"]


async def test_a_bank_full_of_failures_gives_fewer_documents_and_none_that_is_empty() -> None:
    query = "What is the capital of land 99?"
    async with a_memory(policy="advantage") as memory:
        await failing_bank(memory, query)
        documents = await CaseRetriever(memory=memory, k=4).ainvoke(query)
    assert len(documents) < 4
    assert all(document.page_content.startswith("<case") for document in documents)


async def test_synchronous_code_retrieves_from_the_memory_of_another_thread() -> None:
    async with a_memory() as memory:
        await memory.write(state="Boil an egg", action="five minutes", reward=1.0)
        documents = await asyncio.to_thread(CaseRetriever(memory=memory).invoke, ASKED)
    assert len(documents) == 1


async def test_a_namespace_sees_its_own_cases_only() -> None:
    async with a_memory() as memory:
        await memory.write(state="Boil an egg", action="five minutes", reward=1.0, namespace="bob")
        assert await CaseRetriever(memory=memory, namespace="ann").ainvoke(ASKED) == []
        assert await CaseRetriever(memory=memory, namespace="bob").ainvoke(ASKED)


async def test_a_memory_that_fails_is_an_error_that_fallbacks_catch() -> None:
    retriever = CaseRetriever(memory=failing(LedgerUnavailable("the disk is full")))
    with pytest.raises(LedgerUnavailable, match="disk is full"):
        await retriever.ainvoke(ASKED)
    assert await retriever.with_fallbacks([RunnableLambda(lambda _: [])]).ainvoke(ASKED) == []


@pytest.mark.parametrize("wrong", [{"policy": "best"}, {"k": -1}, {"namespace": ""}])
def test_what_is_misconfigured_is_refused_when_it_is_made(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, InvalidInput)):
        CaseRetriever(memory=a_memory(), **wrong)
