"""Bulk loads: the rows of `case_fields`, whole blocks, repeated loads, the index, what is refused."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from memento.memory import bulk_load
from memento.memory.bulk_files import BLOCK, LoadPlan, prepare, raw_blocks
from memento.memory.bulk_load import LoadReport
from memento.memory.case import Case, Provenance, case_id, text_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.ledger.audit import AuditViews
from memento.memory.ledger.bulk_rows import CASE_COLUMNS, VECTOR_COLUMNS, PlainCase, RowMaker
from memento.memory.ledger.row_fields import case_fields
from memento.memory.ledger.rows import VECTORS
from tests.hashing_encoder import HashingEncoder
from tests.memories import place
from tests.wire_shim import WireShim

pytestmark = pytest.mark.allow_blocking("files are written and read")

DIM = 64
WHEN = "2026-11-29T00:00:00.000+00:00"
SIGNS = [chr(code) for code in range(0x180)] + ["\u2028", "\U0001f600", "@state@", "0.375", '"']


@pytest.fixture(params=["folder", pytest.param("postgres", marks=pytest.mark.slow)])
async def memory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CaseMemory]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    with place(request.param, tmp_path / "bank", url) as made:
        async with made.memory() as memory:
            yield memory


def state(number: int) -> str:
    return f"Who wrote book {number}, the one on {number * 7}?"


def rows(*numbers: int, **more: Any) -> list[dict[str, Any]]:
    return [{"state": state(n), "action": f"look for book {n}", "reward": float(n % 2), **more} for n in numbers]


async def encoded(lines: list[dict[str, Any]]) -> NDArray[np.float32]:
    return await HashingEncoder().encode([line["state"] for line in lines])


async def files(folder: Path, lines: list[dict[str, Any]], name: str = "cases") -> tuple[Path, Path]:
    cases, vectors = folder / f"{name}.jsonl", folder / f"{name}.npy"
    cases.write_text("".join(json.dumps(line) + "\n" for line in lines))
    np.save(vectors, await encoded(lines))
    return cases, vectors


async def kept(memory: CaseMemory) -> list[Case]:
    return [case async for case in memory.views.walk(namespace=memory.namespace)]


def test_rows_are_those_of_case_fields_whatever_the_texts() -> None:
    draw = random.Random(0)
    maker = RowMaker(namespace='a"b\u00e9', encoder="m", status="active", evaluator="import", created_at=WHEN)
    for number in range(500):
        texts = ["".join(draw.choice(SIGNS) for _ in range(draw.randint(1, 30))) for _ in range(4)]
        reward = draw.choice([0.0, 1.0, 0.5, draw.random(), 1e-5, 3e-12])
        plain = PlainCase(texts[0], texts[1], reward, texts[2], texts[3])
        case = Case(
            id=case_id('a"b\u00e9', plain.state, plain.action),
            namespace='a"b\u00e9',
            state=plain.state,
            action=plain.action,
            reward=reward,
            answer=plain.answer,
            lesson=plain.lesson,
            provenance=Provenance(evaluator="import"),
            created_at=WHEN,
        )
        fields = case_fields(case)
        row = maker.plain(plain)
        assert row == tuple(fields[name] for name in CASE_COLUMNS) == maker.full(case)
        unit = np.random.default_rng(number).standard_normal((1, 8)).astype(np.float32)
        signed = VECTORS.signed({"text_hash": text_hash(plain.state), "encoder": "m", "vector": unit[0].tobytes()})
        assert maker.vectors([row], unit) == [tuple(signed[name] for name in VECTOR_COLUMNS)]


async def test_cases_are_kept_and_found_with_the_given_vectors(memory: CaseMemory, tmp_path: Path) -> None:
    lines = rows(*range(40), answer="42", lesson="count twice")
    cases, vectors = await files(tmp_path, lines)
    report = await memory.load(cases, vectors=vectors)
    assert (report.n_read, report.n_loaded, report.n_known, report.bad) == (40, 40, 0, ())
    stored = await kept(memory)
    assert [(case.state, case.reward, case.answer, case.lesson) for case in stored] == [
        (line["state"], line["reward"], "42", "count twice") for line in lines
    ]
    assert {(case.provenance.evaluator, case.status, case.version, case.trust) for case in stored} == {
        ("import", "active", 1, 1.0)
    }
    assert await memory.bank.count() == 40
    reading = await memory.read("Who wrote book 7, the one on 49 exactly?", k=1, policy="similarity")
    assert reading.cases[0].case.state == state(7)
    found = await memory.bank.search((await encoded(lines))[7], namespace="default", limit=1)
    assert (found.bank_version, found.is_degraded) == (await memory.views.newest_offset(), False)
    scan = await memory.check_ledger()
    assert not await memory.set_aside(), scan


async def test_nothing_changes_when_a_load_is_repeated_or_overlaps(memory: CaseMemory, tmp_path: Path) -> None:
    written = await memory.write(state=state(3), action="look for book 3", reward=0.25, lesson="ours")
    await memory.lifecycle.retire(str(written), reason="wrong")
    lines = [*rows(*range(10)), *rows(5, 5)]
    cases, vectors = await files(tmp_path, lines)
    first = await memory.load(cases, vectors=vectors)
    assert (first.n_read, first.n_loaded, first.n_known) == (12, 9, 3)
    before = await kept(memory)
    again = await memory.load(cases, vectors=vectors)
    assert (again.n_loaded, again.n_known) == (0, 12)
    assert await kept(memory) == before
    assert [(case.lesson, case.status) for case in before if case.id == written] == [("ours", "retired")]
    assert await memory.bank.count() == 10
    hits = (await memory.bank.search((await encoded(rows(3)))[0], namespace="default", limit=20)).hits
    assert len(hits) == 9


async def test_erased_stays_erased_when_it_is_loaded(memory: CaseMemory, tmp_path: Path) -> None:
    cases, vectors = await files(tmp_path, rows(1, 2))
    await memory.load(cases, vectors=vectors)
    first, _ = await kept(memory)
    await memory.lifecycle.erase(cases=[first.id])
    assert (await memory.load(cases, vectors=vectors)).n_loaded == 0
    assert [case.state for case in await kept(memory)] == [state(2)]


async def test_quarantined_and_audited_when_the_source_is_not_trusted(memory: CaseMemory, tmp_path: Path) -> None:
    cases, vectors = await files(tmp_path, rows(1, 2))
    await memory.load(cases, vectors=vectors, is_trusted=False)
    assert {case.status for case in await kept(memory)} == {"quarantined"}
    assert not (await memory.read(state(1), k=2, policy="similarity")).cases
    [line] = await AuditViews(memory._storage.ledger).entries(namespace="default", limit=5)
    assert (line.verb, line.subject) == ("import", "2 cases")
    assert line.detail == "from cases.jsonl, an unknown source, 2 given"


async def test_bad_lines_are_named_and_the_others_kept(memory: CaseMemory, tmp_path: Path) -> None:
    lines = rows(*range(9))
    lines[1]["reward"], lines[2]["state"], lines[3]["status"] = 2, " ", "retired"
    cases, vectors = await files(tmp_path, lines)
    matrix = np.load(vectors)
    matrix[4], matrix[5] = 0, np.nan
    np.save(vectors, matrix[:8])
    text = cases.read_text().splitlines()
    text[6] = "{bad"
    cases.write_text("\n\n".join(text))
    report = await memory.load(cases, vectors=vectors)
    assert [line.number for line in report.bad] == [3, 5, 9, 11, 13, 17]
    assert (report.n_read, report.n_loaded) == (9, 3)
    assert [case.status for case in await kept(memory)] == ["active", "retired", "active"]


async def test_vectors_of_lines_are_taken_when_there_is_no_matrix(memory: CaseMemory, tmp_path: Path) -> None:
    lines = rows(*range(6))
    units = await encoded(lines)
    for line, unit in zip(lines, units, strict=True):
        line["vector"] = (3 * unit).tolist()
    lines[1]["vector"], lines[2]["vector"], lines[3]["vector"] = [1.0], "no", [None] * DIM
    del lines[4]["vector"]
    cases = tmp_path / "cases.jsonl"
    cases.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = await memory.load(cases)
    assert [line.number for line in report.bad] == [2, 3, 4, 5]
    vector = (await memory.views.vectors([state(0)], encoder=HashingEncoder().name))[state(0)]
    assert np.allclose(vector, units[0], atol=1e-6)


@pytest.mark.parametrize("kind", ["another model's", "another length", "no matrix", "no file", "not numpy"])
async def test_refused_before_anything_is_written(memory: CaseMemory, tmp_path: Path, kind: str) -> None:
    cases, vectors = await files(tmp_path, rows(*range(5)))
    matrix: Any = np.load(vectors)
    if kind == "not numpy":
        vectors.write_text("hello")
    else:
        np.save(vectors, {"another model's": matrix[:, ::-1], "another length": matrix[:, 1:]}.get(kind, matrix[0]))
    with pytest.raises(InvalidInput):
        await memory.load(cases if kind != "no file" else tmp_path / "none", vectors=vectors)
    assert await kept(memory) == []
    if kind == "another model's":
        assert (await memory.load(cases, vectors=vectors, is_checked=False)).n_loaded == 5


async def test_acknowledged_blocks_are_kept_when_a_load_is_cancelled(memory: CaseMemory, tmp_path: Path) -> None:
    n = 2 * BLOCK + 100
    cases, vectors = await files(tmp_path, rows(*range(n)))
    reports: list[LoadReport] = []

    def stop(report: LoadReport) -> None:
        reports.append(report)
        loading.cancel()

    loading = asyncio.create_task(memory.load(cases, vectors=vectors, on_progress=stop))
    with pytest.raises(asyncio.CancelledError):
        await loading
    assert [report.n_loaded for report in reports] == [BLOCK]
    assert len(await kept(memory)) in (BLOCK, 2 * BLOCK)
    assert (await memory.load(cases, vectors=vectors)).n_known >= BLOCK
    assert (await memory.views.counts(namespace="default")).cases == n
    assert await memory.bank.count() == n


@pytest.mark.slow
async def test_same_rows_when_processes_prepare_them(tmp_path: Path) -> None:
    cases, vectors = await files(tmp_path, rows(*range(300)))
    found = []
    for n_workers in (0, 2):
        async with CaseMemory.open(tmp_path / f"bank{n_workers}", encoder=HashingEncoder(), seed=0) as memory:
            assert (await memory.load(cases, vectors=vectors, n_workers=n_workers)).n_loaded == 300
            found.append([(case.id, case.content()) for case in await kept(memory)])
    assert found[0] == found[1]


async def test_index_follows_the_ledger_when_the_server_is_away_during_a_load(tmp_path: Path) -> None:
    cases, vectors = await files(tmp_path, rows(*range(30)))
    with WireShim() as shim:
        async with CaseMemory.open(shim.url, home=tmp_path / "home", encoder=HashingEncoder(), seed=0) as memory:
            shim.faults.is_down = True
            assert (await memory.load(cases, vectors=vectors)).n_loaded == 30
            shim.faults.is_down = False
            await memory.bank.project_all()
            assert await memory.bank.count() == 30


async def test_cases_written_meanwhile_by_others_are_indexed_too(tmp_path: Path) -> None:
    cases, vectors = await files(tmp_path, rows(*range(20)))
    with place("folder", tmp_path / "bank") as at:
        async with at.memory() as memory, at.memory() as other:
            for number in range(100, 110):
                await other.write(state=state(number), action="a", reward=1.0)
            await memory.load(cases, vectors=vectors)
            assert await memory.bank.count() == 30
            await other.bank.project_all()
            assert await other.bank.count() == 30


def test_blocks_are_cut_at_lines_and_rows(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"\xef\xbb\xbf{}\n\n  \n{}\r\n{}")
    blocks = list(raw_blocks(file, size=2))
    assert [(block.first_row, block.numbers) for block in blocks] == [(0, [1, 4]), (2, [5])]
    plan = LoadPlan("default", "m", 4, "active", WHEN, None)
    assert [len(prepare(plan, block).bad) for block in blocks] == [2, 1]
    assert bulk_load.N_SAMPLED > 0
