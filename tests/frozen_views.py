"""What a memory says of all that it keeps, as JSON values, so that two releases can be compared.

The one place that knows how the memory is asked: after a change of its names only this module is adapted, and what a
frozen bank's golden file says must still be said.

    views_of      pure reads of the ledger: cases, events, outcomes, figures, audit, versions
    learned_of    what estimators believe: effects, and estimates for fixed tasks
    readings_of   what each policy serves with a fixed seed; its events are written
    threads_of    what there is of each thread
    undone_of     what undoing every batch and rolling back to every snapshot does; writes
"""

import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from memento.graph.deps import Deps
from memento.graph.threads import Threads, open_checkpointer
from memento.graph.workflow import build_graph
from memento.memory.case import Case, question_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.event import ObservedOutcome, OutcomeRange, RetrievalEvent
from memento.memory.policies.registry import POLICY_NAMES
from tests.hashing_encoder import HashingEncoder
from tests.node_parts import always

ENCODER = HashingEncoder(dim=16)
ESTIMATORS = ("cross_entropy", "kernel", "advantage")
STATUSES = ("active", "quarantined", "retired")
TASKS = (
    "Who saw the enzyme of القاهرة? Give the year 2668, please.",
    "Where does the queen of São Tomé begin? Give the year 3038, please.",
    "Who saw the comet of Fiji? Give the year 2727, please.",
)
"""No two cases are equally near where recall ends, at the 64th: which of them an index finds is left to chance."""

_ALL = 2**31 - 1
_ESTIMATED = 24


def opened(location: Path, **changes: Any) -> CaseMemory:
    """A memory with the encoder that frozen banks were made with."""
    given = {"encoder": HashingEncoder(dim=16), "policy": "advantage", "seed": 0, **changes}
    return CaseMemory.open(location, **given)


def asked_of(ledger: Path) -> dict[str, list[str]]:
    """Namespace to the ids of all its events, read from an SQLite ledger of schema 1 by hand; blocks."""
    with sqlite3.connect(ledger) as database:
        rows = database.execute(
            'SELECT namespace, event_id FROM (SELECT namespace, event_id, "offset" FROM events '
            'UNION SELECT namespace, NULL, 0 FROM case_revisions) ORDER BY "offset"'
        ).fetchall()
    database.close()
    asked: dict[str, list[str]] = {}
    for namespace, event_id in rows:
        asked.setdefault(namespace, []).extend([] if event_id is None else [event_id])
    return asked


async def views_of(memory: CaseMemory, asked: dict[str, list[str]]) -> dict[str, Any]:
    """Everything that is read and not computed.

    Args:
        memory: an open one.
        asked: as `asked_of` gives it.
    """
    views = memory.views
    newest = await views.newest_offset()
    changes, after = [], 0
    while page := await views.changes(after=after, limit=300):
        changes += [[change.offset, *_said(change.case)] for change in page]
        after = page[-1].offset
    everywhere = {
        "newest_offset": newest,
        "newest_outcome_offset": await views.newest_outcome_offset(),
        "n_cases_until": {
            str(offset): await views.n_cases_until(offset) for offset in (0, 1, 700, newest - 50, newest)
        },
        "changes": changes,
        "facts": {name: await views.fact(name) for name in ("encoder", "id")},
        "vector_length": await views.vector_length(encoder=ENCODER.name),
    }
    spaces = {name: await _namespace(memory, name, event_ids) for name, event_ids in asked.items()}
    return _as_json({"everywhere": everywhere, "namespaces": spaces})


async def _namespace(memory: CaseMemory, name: str, event_ids: Sequence[str]) -> dict[str, Any]:
    views = memory.views
    cases = [case async for case in views.walk(namespace=name)]
    by_id = await views.cases([case.id for case in cases], namespace=name)
    events = {one: await views.event(one, namespace=name) for one in event_ids}
    served = {case_id for event in events.values() if event is not None for case_id in event.case_ids}
    outcomes = {one: await views.outcome(one, namespace=name) for one in event_ids}
    texts = {text for case in cases for text in (case.state, case.action, case.text)}
    texts |= {event.query for event in events.values() if event is not None}
    question = question_hash(cases[0].state)
    middle = await views.newest_offset() // 2
    newer = await views.newest_changes(namespace=name, after=middle, limit=60)
    return {
        "counts": (await views.counts(namespace=name))._asdict(),
        "n_known_outcomes": await memory.n_outcomes(name),
        "cases": [case.model_dump(mode="json") for case in cases],
        "walks": {
            status: [case.id async for case in views.walk(namespace=name, status=status)]  # type: ignore[arg-type]
            for status in STATUSES
        },
        "newest_first": [case.id async for case in views.walk(namespace=name, newest_first=True, limit=40)],
        "newest_changes": [[change.offset, *_said(change.case)] for change in newer],
        "by_id": {case.id: [case.version, case.status, case.reward] for case in by_id.values()},
        "active_ids": await views.active_ids(namespace=name, exclude_question=None),
        "active_ids_but_one_question": await views.active_ids(namespace=name, exclude_question=question),
        "active_rewards": await views.active_rewards(list(by_id), namespace=name),
        "export": [json.loads(line) for line in _exported(cases)],
        "events": {one: _event(event) for one, event in events.items()},
        "outcomes": {one: None if told is None else told.model_dump(mode="json") for one, told in outcomes.items()},
        "usage": {one: list(await views.usage(one, namespace=name)) for one in sorted(served)},
        "vectors": await _vectors(memory, sorted(texts)),
        **await _experiences(memory, name),
        **await _decisions(memory, name),
    }


async def _experiences(memory: CaseMemory, name: str) -> dict[str, Any]:
    views, newest = memory.views, await memory.views.newest_outcome_offset()
    skipped = [OutcomeRange(newest // 3, newest // 2)]
    found, after = list[ObservedOutcome](), 0
    while page := await views.observations(namespace=name, after=after, limit=100):
        found += page
        after = page[-1].offset
    without = await views.observations(namespace=name, after=0, limit=_ALL, skipped=skipped)
    believed = await views.newest_observations(namespace=name, until=_ALL, limit=_ALL)
    then = await views.newest_observations(namespace=name, until=newest // 2, limit=50)
    but = await views.newest_observations(namespace=name, until=_ALL, limit=_ALL, skipped=skipped)
    return {
        "experiences": _told(found),
        "experiences_without_a_range": _told(without),
        "newest_experiences": _told(believed),
        "newest_experiences_halfway": _told(then),
        "newest_experiences_without_a_range": _told(but),
    }


async def _decisions(memory: CaseMemory, name: str) -> dict[str, Any]:
    """Audit, snapshots, versions."""
    lifecycle, versions = memory.lifecycle.within(name), memory.versions
    history = await versions.history(name)
    serving = {one: await versions.serving(name, one) for one in ESTIMATORS}
    return {
        "audit": [entry._asdict() for entry in await lifecycle.audit(limit=_ALL)],
        "snapshots": [one._asdict() for one in await lifecycle.snapshots()],
        "versions": [version.model_dump(mode="json") for version in history],
        "serving": {one: [version.version, version.settings, version.recipe] for one, version in serving.items()},
    }


async def learned_of(
    memory: CaseMemory, namespaces: Iterable[str], *, estimators: Iterable[Any] = ESTIMATORS
) -> dict[str, Any]:
    """What serving each case has done, and what each estimator makes of fixed cases for fixed tasks."""
    learned: dict[str, Any] = {}
    for name in namespaces:
        effects = sorted(await memory.effects(name))
        learned[name] = {"effects": {effect.case_id: list(effect[1:]) for effect in effects}}
        ids = await memory.views.active_ids(namespace=name, exclude_question=None)
        used = [effect.case_id for effect in effects]
        chosen = sorted({*ids[:: max(1, len(ids) // _ESTIMATED)], *(set(used[::3]) & set(ids))})
        cases = list((await memory.views.cases(chosen, namespace=name)).values())
        learned[name]["estimates"] = {one: await _estimates(memory, name, one, cases) for one in estimators}
    return _as_json(learned)


async def _estimates(memory: CaseMemory, name: str, estimator: Any, cases: Sequence[Case]) -> list[Any]:
    learner = await memory._learning.learner(name, estimator)
    state_CD, answers = await ENCODER.encode([case.state for case in cases]), []
    for task, query_D in zip(TASKS, await ENCODER.encode(list(TASKS)), strict=True):
        estimates, version, settings_version = await learner.estimates(query_D, cases, state_CD @ query_D)
        told = None if estimates is None else estimates._asdict()
        answers.append([task, version, settings_version, [case.id for case in cases], told])
    return answers


async def readings_of(
    memory: CaseMemory, namespaces: Iterable[str], *, policies: Iterable[str] = POLICY_NAMES
) -> dict[str, Any]:
    """What each policy serves for fixed tasks with a fixed seed."""
    await memory.bank.project_all()
    readings: dict[str, Any] = {}
    for name in namespaces:
        for policy in policies:
            for task in TASKS:
                reading = await memory.read(task, k=4, policy=policy, namespace=name, seed=7)
                slots = [[slot.case_id, slot.similarity, slot.score, slot.propensity] for slot in reading.slots]
                served = [scored.case.id for scored in reading.cases]
                said = [reading.is_degraded, reading.n_outcomes, reading.notices]
                readings.setdefault(name, {}).setdefault(policy, []).append([task, served, slots, said])
    return _as_json(readings)


async def threads_of(memory: CaseMemory, home: Path) -> dict[str, Any]:
    """Task, what it waits for, answer and number of messages of each thread of a home."""
    found: dict[str, Any] = {}
    async with open_checkpointer(home / "threads.sqlite") as saver:
        graph = build_graph(Deps(memory=memory, planner=always(""), executor=always("")), checkpointer=saver)
        threads = Threads(graph, saver, home / "workspace")
        for name in await threads.names():
            thread = await threads.read(name)
            values = (await graph.aget_state({"configurable": {"thread_id": name}})).values
            said = [thread.task, list(thread.waits_for), thread.checkpoint, thread.problem]
            found[name] = [*said, values.get("answer"), len(values["messages"])]
    return _as_json(found)


async def undone_of(memory: CaseMemory, namespaces: Iterable[str]) -> dict[str, Any]:
    """What becomes of cases when every batch is undone, newest first, and then every snapshot is gone back to."""
    undone: dict[str, Any] = {}
    for name in namespaces:
        lifecycle, reports = memory.lifecycle.within(name), []
        for batch_id in dict.fromkeys(entry.batch_id for entry in await lifecycle.audit(limit=_ALL)):
            if batch_id is not None:
                report = await lifecycle.undo(batch_id)
                reports.append([batch_id, report.changed, len(report.left_alone)])
        for snapshot in await lifecycle.snapshots():
            report = await lifecycle.rollback(snapshot.name)
            reports.append([snapshot.name, sorted(report.changed), len(report.left_alone)])
        cases = [case async for case in memory.views.walk(namespace=name)]
        undone[name] = [reports, {case.id: [case.version, case.status, case.reward] for case in cases}]
    return _as_json(undone)


async def golden_of(home: Path) -> dict[str, Any]:
    """All of it, of a copy of a home without its weights."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "bank"
        shutil.copytree(home, copy, ignore=shutil.ignore_patterns("weights-*"))
        asked = asked_of(copy / "ledger.sqlite")
        async with opened(copy) as memory:
            return {
                "views": await views_of(memory, asked),
                "learned": await learned_of(memory, asked),
                "threads": await threads_of(memory, copy),
                "readings": await readings_of(memory, asked),
                "undone": await undone_of(memory, asked),
            }


def _event(event: RetrievalEvent | None) -> dict[str, Any] | None:
    """With `policy_version`, which is now `n_outcomes`, under the name that it had when the golden file was made."""
    if event is None:
        return None
    return {("policy_version" if k == "n_outcomes" else k): v for k, v in event.model_dump(mode="json").items()}


def _said(case: Case | None) -> list[Any]:
    """Id and version of a line of the change feed."""
    return [] if case is None else [case.id, case.version]


def _exported(cases: Iterable[Case]) -> list[str]:
    """The lines of `memento cases export`."""
    return [case.model_dump_json() for case in cases]


def _told(experiences: Iterable[ObservedOutcome]) -> list[Any]:
    return [
        [one.offset, one.event_id, one.reward, one.confidence, one.is_partial, one.event.case_ids]
        for one in experiences
    ]


async def _vectors(memory: CaseMemory, texts: Sequence[str]) -> dict[str, Any]:
    """How many of the texts have a kept vector, and a hash of these, in the order of the texts."""
    kept = await memory.views.vectors(texts, encoder=ENCODER.name)
    found = [kept[text] for text in texts if text in kept]
    return {"n": len(found), "sha256": hashlib.sha256(b"".join(row.tobytes() for row in found)).hexdigest()}


def _as_json(values: Any) -> Any:
    """As a file gives it back: tuples as lists, arrays as lists of numbers."""
    return json.loads(json.dumps(values, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"no JSON value: {value!r}")
