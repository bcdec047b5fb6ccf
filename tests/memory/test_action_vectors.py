"""Vectors of actions: made with the case, fetched where a policy reads them, and gone with the case."""

from pathlib import Path

import numpy as np

from memento.memory.case_memory import CaseMemory
from memento.memory.learning.examples import ExampleReader
from memento.memory.namespaces import documents_of
from memento.memory.plan_text import encoded_action, plan_lines
from tests.hashing_encoder import HashingEncoder

PLAN = "1. Look it up in the gazetteer\n2. Ask the oracle (after 1)"
REPLANNED = f"{PLAN}\n--- replanned ---\n1. Give up"


def opened(folder: Path, encoder: HashingEncoder) -> CaseMemory:
    return CaseMemory.open(folder, encoder=encoder, policy="advantage", seed=0)


async def test_a_plan_is_encoded_when_its_case_is_written_and_not_again_when_it_is_read(tmp_path: Path) -> None:
    encoder = HashingEncoder()
    async with opened(tmp_path, encoder) as memory:
        await memory.write(state="Where is Lima?", action=REPLANNED, reward=1.0)
        kept, _ = await memory.views.vectors_at([encoded_action(REPLANNED)], encoder=encoder.name)
        assert encoder.n_encoded == 2
        assert np.array_equal(kept[PLAN], (await HashingEncoder().encode([PLAN]))[0])
    async with opened(tmp_path, encoder) as memory:
        assert len((await memory.read("Where is Cusco?")).cases) == 1
        assert encoder.n_encoded == 3


async def test_what_was_imported_is_encoded_once_when_it_is_a_candidate(tmp_path: Path) -> None:
    encoder = HashingEncoder()
    async with opened(tmp_path / "from", encoder) as memory:
        await memory.write(state="Where is Lima?", action=PLAN, reward=1.0)
        cases = [case async for case in memory.views.walk(namespace="default")]
    async with opened(tmp_path / "to", encoder) as memory:
        n_before = encoder.n_encoded
        await memory.keep(cases)
        assert encoder.n_encoded == n_before + 1
        await memory.read("Where is Cusco?")
        assert encoder.n_encoded == n_before + 3
    async with opened(tmp_path / "to", encoder) as memory:
        await memory.read("Where is Cusco?")
        assert encoder.n_encoded == n_before + 3


async def test_an_attempt_of_unknown_outcome_has_only_its_task_encoded(tmp_path: Path) -> None:
    encoder = HashingEncoder()
    async with opened(tmp_path, encoder) as memory:
        await memory.write(state="Where is Lima?", action=PLAN, reward=None)
        assert encoder.n_encoded == 1


async def test_an_estimator_sees_actions_of_cases_but_none_of_documents(tmp_path: Path) -> None:
    async with opened(tmp_path, HashingEncoder()) as memory:
        for task in ("Where is Lima?", "Where is Cusco?"):
            reading = await memory.read(task)
            await memory.write(state=task, action=PLAN, reward=1.0, event_id=reading.event_id)
        ranking = await memory.rank("Where is Lima?", ["in Peru", "in Ohio"], k=2)
        await memory.feedback(ranking.event_id, reward=1.0)
        for namespace, lines in (("default", (plan_lines(PLAN),)), (documents_of("default"), ())):
            wanted = ("state", "action")
            reader = ExampleReader(namespace=namespace, views=memory.views, texts=memory._storage.texts, wanted=wanted)
            observations = await memory.views.observations(namespace=namespace, after=0, limit=9)
            rows = [one.cases for one in await reader.examples(observations) if one is not None][-1]
            assert rows.lines[:1] == lines
            assert bool(rows.actions) == ("action" in rows.vectors) == bool(lines)


async def test_no_vector_of_a_plan_is_left_when_its_case_was_erased(tmp_path: Path) -> None:
    encoder = HashingEncoder()
    async with opened(tmp_path, encoder) as memory:
        await memory.write(state="Where is Xanadu?", action=REPLANNED, reward=1.0)
        await memory.write(state="Where is Lima?", action="1. Look at a map\n2. Ask", reward=1.0)
        await memory.lifecycle.erase(matching="Xanadu")
        texts = [encoded_action(REPLANNED), encoded_action("1. Look at a map\n2. Ask")]
        kept, _ = await memory.views.vectors_at(texts, encoder=encoder.name)
        assert list(kept) == texts[1:]
