"""A ledger and an index of an earlier release: its keys took 2⁸ for 28, and a curly apostrophe for another sign."""

import asyncio
import contextlib
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from memento.memory.case import QUESTION_VERSION, question_hash
from memento.memory.index.engines.edge import EdgeEngine
from memento.memory.index.engines.port import BankPoint
from memento.memory.learning.snapshot import Snapshot
from memento.memory.ledger.digests import DIGEST_COLUMNS, row_digest
from memento.memory.offpolicy.past_bank import PastBank
from tests.memories import Place, filled, place, served

POWER, NUMBER, QUOTED = "What is 2\u2078?", "What is 28?", "What\u2019s 1,234 + 1?"
KEPT_AS = {
    POWER: "2425579817025890eb5b894e1bb13d08",
    NUMBER: "2425579817025890eb5b894e1bb13d08",
    QUOTED: "18046adde644e00b79536a4437f880a6",
}
"""Keys that the release of November 2026 made of these texts."""
POLICIES = ("random", "similarity", "parametric")


async def made_by_an_earlier_release(folder: Place, *, n_powers: int = 1) -> dict[str, list[str]]:
    """Ids of cases by their state; ledger and index have the keys of then."""
    async with folder.memory() as memory:
        await filled(memory, 6)
        ids = {
            state: [await memory.write(state=state, action=f"plan {number}", reward=1.0) or "" for number in range(n)]
            for state, n in ((POWER, n_powers), (NUMBER, 1), (QUOTED, 1))
        }
        changes = await memory.views.changes(after=0, limit=1000)
    home = Path(folder.arguments["location"])
    index = await asyncio.to_thread(keyed_as_then, home, [(KEPT_AS[state], one) for state in ids for one in ids[state]])
    vectors = await folder.encoder.encode([change.case.state for change in changes if change.case])
    engine = EdgeEngine(index)
    await engine.open(dim=folder.encoder.dim, encoder=folder.encoder.name)
    await engine.upsert(
        [
            BankPoint(
                case_id=case.id,
                version=case.version,
                namespace=case.namespace,
                question=KEPT_AS.get(case.state, case.question),
                status=case.status,
                reward=case.reward,
                state=case.state,
                vector=np.asarray(vector, np.float32),
            )
            for (_, case), vector in zip(changes, vectors, strict=True)
        ]
    )
    await engine.save_position(changes[-1].offset)
    await engine.close()
    return ids


def keyed_as_then(home: Path, rows: list[tuple[str, str]]) -> Path:
    """Put the keys of then into the ledger, and take the index away; its place."""
    with contextlib.closing(sqlite3.connect(home / "ledger.sqlite")) as ledger, ledger:
        ledger.executemany("UPDATE case_revisions SET question = ? WHERE case_id = ?", rows)
        columns = DIGEST_COLUMNS["case_revisions"]
        stored = ledger.execute(f'SELECT "offset", {", ".join(columns)} FROM case_revisions').fetchall()  # noqa: S608
        signed = [(row_digest("case_revisions", row[1:]), row[0]) for row in stored]
        ledger.executemany('UPDATE case_revisions SET digest = ? WHERE "offset" = ?', signed)
    (index,) = home.glob("index-*")
    shutil.rmtree(index)
    return index


@pytest.fixture
def folder(tmp_path: Path) -> Place:
    with place("folder", tmp_path / "bank") as found:
        return found


async def test_own_case_is_never_served_when_an_earlier_release_kept_it(folder: Place) -> None:
    ids = await made_by_an_earlier_release(folder)
    async with folder.memory() as memory:
        for policy in POLICIES:
            asked_power = await served(memory, POWER, policy=policy)
            assert not asked_power & set(ids[POWER])
            assert asked_power >= {*ids[NUMBER], *ids[QUOTED]}
            assert not await served(memory, "what is 2^8", policy=policy) & set(ids[POWER])
            assert not await served(memory, NUMBER, policy=policy) & set(ids[NUMBER])
            assert not await served(memory, "What's 1234 + 1?", policy=policy) & set(ids[QUOTED])
            assert len(await served(memory, "capital", policy=policy)) == 9
        assert set(ids[POWER]) <= await served(memory, NUMBER, policy="random")


async def test_cases_of_both_releases_are_told_apart_when_the_task_is_read_today(folder: Place) -> None:
    await made_by_an_earlier_release(folder)
    async with folder.memory() as memory:
        power = await memory.write(state=POWER, action="today", reward=1.0)
        number = await memory.write(state=NUMBER, action="today", reward=1.0)
        for policy in POLICIES:
            asked_power, asked_number = [await served(memory, one, policy=policy) for one in (POWER, NUMBER)]
            assert (power in asked_power, number in asked_power) == (False, True)
            assert (power in asked_number, number in asked_number) == (True, False)


async def test_other_cases_are_still_found_when_the_nearest_are_all_its_own(folder: Place) -> None:
    ids = await made_by_an_earlier_release(folder, n_powers=150)
    async with folder.memory() as memory:
        found = await served(memory, POWER)
        assert not found & set(ids[POWER])
        assert len(found) == 8


async def test_own_case_is_left_out_of_a_past_bank_when_an_earlier_release_kept_it(folder: Place) -> None:
    ids = await made_by_an_earlier_release(folder)
    async with folder.memory() as memory:
        bank = await PastBank.load(
            views=memory.views, texts=memory._storage.texts, namespace="default", case_views=set()
        )
        bank.at(1000)
        rows = {bank._ids[row] for row in bank.servable(without_question=question_hash("What is 2^8"))}
    assert not rows & set(ids[POWER])
    assert rows >= set(ids[NUMBER])


def test_what_was_learned_is_learned_again_when_questions_were_told_apart_otherwise() -> None:
    then = Snapshot({}, {}, "encoder", 7, 7, "recipe")
    assert not then.fits("encoder", "recipe")
    assert then._replace(question_version=QUESTION_VERSION).fits("encoder", "recipe")
