"""The ledger: all or nothing, in order, and it says so when it cannot keep something. SQLite, and Postgres (slow)."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from memento.memory.case import Case, case_id
from memento.memory.errors import InvalidInput, LedgerTooNew, LedgerUnavailable
from memento.memory.event import Outcome, RetrievalEvent, Slot
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.reads import LedgerViews
from memento.memory.ledger.writes import LedgerWriter
from tests.ledgers import ledger, url

__all__ = ["ledger", "url"]  # fixtures

ROOT = Path(__file__).parents[2]


def case(number: int, **fields: object) -> Case:
    state = f"state {number}"
    values = {"id": case_id("n", state, "a"), "namespace": "n", "state": state, "action": "a", "reward": 1.0}
    return Case.model_validate(values | fields)


@pytest.fixture
def views(ledger: Ledger) -> LedgerViews:
    return LedgerViews(ledger)


async def kept(ledger: Ledger, *cases: Case) -> None:
    await ledger.transact(lambda writer: [writer.append_case(one) for one in cases])


async def test_nothing_is_kept_when_the_transaction_fails(ledger: Ledger, views: LedgerViews) -> None:
    def fail_halfway(writer: LedgerWriter) -> None:
        writer.append_case(case(1))
        raise LookupError

    with pytest.raises(LookupError):
        await ledger.transact(fail_halfway)
    assert await views.newest_offset() == 0
    await kept(ledger, case(1))
    assert await views.newest_offset() > 0


async def test_version_grows_only_when_the_content_changes(ledger: Ledger, views: LedgerViews) -> None:
    await kept(ledger, case(1), case(1), case(1, reward=0.0), case(1, reward=0.0), case(1))
    changes = await views.changes(after=0, limit=9)
    assert [(change.case.version, change.case.reward) for change in changes if change.case] == [
        (1, 1.0),
        (2, 0.0),
        (3, 1.0),
    ]
    assert (await views.counts(namespace="n")).cases == 1


async def test_feed_misses_nothing_when_many_write_at_once(url: str, ledger: Ledger, views: LedgerViews) -> None:
    seen: list[int] = []
    done = asyncio.Event()

    async def follow() -> None:
        after = 0
        while True:
            is_last = done.is_set()
            for change in await views.changes(after=after, limit=3):
                assert change.offset > after
                after = change.offset
                assert change.case is not None
                seen.append(int(change.case.state.split()[1]))
            if is_last and len(seen) >= 60:
                return

    async with Ledger(url) as other, asyncio.timeout(60):
        following = asyncio.create_task(follow())
        writers = (ledger, other)
        await asyncio.gather(*(kept(writers[number % 2], case(number)) for number in range(60)))
        done.set()
        await following
    assert sorted(seen) == list(range(60))


async def test_lock_is_free_when_a_writer_was_cancelled(ledger: Ledger, views: LedgerViews) -> None:
    for pause in range(40):
        task = asyncio.create_task(kept(ledger, case(pause), case(pause + 100)))
        await asyncio.sleep(pause / 8000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(60):
            await kept(ledger, case(999))
        both = await views.cases([case(pause).id, case(pause + 100).id], namespace="n")
        assert len(both) in (0, 2)


async def test_same_event_is_stored_once(ledger: Ledger, views: LedgerViews) -> None:
    slot = Slot(slot=0, case_id=case(1).id, similarity=0.5, score=0.5, propensity=1.0)
    event = RetrievalEvent(
        id="e", namespace="n", query="q", policy="similarity", n_outcomes=0, bank_version=0, slots=[slot]
    )
    for query in ("q", "another"):
        asked = event.model_copy(update={"query": query})
        stored = await ledger.transact(lambda writer, asked=asked: writer.append_event(asked))  # type: ignore[misc]
        assert stored.query == "q"
    assert await views.event("e", namespace="n") == event
    assert await views.event("e", namespace="other") is None
    assert (await views.usage(case(1).id, namespace="n")).exposures == 1


async def test_second_outcome_is_refused_when_its_key_is_known(ledger: Ledger) -> None:
    outcome = Outcome(key="k", event_id="e", namespace="n", reward=1.0)
    await ledger.transact(lambda writer: writer.append_outcome(outcome))
    with pytest.raises(LedgerUnavailable, match=r"(?i)unique"):
        await ledger.transact(lambda writer: writer.append_outcome(outcome))


async def test_pages_join_without_gap_when_walking(ledger: Ledger, views: LedgerViews) -> None:
    many = [case(number) for number in range(1205)]
    assert await ledger.transact(lambda writer: writer.append_revisions(many)) == 1205
    await kept(ledger, case(3, reward=0.0))
    forth = [found.state async for found in views.walk(namespace="n")]
    back = [found.state async for found in views.walk(namespace="n", newest_first=True, limit=600)]
    assert (len(forth), forth[-1], len(set(forth))) == (1205, "state 3", 1205)
    assert back == forth[::-1][:600]
    ids = [case(number).id for number in range(1205)]
    assert len(await views.cases(ids, namespace="n")) == len(await views.active_rewards(ids, namespace="n")) == 1205


async def test_refused_when_a_newer_version_wrote_it(url: str) -> None:
    async with Ledger(url) as ledger:
        await ledger.transact(lambda writer: writer.set_fact("schema", "999"))
        await ledger.transact(lambda writer: writer.set_fact("readable_from", "9.5"))
    with pytest.raises(LedgerTooNew, match=r"schema 999.*memento-langgraph>=9\.5"):
        async with Ledger(url):
            raise AssertionError("opened")


@pytest.fixture
def damaged(tmp_path: Path) -> str:
    (tmp_path / "ledger.sqlite").write_bytes(b"this is no database, and it is long enough to look like one" * 50)
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


async def test_named_error_when_the_file_is_no_database(damaged: str) -> None:
    with pytest.raises(LedgerUnavailable, match="not a database"):
        async with Ledger(damaged):
            raise AssertionError("opened")


@pytest.mark.parametrize("bad", ["nonsense", "oracle+nothing://secret@host/x", "postgresql+psycopg2x://u:secret@h/x"])
async def test_password_is_not_repeated_when_the_url_is_wrong(bad: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        async with Ledger(bad):
            raise AssertionError("opened")
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(find_spec("psycopg") is None, reason="the extra `postgres` is not installed")
async def test_named_error_when_the_server_is_away() -> None:
    with pytest.raises(LedgerUnavailable) as caught:
        async with Ledger("postgresql+psycopg://u:secret@127.0.0.1:9/x"):
            raise AssertionError("opened")
    assert "secret" not in str(caught.value)


async def test_named_error_when_used_after_closing(url: str) -> None:
    ledger = Ledger(url)
    async with ledger:
        pass
    await ledger.aclose()
    with pytest.raises(LedgerUnavailable, match="not open"):
        await LedgerViews(ledger).newest_offset()


OPENERS = """
import asyncio, sys
from memento.memory.ledger.ledger import Ledger

async def main():
    async with Ledger(sys.argv[1]) as ledger:
        await ledger.transact(lambda writer: writer.note("n", "opened", "x"))

asyncio.run(main())
"""


@pytest.mark.slow
def test_all_can_open_when_processes_start_together_on_a_new_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    command = [sys.executable, "-c", OPENERS, url]
    openers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for opener in openers:
        _, said = opener.communicate()
        assert opener.returncode == 0, said
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM audit").fetchone() == (4,)
    connection.close()


ON_A_FULL_DISK = """
import asyncio, json, resource, sys
sys.path.insert(0, sys.argv[1])
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import LedgerUnavailable
from tests.hashing_encoder import HashingEncoder

async def main():
    said = []
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), ledger_url=sys.argv[2]) as memory:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
        try:
            for number in range(200):
                said.append(await memory.write(state=f"s {number}", action="a" * 50_000, reward=1.0))
        except LedgerUnavailable as error:
            said.append(f"refused: {error}")
        readable = [case.id async for case in memory.views.walk(namespace="default")]
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        again = await memory.write(state="after", action="a", reward=1.0)
    print(json.dumps({"said": said, "readable": readable, "again": again}))

asyncio.run(main())
"""


@pytest.mark.slow
async def test_what_was_acknowledged_is_there_when_the_disk_is_full(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    command = [sys.executable, "-c", ON_A_FULL_DISK, str(ROOT), url]
    writer = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told = json.loads((await writer.communicate())[0])
    *acknowledged, refusal = told["said"]
    assert refusal.startswith("refused: the ledger could not be written: ")
    assert len(acknowledged) > 3
    assert sorted(told["readable"]) == sorted(acknowledged)
    async with Ledger(url) as ledger:
        found = [case.id async for case in LedgerViews(ledger).walk(namespace="default")]
    assert sorted(found) == sorted([*acknowledged, told["again"]])
