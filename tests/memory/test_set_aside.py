"""What becomes of a damaged row: told once, on record, healed by fresh experience, used again once restored."""

import asyncio
import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.ledger.digests import DIGEST_COLUMNS, row_digest
from tests.damage_bank import DAMAGES, Bank, damage, made, opened, targets
from tests.hashing_encoder import HashingEncoder
from tests.memories import question, served

pytestmark = pytest.mark.allow_blocking("damages files by hand")

CASES, EVENTS, OUTCOMES = DAMAGES["case_revisions"], DAMAGES["events"], DAMAGES["outcomes"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return asyncio.run(made(tmp_path_factory.mktemp("whole") / "ledger.sqlite"))


@pytest.fixture
def bank(whole: Bank, tmp_path: Path) -> Bank:
    return whole.copy(tmp_path)


def changed(ledger: Path, where: str, change: dict[str, Any], *, number: int = 2) -> None:
    """Write a case revision as a release does whose schema has this number, and these fields."""
    with sqlite3.connect(ledger) as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute(f"SELECT * FROM case_revisions WHERE {where}").fetchone())  # noqa: S608
        fields = {**json.loads(row["body"]), **change, "schema": number}
        row |= {name: value for name, value in change.items() if name in row} | {"body": json.dumps(fields)}
        row["digest"] = row_digest("case_revisions", [row[name] for name in DIGEST_COLUMNS["case_revisions"]])
        database.execute(
            'UPDATE case_revisions SET body = ?, status = ?, digest = ? WHERE "offset" = ?',
            (row["body"], row["status"], row["digest"], row["offset"]),
        )
    database.close()


async def test_it_is_told_once_and_stays_on_record(bank: Bank) -> None:
    damage(bank.ledger, targets(bank)["case"], CASES["not JSON"])
    async with opened(bank.ledger) as memory:
        reading = await memory.read(question(3), k=8)
        assert [notice for notice in reading.notices if "1 damaged row of the ledger" in notice]
        assert not (await memory.read(question(3), k=8)).notices
        (row,) = await memory.set_aside()
        assert (row.table, row.namespace, row.reason) == ("case_revisions", "default", "it does not match its checksum")
        assert [entry.verb for entry in await memory.lifecycle.audit(limit=99)].count("damage") == 1
    async with opened(bank.ledger) as memory:
        assert not (await memory.read(question(3), k=8)).notices
        assert [entry.verb for entry in await memory.lifecycle.audit(limit=99)].count("damage") == 1


async def test_a_restored_row_is_used_again_after_a_scan(bank: Bank) -> None:
    whole = bank.copy(bank.ledger.parent / "whole")
    damage(bank.ledger, targets(bank)["case"], CASES["a changed letter in its body"])
    async with opened(bank.ledger) as memory:
        scan = await memory.check_ledger()
        assert [(row.table, row.reason) for row in scan.set_aside] == [
            ("case_revisions", "it does not match its checksum")
        ]
        assert bank.cases[3] not in await served(memory, question(40))
    with sqlite3.connect(bank.ledger) as database:
        database.execute("ATTACH ? AS whole", (str(whole.ledger),))
        database.execute(
            "UPDATE case_revisions SET body = (SELECT body FROM whole.case_revisions AS kept "
            'WHERE kept."offset" = case_revisions."offset")'
        )
    database.close()
    async with opened(bank.ledger) as memory:
        scan = await memory.check_ledger()
        assert (len(scan.cleared), scan.set_aside) == (1, [])
        assert bank.cases[3] in await served(memory, question(40))
        assert (await memory.check_ledger()).cleared == []


async def test_slots_are_written_anew_from_the_events_record(bank: Bank) -> None:
    damage(bank.ledger, targets(bank)["slot"], DAMAGES["slots"]["another case"])
    async with opened(bank.ledger) as memory:
        assert (await memory.check_ledger()).repaired == [bank.events[1]]
        assert (await memory.check_ledger()).repaired == []


async def test_a_damaged_vector_is_encoded_again(bank: Bank) -> None:
    encoder = HashingEncoder(dim=16)
    damage(bank.ledger, targets(bank)["vector"], DAMAGES["vectors"]["its last bit"])
    async with opened(bank.ledger, encoder=encoder) as memory:
        assert bank.cases[3] in await served(memory, question(40))
        n_encoded = encoder.n_encoded
        await memory.reindex()
        assert (await memory.check_ledger()).set_aside == []
    async with opened(bank.ledger, encoder=encoder) as memory:
        assert bank.cases[3] in await served(memory, question(40))
        assert encoder.n_encoded <= n_encoded + 1
        assert [entry.verb for entry in await memory.lifecycle.audit(limit=99)].count("damage") in (0, 1)


@pytest.mark.parametrize("how", CASES)
async def test_a_case_that_a_person_retired_stays_retired(bank: Bank, how: str) -> None:
    retired = f"case_id = '{bank.cases[0]}' AND status = 'retired'"
    damage(bank.ledger, ("case_revisions", retired), CASES[how])
    async with opened(bank.ledger) as memory:
        await memory.write(state=question(0), action="plan 0", reward=1.0)
        found = await memory.views.cases([bank.cases[0]], namespace="default")
        assert found[bank.cases[0]].status == "retired"
        assert bank.cases[0] not in await served(memory, question(40))


async def test_a_damaged_correction_withdraws_with_and_without_weights(tmp_path: Path) -> None:
    def folder() -> CaseMemory:
        return CaseMemory.open(tmp_path / "bank", encoder=HashingEncoder(dim=16), policy="advantage", seed=0)

    async with folder() as memory:
        ids = [await memory.write(state=question(n), action=f"plan {n}", reward=1.0) for n in range(6)]
        reading = await memory.read(question(30), k=3)
        await memory.write(state=question(30), action="tried", reward=1.0, event_id=reading.event_id)
        await memory.settle()
    (weights,) = (tmp_path / "bank").glob("weights-*/*.safetensors")
    kept = weights.read_bytes()
    async with folder() as memory:
        await memory.feedback(reading.event_id, 0.0)
        assert {effect.case_id for effect in await memory.effects()} & set(ids)
    ledger = tmp_path / "bank" / "ledger.sqlite"
    with sqlite3.connect(ledger) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    damage(ledger, ("outcomes", "key LIKE '%:feedback:%'"), OUTCOMES["another reward in its column"])
    believed = []
    for weight in (kept, None):
        weights.unlink(missing_ok=True)
        if weight is not None:
            weights.write_bytes(weight)
        async with folder() as memory:
            believed.append(await memory.effects())
            assert await memory.n_outcomes() == 1
    assert believed[0] == believed[1]


async def test_fields_of_a_newer_release_are_carried_along(bank: Bank) -> None:
    of_run = targets(bank)["case of a run"][1]
    changed(bank.ledger, of_run, {"mood": "calm", "score": {"by": [1, 2]}}, number=3)
    async with opened(bank.ledger) as memory:
        case_id = await memory.feedback(bank.events[1], 0.5)
        assert case_id is not None
    with sqlite3.connect(bank.ledger) as database:
        query = 'SELECT body FROM case_revisions WHERE case_id = ? ORDER BY "offset" DESC'
        body = json.loads(database.execute(query, (case_id,)).fetchone()[0])
    database.close()
    assert (body["schema"], body["mood"], body["score"], body["reward"]) == (3, "calm", {"by": [1, 2]}, 0.5)
    async with opened(bank.ledger) as memory:
        assert case_id in await served(memory, question(40))
        assert not await memory.set_aside()


async def test_a_status_of_a_newer_release_is_set_aside_and_says_so(bank: Bank) -> None:
    changed(bank.ledger, targets(bank)["case"][1], {"status": "asleep"}, number=3)
    async with opened(bank.ledger) as memory:
        assert bank.cases[3] not in await served(memory, question(40))
        (row,) = await memory.set_aside()
        assert "a newer release wrote it, in schema 3" in row.reason


async def test_damage_is_left_out_where_it_cannot_be_recorded(
    bank: Bank, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(bank.ledger, targets(bank)["case"], CASES["not JSON"])
    damage(bank.ledger, targets(bank)["vector"], DAMAGES["vectors"]["NaN"])
    caplog.set_level(logging.ERROR)
    with sqlite3.connect(bank.ledger) as locked:
        locked.execute("PRAGMA query_only")
    locked.close()
    folder = bank.ledger.parent
    folder.chmod(0o500)
    bank.ledger.chmod(0o400)
    try:
        async with opened(bank.ledger) as memory:
            if not memory.only_read_because:
                pytest.skip("this user may write everything")
            for _ in range(2):
                assert bank.cases[3] not in await served(memory, question(40))
            scan = await memory.check_ledger()
            assert {row.table for row in scan.set_aside} == {"case_revisions", "vectors"}
    finally:
        folder.chmod(0o700)
    assert not caplog.text


async def test_an_index_is_not_rebuilt_again_and_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def folder() -> CaseMemory:
        return CaseMemory.open(tmp_path / "bank", encoder=HashingEncoder(dim=16), policy="similarity", seed=0)

    async with folder() as memory:
        ids = [await memory.write(state=question(n), action=f"plan {n}", reward=1.0) for n in range(6)]
    ledger = tmp_path / "bank" / "ledger.sqlite"
    damage(ledger, ("case_revisions", f"case_id = '{ids[2]}'"), CASES["not JSON"])
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        async with folder() as memory:
            assert await served(memory, question(40)) == {*ids} - {ids[2]}
    assert "rebuil" not in caplog.text
    async with folder() as memory:
        await memory.bank.rebuild()
        await memory.write(state=question(2), action="plan 2", reward=1.0)
        assert await served(memory, question(40)) == {*ids}
    caplog.clear()
    async with folder() as memory:
        assert await served(memory, question(40)) == {*ids}
    assert "rebuil" not in caplog.text


@pytest.mark.parametrize("policy", ["similarity", "advantage"])
async def test_a_retired_case_does_not_come_back_when_the_id_of_its_newest_revision_is_damaged(
    bank: Bank, policy: str
) -> None:
    retired = f"case_id = '{bank.cases[0]}' AND status = 'retired'"
    damage(bank.ledger, ("case_revisions", retired), DAMAGES["batch_changes"]["a changed letter"])
    async with opened(bank.ledger) as memory:
        await memory.check_ledger()
        found = await memory.views.cases([bank.cases[0]], namespace="default")
        assert (found[bank.cases[0]].status, found[bank.cases[0]].version) == ("retired", 3)
        assert bank.cases[0] not in await served(memory, question(40), policy=policy)
        assert len(await memory.set_aside()) == 1


async def test_a_correction_counts_when_the_id_of_its_event_is_damaged(bank: Bank) -> None:
    def other_event(row: dict[str, Any]) -> None:
        row["event_id"] = "0" + row["event_id"][1:] if row["event_id"][0] != "0" else "1" + row["event_id"][1:]

    correction = targets(bank)["correction"]
    async with opened(bank.copy(bank.ledger.parent / "whole").ledger) as memory:
        expected = await memory.effects()
    damage(bank.ledger, correction, other_event)
    async with opened(bank.ledger) as memory:
        await memory.check_ledger()
        outcome = await memory.views.outcome(bank.events[2], namespace="default")
        assert outcome is not None
        assert outcome.reward == 0.25
        assert await memory.effects() == expected
        assert await memory.feedback(bank.events[2], 0.75) is not None
