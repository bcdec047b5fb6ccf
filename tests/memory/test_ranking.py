"""CaseMemory.rank: documents of any retriever, ranked by what they were worth."""

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput, UnknownEvent
from memento.memory.namespaces import MAX_NAMESPACE, documents_of
from memento.memory.policies.registry import POLICY_NAMES
from memento.memory.ranking import MAX_CANDIDATES
from tests.hashing_encoder import HashingEncoder
from tests.memories import filled, served
from tests.node_parts import a_memory

TASK = "How long does a parcel to Norway take?"
TEXTS = ["Parcels to Norway take a week.", "Letters to Norway take a day.", "The Alps are high.", "Norway has fjords."]


class Page(NamedTuple):
    """Somebody else's document."""

    page_content: str
    id: str = ""


async def test_without_rewards_documents_come_by_similarity_and_as_they_were_given() -> None:
    given = [Page(text, id=str(number)) for number, text in enumerate(TEXTS)]
    async with a_memory(policy="advantage") as memory:
        ranking = await memory.rank(TASK, given, k=4, seed=3)
        control = await memory.rank(TASK, TEXTS, k=4, policy="similarity")
    assert [one.document for one in ranking.documents[:3]] == [given[one.position] for one in control.documents[:3]]
    assert [one.similarity for one in control.documents] == sorted(
        (one.similarity for one in control.documents), reverse=True
    )
    assert all(0 < one.propensity <= 1 for one in ranking.documents)
    assert ranking.n_outcomes == 0
    assert [slot.slot for slot in ranking.slots] == [0, 1, 2, 3]


async def test_a_reward_teaches_the_ranker_and_nothing_else() -> None:
    async with a_memory(policy="advantage") as memory:
        await filled(memory, 6)
        before, effects = await memory.views.counts(namespace="default"), await memory.effects()
        for _ in range(12):
            ranking = await memory.rank(TASK, TEXTS, k=1, seed=0)
            await memory.feedback(ranking.event_id, float(ranking.documents[0].document == TEXTS[1]))
        learned = await memory.rank(TASK, TEXTS, k=1, seed=0)
        assert learned.documents[0].document == TEXTS[1]
        assert learned.n_outcomes == 12
        assert await memory.views.counts(namespace="default") == before
        assert await memory.effects() == effects
        assert await memory.n_outcomes() == 0
        assert not {one.document_id for one in learned.documents} & await served(memory, TASK)
        assert len([case async for case in memory.views.walk(namespace="default")]) == 6, "nothing of it is exported"


async def test_feedback_counts_once_and_can_be_replaced_and_withdrawn() -> None:
    async with a_memory(policy="advantage") as memory:
        ranking = await memory.rank(TASK, TEXTS, k=2)
        for _ in range(3):
            assert await memory.feedback(ranking.event_id, 1.0) is None
        assert (await memory.rank(TASK, TEXTS, k=2)).n_outcomes == 1
        await memory.feedback(ranking.event_id, 0.0)
        place = documents_of("default")
        outcome = await memory.views.outcome(ranking.event_id, namespace=place)
        assert outcome is not None
        assert outcome.reward == 0.0
        await memory.feedback(ranking.event_id, None)
        counts = await memory.views.counts(namespace=place)
        assert counts.unknown == counts.events


async def test_only_served_documents_are_kept_once_each() -> None:
    async with a_memory() as memory:
        first = await memory.rank(TASK, TEXTS, k=1)
        await memory.rank(TASK, [Page(TEXTS[first.documents[0].position], id="another")], k=1)
        kept = [case async for case in memory.views.walk(namespace=documents_of("default"))]
    assert [case.state for case in kept] == [first.documents[0].document]
    assert kept[0].version == 1
    assert "another" not in kept[0].model_dump_json()


async def test_task_and_documents_are_encoded_in_one_call_and_once() -> None:
    calls: list[int] = []

    class Counting(HashingEncoder):
        async def encode(self, texts: list[str]) -> Any:
            calls.append(len(texts))
            return await super().encode(texts)

    texts = [f"document number {number}" for number in range(64)]
    async with a_memory(policy="advantage", encoder=Counting()) as memory:
        ranking = await memory.rank(TASK, texts, k=4)
        await memory.feedback(ranking.event_id, 1.0)
        await memory.rank(TASK, texts, k=4)
    assert calls == [65]


async def test_the_same_text_is_one_document_and_empty_ones_are_told() -> None:
    async with a_memory() as memory:
        ranking = await memory.rank(TASK, [TEXTS[0], Page(TEXTS[0]), " ", Page("")], k=4)
    assert [one.position for one in ranking.documents] == [0]
    assert ranking.notices == ["2 of 4 documents have no text and were left out"]


@pytest.mark.parametrize("candidates", [[], [""]])
async def test_nothing_is_ranked_when_nothing_is_given(candidates: list[str]) -> None:
    async with a_memory(policy="advantage") as memory:
        ranking = await memory.rank(TASK, candidates)
        assert (ranking.documents, ranking.slots) == ([], [])
        await memory.feedback(ranking.event_id, 0.0)


@pytest.mark.parametrize("policy", POLICY_NAMES)
async def test_every_policy_ranks(policy: str) -> None:
    async with a_memory() as memory:
        ranking = await memory.rank(TASK, TEXTS, k=2, policy=policy)
        assert len(ranking.slots) == (0 if policy == "none" else 2)
        await memory.feedback(ranking.event_id, 1.0)
        again = await memory.rank(TASK, TEXTS, k=2, policy=policy, seed=1)
        once_more = await memory.rank(TASK, TEXTS, k=2, policy=policy, seed=1)
    assert [slot.case_id for slot in again.slots] == [slot.case_id for slot in once_more.slots]


async def test_what_is_no_document_is_refused() -> None:
    async with a_memory() as memory:
        for wrong in (TEXTS[0], iter(TEXTS), [3], [Page(None)], [{"page_content": "x"}], ["x"] * (MAX_CANDIDATES + 1)):  # type: ignore[arg-type]
            with pytest.raises(InvalidInput):
                await memory.rank(TASK, wrong)  # type: ignore[type-var]
        for given in ({"task": " "}, {"k": -1}, {"policy": "best"}, {"namespace": ""}):
            with pytest.raises(InvalidInput):
                await memory.rank(**{"task": TASK, "candidates": TEXTS, **given})


async def test_namespaces_learn_apart_and_cannot_name_where_documents_are() -> None:
    async with a_memory(policy="advantage") as memory:
        ranking = await memory.rank(TASK, TEXTS, namespace="ann")
        with pytest.raises(UnknownEvent):
            await memory.feedback(ranking.event_id, 1.0)
        await memory.feedback(ranking.event_id, 1.0, namespace="ann")
        assert (await memory.rank(TASK, TEXTS, namespace="bob")).n_outcomes == 0
        assert (await memory.rank(TASK, TEXTS, namespace="ann")).n_outcomes == 1
        for ask in (
            memory.read(TASK, namespace=documents_of("ann")),
            memory.rank(TASK, [], namespace=documents_of("ann")),
        ):
            with pytest.raises(InvalidInput, match="documents"):
                await ask
        with pytest.raises(InvalidInput, match="documents"):
            await memory.write(state="x", action="y", reward=1.0, namespace=documents_of("ann"))
        with pytest.raises(InvalidInput, match="documents"):
            memory.lifecycle.within(documents_of("ann"))
    with pytest.raises(InvalidInput, match="documents"):
        a_memory(namespace=documents_of("ann"))


async def test_the_longest_namespace_has_documents_of_its_own() -> None:
    longest = "x" * MAX_NAMESPACE
    assert len(documents_of(longest)) <= MAX_NAMESPACE
    assert documents_of(longest) != documents_of("x" * (MAX_NAMESPACE - 1))
    async with a_memory() as memory:
        ranking = await memory.rank(TASK, TEXTS, namespace=longest)
        await memory.feedback(ranking.event_id, 1.0, namespace=longest)


async def test_an_attempt_is_not_written_as_the_outcome_of_a_ranking() -> None:
    async with a_memory() as memory:
        ranking = await memory.rank(TASK, TEXTS)
        with pytest.raises(InvalidInput, match="feedback"):
            await memory.write(state=TASK, action="x", reward=1.0, event_id=ranking.event_id)


@pytest.mark.parametrize("condition", [{"is_all": True}, {"matching": "fjords"}])
async def test_erasing_a_namespace_erases_its_documents(tmp_path: Path, condition: dict[str, Any]) -> None:
    async with CaseMemory.open(tmp_path, encoder=HashingEncoder(), policy="advantage") as memory:
        await filled(memory, 2)
        ranking = await memory.rank(TASK, TEXTS, k=4, policy="similarity")
        await memory.feedback(ranking.event_id, 1.0)
        planned = await memory.lifecycle.plan_erasure(**condition)
        report = await memory.lifecycle.erase(**condition)
        assert report.counts.cases == planned.counts.cases >= 1
        assert not report.unfinished
        again = await memory.rank(TASK, TEXTS, k=4, policy="similarity", namespace="other")
        await memory.lifecycle.within("other").erase(is_all=True)
        assert again.documents
    texts = await asyncio.to_thread(
        lambda: b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    )
    assert b"fjords" not in texts


async def test_one_ranking_can_be_erased_by_its_id() -> None:
    async with a_memory() as memory:
        own, ranking = await memory.read(TASK), await memory.rank(TASK, TEXTS)
        report = await memory.lifecycle.erase(events=[ranking.event_id])
        assert (report.counts.events, report.counts.cases) == (1, 0)
        with pytest.raises(InvalidInput):
            await memory.feedback(ranking.event_id, 1.0)
        await memory.feedback(own.event_id, 1.0)
        with pytest.raises(UnknownEvent):
            await memory.lifecycle.erase(events=[own.event_id, "nobody's"])


async def test_a_document_that_was_erased_can_be_ranked_again() -> None:
    async with a_memory(policy="advantage") as memory:
        ranking = await memory.rank(TASK, TEXTS)
        await memory.feedback(ranking.event_id, 1.0)
        await memory.lifecycle.erase(is_all=True)
        again = await memory.rank(TASK, TEXTS)
        assert again.n_outcomes == 0
        await memory.feedback(again.event_id, 1.0)
        assert (await memory.rank(TASK, TEXTS)).n_outcomes == 1


async def test_what_was_learned_is_there_in_the_next_process(tmp_path: Path) -> None:
    async with CaseMemory.open(tmp_path, encoder=HashingEncoder(), seed=0) as memory:
        for _ in range(12):
            ranking = await memory.rank(TASK, TEXTS, k=1, seed=0)
            await memory.feedback(ranking.event_id, float(ranking.documents[0].document == TEXTS[1]))
        here = await memory.rank(TASK, TEXTS, k=1, seed=0)
        await memory.backup(tmp_path / "copy")
    async with CaseMemory.open(tmp_path, encoder=HashingEncoder(), seed=0) as memory:
        there = await memory.rank(TASK, TEXTS, k=1, seed=0)
    async with CaseMemory.open(tmp_path / "restored", encoder=HashingEncoder(), seed=0) as memory:
        pass
    assert here.documents[0].document == there.documents[0].document == TEXTS[1]
    assert here.documents[0].score == pytest.approx(there.documents[0].score, abs=1e-5)


@pytest.mark.slow
async def test_documents_that_helped_are_ranked_above_similar_ones() -> None:
    """Each topic's most similar documents mislead; five seeded worlds, 95 % interval of what learning gains."""
    gains = [await planted_gain(seed) for seed in range(5)]
    half_width = 2.776 * float(np.std(gains, ddof=1)) / len(gains) ** 0.5
    assert float(np.mean(gains)) - half_width > 0.1, f"{np.mean(gains):.3f} ± {half_width:.3f}"


@pytest.mark.slow
async def test_little_is_lost_where_the_similar_documents_are_the_ones_that_help() -> None:
    """What learning and exploring cost where similarity is right from the start, in as many worlds."""
    gains = [await planted_gain(seed, is_misleading=False) for seed in range(5)]
    assert float(np.mean(gains)) > -0.1, f"{np.mean(gains):.3f}"


async def planted_gain(seed: int, *, n_tasks: int = 100, n_judged: int = 40, is_misleading: bool = True) -> float:
    """Success of the learned ranking of the last tasks, minus that of similarity on the same ones."""
    rng = np.random.default_rng(seed)
    topics = [f"topic{letter}" for letter in "abcdef"]
    helpful = {topic: f"notes on {topic} by hand" for topic in topics}
    similar = {topic: f"{topic} {topic} question how page" for topic in topics}
    texts = [*helpful.values(), *similar.values()]
    helpful = helpful if is_misleading else similar
    texts += [f"something else {number}" for number in range(20)]
    gain = 0.0
    async with a_memory(policy="advantage", seed=seed) as memory:
        for number in range(n_tasks):
            topic, luck = topics[rng.integers(len(topics))], rng.random()
            task = f"how question {topic} case {number}"
            rankings = [await memory.rank(task, texts, k=2, policy=policy) for policy in (None, "similarity")]
            has_help = [helpful[topic] in [one.document for one in ranking.documents] for ranking in rankings]
            learned, control = (float(luck < (0.9 if is_there else 0.2)) for is_there in has_help)
            await memory.feedback(rankings[0].event_id, learned)
            if number >= n_tasks - n_judged:
                gain += (learned - control) / n_judged
    return gain


async def test_rankings_at_once_keep_each_document_once_and_every_event() -> None:
    async with a_memory(policy="advantage") as memory:
        rankings = await asyncio.gather(*(memory.rank(f"{TASK} {number}", TEXTS, k=4) for number in range(24)))
        await asyncio.gather(*(memory.feedback(ranking.event_id, 1.0) for ranking in rankings))
        place = documents_of("default")
        kept = [case async for case in memory.views.walk(namespace=place)]
        counts = await memory.views.counts(namespace=place)
    assert len(kept) == len({case.id for case in kept}) <= len(TEXTS)
    assert {case.version for case in kept} == {1}
    assert (counts.events, counts.unknown) == (24, 0)


async def test_an_erasure_that_was_cut_short_is_finished_for_the_documents_too(tmp_path: Path) -> None:
    def stop(step: str) -> None:
        raise RuntimeError(f"killed while {step}")

    async with CaseMemory.open(tmp_path, encoder=HashingEncoder()) as memory:
        await filled(memory, 2)
        await memory.rank(TASK, TEXTS, k=4, policy="similarity")
        with pytest.raises(RuntimeError, match="killed"):
            await memory.lifecycle.erase(is_all=True, on_step=stop)
    async with CaseMemory.open(tmp_path, encoder=HashingEncoder()) as memory:
        for place in ("default", documents_of("default")):
            assert (await memory.views.counts(namespace=place)).cases == 0
