"""A namespace never changes, reads or learns of what is another's, whatever ids it is told: at the ledger itself."""

import ast
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case import Case, Provenance, case_id
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience
from memento.memory.image_encoder import sample_image
from memento.memory.interchange import LoggedUse, read_cases
from memento.memory.ledger import schema
from memento.memory.ledger.batches import LedgerBatches
from memento.memory.ledger.settings_versions import SettingsVersion
from memento.memory.lifecycle.forgetting import Retirement
from memento.memory.pictures import picture_hash
from memento.memory.recorded_events import Selection, grouped
from tests.memories import Place, place, question

ROOT = Path(__file__).parents[2]
SECRET = "what only alice knows"
PICTURE = sample_image()


@dataclass(frozen=True)
class Ids:
    """What one namespace has, or what nobody has."""

    event: str
    pending: str
    """An event without an outcome yet."""
    case: str
    state: str
    action: str
    batch: str
    snapshot: str
    version: int


UNKNOWN = Ids("no-event", "not-pending", case_id("x", "x", "x"), "no-state", "no-action", "no-batch", "no-moment", 4242)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Place]:
    with place("folder", tmp_path) as made:
        yield made


@pytest.fixture
async def memory(at: Place) -> AsyncIterator[CaseMemory]:
    async with at.memory(namespace="bob") as memory:
        yield memory


@pytest.fixture
async def alices(memory: CaseMemory) -> Ids:
    """All that can be named of a namespace that has everything; bob has a case of his own."""
    state, action = question(1), "alice's plan"
    await memory.write(state=question(0), action="first", reward=1.0, namespace="alice", picture=PICTURE)
    reading = await memory.read(state, namespace="alice")
    case = await memory.write(
        state=state, action=action, reward=1.0, event_id=reading.event_id, namespace="alice", lesson=SECRET
    )
    pending = await memory.read(question(2), namespace="alice", follows=reading.event_id)
    own = memory.lifecycle.within("alice")
    await own.snapshot("moment of alice")
    batch = (await own.retire(str(case), reason=SECRET)).batch_id
    promoted = await memory._storage.ledger.transact(
        lambda writer: memory.versions.append(
            writer, SettingsVersion(namespace="alice", estimator="advantage", settings={"shrinkage": 2.0})
        )
    )
    await memory.write(state=question(5), action="bob's plan", reward=1.0)
    return Ids(
        reading.event_id, pending.event_id, str(case), state, action, str(batch), "moment of alice", promoted.version
    )


def rows_of(folder: Path, namespace: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that is a namespace's, table by table."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as database:
        found = {
            table: database.execute(f"SELECT * FROM {table} WHERE namespace = ? ORDER BY 1", (namespace,)).fetchall()  # noqa: S608
            for table in sorted(rows_of_tables())
        }
        found["slots"] = database.execute(
            "SELECT slots.* FROM slots JOIN events USING (event_id) WHERE namespace = ? ORDER BY 1, 2", (namespace,)
        ).fetchall()
        found["batch_changes"] = database.execute(
            "SELECT batch_changes.* FROM batch_changes JOIN audit ON audit.offset = audit_offset WHERE namespace = ?",
            (namespace,),
        ).fetchall()
    return found


def named_by(ids: Ids, **changes: Any) -> Case:
    """A case of bob's that claims whatever a file can claim."""
    fields: dict[str, Any] = {
        "namespace": "bob",
        "state": ids.state,
        "action": ids.action,
        "reward": 0.0,
        "lesson": "forged",
        "version": 1000,
        "provenance": Provenance(event_id=ids.event, evaluator="human", thread_id="t"),
        **changes,
    }
    own_id = case_id(fields["namespace"], fields["state"], fields["action"])
    return Case(**{"id": own_id, **fields})


async def write(memory: CaseMemory, ids: Ids) -> Any:
    return await memory.write(state=ids.state, action=ids.action, reward=0.0, event_id=ids.event, lesson="forged")


async def write_pending(memory: CaseMemory, ids: Ids) -> Any:
    return await memory.write(state="s", action="a", reward=0.0, event_id=ids.pending)


async def write_unrewarded(memory: CaseMemory, ids: Ids) -> Any:
    return await memory.write(state=ids.state, action=ids.action, reward=None, event_id=ids.event)


async def write_with_one_of_its_own(memory: CaseMemory, ids: Ids) -> Any:
    own = await memory.read(question(5))
    fields = {"state": "s", "action": "a", "reward": 0.0}
    given = [Experience(event_id=own.event_id, **fields), Experience(event_id=ids.event, **fields)]  # type: ignore[arg-type]
    return await memory.write_all(given)


async def write_both_namespaces(memory: CaseMemory, ids: Ids) -> Any:
    """One batch has both namespaces, the event is asked for in the wrong one."""
    alices_own = Experience(state="new", action="new", reward=1.0, namespace="alice-2")
    return await memory.write_all([alices_own, Experience(state="s", action="a", reward=0.0, event_id=ids.event)])


async def leave_out(memory: CaseMemory, ids: Ids) -> Any:
    """A case of another namespace is named as left out of a reading of one's own."""
    own = await memory.read(question(5))
    await memory.write(state=question(5), action="x", reward=0.0, event_id=own.event_id, left_out=[ids.case])
    return "done"


async def feedback(memory: CaseMemory, ids: Ids) -> Any:
    return await memory.feedback(ids.event, 0.0, lesson="forged")


async def withdraw(memory: CaseMemory, ids: Ids) -> Any:
    return await memory.feedback(ids.event, None)


async def follow(memory: CaseMemory, ids: Ids) -> Any:
    return await memory.read(question(5), follows=ids.pending)


async def keep_naming_an_event(memory: CaseMemory, ids: Ids) -> Any:
    await memory.keep([named_by(ids)])
    return "done"


async def keep_under_an_id(memory: CaseMemory, ids: Ids) -> Any:
    return await memory.keep([named_by(ids).model_copy(update={"id": ids.case})])


async def keep_recorded_naming_an_event(memory: CaseMemory, ids: Ids) -> Any:
    served = LoggedUse(question(5), 0.0)
    await memory.keep_recorded([Selection(f"of bob {ids.event}", served, (named_by(ids),))])
    return "done"


async def keep_recorded_under_an_id(memory: CaseMemory, ids: Ids) -> Any:
    case = named_by(ids).model_copy(update={"id": ids.case})
    return await memory.keep_recorded([Selection("of bob", LoggedUse(question(5), 0.0), (case,))])


async def import_a_file(memory: CaseMemory, ids: Ids) -> Any:
    row = named_by(ids).model_dump() | {"id": ids.case, "namespace": "alice", "status": "active"}
    file = Path(memory._storage.place.location) / "rows.jsonl"
    file.write_text(json.dumps(row) + "\n")
    await memory.keep([line.case for line in read_cases(file, namespace="bob") if line.case is not None])
    return "done"


async def import_a_log(memory: CaseMemory, ids: Ids) -> Any:
    row = {"case": ids.state, "plan": ids.action, "case_label": "negative", "query": ids.state, "truth_label": False}
    file = Path(memory._storage.place.location) / "log.jsonl"
    file.write_text(json.dumps(row | {"event_id": ids.event, "namespace": "alice"}) + "\n")
    groups = grouped(read_cases(file, namespace="bob"))
    await memory.keep_recorded([group.selection for group in groups if group.selection is not None])
    return "done"


def status(verb: str) -> Callable[[CaseMemory, Ids], Awaitable[Any]]:
    async def change(memory: CaseMemory, ids: Ids) -> Any:
        return await getattr(memory.lifecycle, verb)(ids.case)

    change.__name__ = verb
    return change


async def undo(memory: CaseMemory, ids: Ids) -> Any:
    return await memory.lifecycle.undo(ids.batch)


async def rollback(memory: CaseMemory, ids: Ids) -> Any:
    return await memory.lifecycle.rollback(ids.snapshot)


async def snapshot(memory: CaseMemory, ids: Ids) -> Any:
    return (await memory.lifecycle.snapshot(ids.snapshot)).name == ids.snapshot


async def apply(memory: CaseMemory, ids: Ids) -> Any:
    retirement = Retirement(ids.case, 1, "evidence", "forged", None, None)
    none = await memory.lifecycle.plan()
    return await memory.lifecycle.apply(none._replace(retirements=[retirement]))


async def offline_rollback(memory: CaseMemory, ids: Ids) -> Any:
    return await memory.offline("advantage").rollback(to=ids.version)


PATHS: list[Callable[[CaseMemory, Ids], Awaitable[Any]]] = [
    *(write, write_pending, write_unrewarded, write_with_one_of_its_own, write_both_namespaces, leave_out),
    *(feedback, withdraw, follow),
    *(keep_naming_an_event, keep_under_an_id, keep_recorded_naming_an_event, keep_recorded_under_an_id),
    *(import_a_file, import_a_log),
    *(status("retire"), status("restore"), status("quarantine"), status("release")),
    *(undo, rollback, snapshot, apply, offline_rollback),
]


async def said(path: Callable[[CaseMemory, Ids], Awaitable[Any]], memory: CaseMemory, ids: Ids) -> str:
    """What bob hears, without the ids that he gave himself."""
    try:
        heard = str(await path(memory, ids))
    except InvalidInput as error:
        heard = f"{type(error).__name__}: {error}"
    for name, value in vars(ids).items():
        heard = heard.replace(f"version {value}" if name == "version" else str(value), f"<{name}>")
    return heard


@pytest.mark.allow_blocking("rows are looked at from outside")
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
async def test_nothing_of_another_namespace_changes_and_nobody_hears_of_it(
    at: Place, memory: CaseMemory, alices: Ids, path: Callable[[CaseMemory, Ids], Awaitable[Any]]
) -> None:
    folder = Path(at.arguments["location"])
    await memory.settle()
    before = rows_of(folder, "alice")
    assert all(before.values()), "alice has rows in every table"
    unknown = await said(path, memory, UNKNOWN)
    heard = await said(path, memory, alices)
    await memory.settle()
    assert heard == unknown
    assert SECRET not in heard
    assert rows_of(folder, "alice") == before


@pytest.mark.allow_blocking("rows are looked at from outside")
async def test_a_selection_under_the_id_of_another_namespaces_event_is_refused(
    at: Place, memory: CaseMemory, alices: Ids
) -> None:
    folder = Path(at.arguments["location"])
    before = rows_of(folder, "alice")
    recall = (await memory.recall(question(5)))._replace(event_id=alices.event)
    with pytest.raises(InvalidInput, match="no event"):
        await memory.select(recall)
    with pytest.raises(InvalidInput, match="is not the id of an imported event"):
        await memory.keep_recorded([Selection(alices.event, LoggedUse(question(5), 0.0), (named_by(UNKNOWN),))])
    own = await memory.read(question(5))
    with pytest.raises(InvalidInput, match="is not the id of an imported event"):
        await memory.keep_recorded([Selection(own.event_id, LoggedUse(question(5), 0.0), (named_by(UNKNOWN),))])
    assert await memory.views.outcome(own.event_id, namespace="bob") is None
    assert rows_of(folder, "alice") == before


async def test_feedback_never_reaches_a_case_that_only_claims_to_be_of_the_event(
    memory: CaseMemory, alices: Ids
) -> None:
    await memory.keep([named_by(alices, reward=1.0, lesson="bob's")])
    await memory.feedback(alices.event, 0.0, lesson=SECRET, namespace="alice")
    bobs_id = case_id("bob", alices.state, alices.action)
    bobs = (await memory.views.cases([bobs_id], namespace="bob"))[bobs_id]
    assert (bobs.reward, bobs.lesson, bobs.version) == (1.0, "bob's", 1)
    assert (bobs.provenance.event_id, bobs.provenance.evaluator, bobs.provenance.thread_id) == (None, "import", None)


async def test_reads_show_nothing_of_another_namespace(memory: CaseMemory, alices: Ids) -> None:
    views = memory.views
    assert await views.cases([alices.case], namespace="bob") == {}
    assert await views.event(alices.event, namespace="bob") is None
    assert await views.outcome(alices.event, namespace="bob") is None
    assert (await views.usage(alices.case, namespace="bob")).exposures == 0
    assert {case.namespace async for case in views.walk(namespace="bob")} == {"bob"}
    assert await views.observations(namespace="bob", after=0, limit=100) == []
    assert await views.newest_observations(namespace="bob", until=2**31, limit=100) == []
    assert await memory.lifecycle.audit() == []
    assert await memory.lifecycle.snapshots() == []
    assert await memory.versions.history("bob") == []
    assert await views.picture(picture_hash(PICTURE), namespace="bob") is None

    def batches(writer: Any) -> tuple[Any, ...]:
        found = LedgerBatches(writer)
        return (
            found.newest([alices.case], namespace="bob"),
            found.revisions([(alices.case, 1)], namespace="bob"),
            found.last_verb(alices.case, namespace="bob"),
            found.last_status_but_retired(alices.case, namespace="bob"),
            found.withdrawn_among([alices.event], namespace="bob"),
            writer.head(alices.case, namespace="bob"),
        )

    assert await memory._storage.ledger.transact(batches) == ({}, {}, None, None, set(), None)


UNBOUND = {
    "vector_reads.VectorViews.vector_length": "vectors are named by what they encode",
    "event_reads.EventViews.newest_outcome_offset": "offsets are of the whole ledger",
    "bulk_writes.insert_cases": "offsets are of the whole ledger; the rows name their namespace",
    "writes.LedgerWriter._highest_version": "a version number must be new for the id, whatever its namespace says",
    "writes.LedgerWriter.drop_fact": "facts are of the whole ledger",
    "batches.LedgerBatches._audited": "a damaged namespace must not hide a change; callers compare the line's own",
    "lost_records.lost_record": "finds the row that was damaged, whatever its namespace says now",
    "scan._check": "checks the whole ledger, for whoever operates it",
    "scan._mend": "checks the whole ledger, for whoever operates it",
    "scan._events_with_other_slots": "checks the whole ledger, for whoever operates it",
    "erasure_intents.erasure_intents": "facts are of the whole ledger; an intent says its namespace",
    "erasing._drop_vectors": "vectors are named by what they encode",
    "erasing._no_longer_set_aside": "by the table and key of rows that were chosen in one namespace",
    "erasing._replace": "by the offset of a row that was chosen in one namespace",
    "erasing._row": "by the offset of a row that was chosen in one namespace",
    "erasing.count_targets": "counts rows that were chosen in one namespace",
    "vector_writes.VectorWriter.drop_vectors": "vectors are named by what they encode",
    "vector_writes.VectorWriter._drop_damaged_vectors": "vectors are named by what they encode",
    "writes.LedgerWriter.fact": "facts are of the whole ledger",
    "batches.LedgerBatches.append_snapshot": "offsets are of the whole ledger",
    "audit.AuditViews.set_aside": "for whoever operates the ledger",
    "ledger.Ledger._open": "rows of the whole ledger that are known to be damaged",
    "backup.copy_rows": "copies the whole ledger",
    "settings_versions.SettingsVersions.append": "an outcome's offset is of the whole ledger",
    "case_draws._NEW_SINCE": "counts what the index of the whole ledger must hold",
    "case_heads._BY_ID": "makes heads and counts of all that the transaction has appended, each under its own",
    "case_heads._DROP": "makes heads and counts of all that the transaction has appended, each under its own",
    "case_heads._NEW_EVENTS": "makes heads and counts of all that the transaction has appended, each under its own",
    "case_heads._NEW_REVISIONS": "makes heads and counts of all that the transaction has appended, each under its own",
    "case_heads._TOLD": "makes heads and counts of all that the transaction has appended, each under its own",
    "case_heads._DROP_ALL": "made again, of the whole ledger, in the same transaction",
    "case_heads._DROP_AT": "by the offset of the row that was damaged",
    "case_heads._ENDS": "offsets are of the whole ledger",
    "case_heads._EXPECTED": "makes or checks the heads of the whole ledger, each under its own",
    "case_heads._SAID": "checks the heads of the whole ledger",
    "namespace_counts._ALL_HEADS": "counts what the index of the whole ledger must hold",
    "namespace_counts._COUNT_KNOWN": "by a subquery that names it",
    "namespace_counts._DROP_ALL": "made again when they are next needed",
    "newest_cases.NEWEST_OFFSET": "offsets are of the whole ledger",
    "learning_reads._ERASURES": "a fact, whose name says the namespace",
    "learning_reads._NEWEST": "offsets are of the whole ledger",
    "learning_reads._STANDING": "of three statements that say their own",
    "newest_cases._NEWEST": "by ids, each of one namespace; callers are given those of their own",
    "newest_cases._CHANGED": "ids of what has changed in the whole ledger, which are dropped from memory",
    "feed_reads._CHANGES": "the feed of the whole ledger, for the index of all of it",
    "reads._FACT": "facts are of the whole ledger",
    "transactions._writing": "takes the lock of whoever writes to Postgres",
    "vector_reads._OF_TEXTS": "vectors are named by what they encode",
    "writes._NEWEST_BY_ID": "a damaged namespace must not bring a retired case back; `head` looks at it",
    "writes._OUTCOMES_OF": "a damaged namespace must not let an older outcome count; callers compare their own",
}
"""Functions and prepared statements that query without a namespace, and why."""

BINDING = {"_served", "_serving"}
"""Names that stand for a condition on the namespace."""


def test_every_query_of_the_ledger_names_its_namespace() -> None:
    files = sorted((ROOT / "memory" / "ledger").glob("*.py"))
    unbound = {name for file in files for name in _unbound_queries(file)}
    assert unbound == UNBOUND.keys()


def test_sql_is_written_in_the_ledgers_room_alone() -> None:
    asking = {file for file in (ROOT / "memory").rglob("*.py") if "sqlalchemy" in file.read_text(encoding="utf-8")}
    elsewhere = {file.name for file in asking if (ROOT / "memory" / "ledger") not in file.parents}
    assert elsewhere == {"places.py"}, "it parses a URL, nothing else"


def _unbound_queries(file: Path) -> Iterator[str]:
    tree = ast.parse(file.read_text())
    owners: list[tuple[str, ast.Module | ast.ClassDef]] = [(f"{file.stem}.", tree)]
    owners += [(f"{file.stem}.{node.name}.", node) for node in tree.body if isinstance(node, ast.ClassDef)]
    for prefix, owner in owners:
        for part in owner.body:
            name = _name_of(part)
            calls = [node.func for node in ast.walk(part) if isinstance(node, ast.Call)]
            called = {call.id for call in calls if isinstance(call, ast.Name)}
            if name and called & {"select", "update", "delete"} and not _names_a_namespace(part):
                yield prefix + name


def _name_of(part: ast.stmt) -> str:
    """Name of a function, or of a prepared statement."""
    if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
        return part.name
    is_named = isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name)
    return part.targets[0].id if is_named else ""  # type: ignore[attr-defined]


def _names_a_namespace(part: ast.AST) -> bool:
    """Whether a column `namespace` is compared in it, or something that stands for that is used."""
    for node in ast.walk(part):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Among", "unindexed"):
            column = node.args[0]
            if isinstance(column, ast.Attribute) and column.attr == "namespace":
                return True
        if isinstance(node, ast.Name) and node.id in BINDING:
            return True
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute) and node.left.attr == "namespace":
            return True
        if isinstance(node, ast.Attribute) and node.attr == "in_" and getattr(node.value, "attr", "") == "namespace":
            return True
    return False


def test_every_table_with_a_namespace_was_looked_at() -> None:
    with_namespace = {name for name, table in schema.metadata.tables.items() if "namespace" in table.c}
    made_of_others = {"case_heads", "namespace_counts"}
    assert with_namespace == {*rows_of_tables(), *made_of_others, "set_aside"}


def rows_of_tables() -> set[str]:
    return {"case_revisions", "events", "outcomes", "settings_versions", "audit", "snapshots", "pictures"}
