"""The door of all importers: redacted, in quarantine, once; unknown outcomes wait; hostile files harm nothing."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from memento.integrations.importers.door import import_records, preview_records
from memento.integrations.importers.record import NO_OUTCOME, ImportOptions
from memento.integrations.importers.registry import SOURCES
from memento.integrations.importers.report import ImportReport, WaitingAttempt
from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from tests.export_files import (
    chat_row,
    chatgpt_conversation,
    claude_line,
    claude_session,
    codex_line,
    codex_message,
    codex_session,
    document,
    langfuse_score,
    langfuse_trace,
    langsmith_feedback,
    langsmith_run,
    langsmith_tool,
    rows_of,
    written,
)
from tests.hashing_encoder import HashingEncoder
from tests.memories import served

KEY = "sk-proj-Abc123Def456Ghi789Jkl"
OWN_SECRET = "plain-words-that-are-a-password"


@pytest.fixture
async def memory() -> AsyncIterator[CaseMemory]:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="similarity", seed=0) as memory:
        yield memory


async def imported(memory: CaseMemory, kind: str, path: Path, **options: Any) -> ImportReport:
    secrets = lambda: (OWN_SECRET,)  # noqa: E731
    return await import_records(memory, kind, path, options=ImportOptions(**options), secrets=secrets)


async def kept(memory: CaseMemory) -> list[Case]:
    return [case async for case in memory.views.walk(namespace=memory.namespace)]


async def write(path: Path, rows: list[Any]) -> Path:
    return await asyncio.to_thread(written, path, rows)


async def write_document(path: Path, value: Any) -> Path:
    return await asyncio.to_thread(document, path, value)


def scored_runs(n: int) -> list[dict[str, Any]]:
    runs = [langsmith_run(number) for number in range(n)]
    return runs + [langsmith_feedback(number, number % 2) for number in range(n)]


async def test_cases_wait_in_quarantine_until_they_are_released(memory: CaseMemory, tmp_path: Path) -> None:
    report = await imported(memory, "langsmith", await write(tmp_path / "r.jsonl", scored_runs(4)))
    assert (report.n_cases, report.n_waiting, report.n_bad) == (4, 0, 0)
    cases = await kept(memory)
    assert {case.status for case in cases} == {"quarantined"}
    assert {case.provenance.evaluator for case in cases} == {"import:langsmith:correctness"}
    assert await served(memory, "What is the capital of country 1?!") == set()
    await memory.lifecycle.release(*(case.id for case in cases))
    assert await served(memory, "Tell the capital of country") == {case.id for case in cases}


async def test_a_second_import_adds_nothing(memory: CaseMemory, tmp_path: Path) -> None:
    file = await write(tmp_path / "r.jsonl", [*scored_runs(100), langsmith_run(500)])
    await imported(memory, "langsmith", file)
    before = await memory.views.newest_offset()
    again = await imported(memory, "langsmith", file)
    assert (again.n_records, again.n_cases, again.n_waiting, again.n_known) == (101, 0, 0, 101)
    assert await memory.views.newest_offset() == before


async def test_windows_line_ends_and_a_byte_order_mark_change_nothing(memory: CaseMemory, tmp_path: Path) -> None:
    unix = await write(tmp_path / "unix.jsonl", scored_runs(3))
    windows = await asyncio.to_thread(
        written, tmp_path / "windows.jsonl", scored_runs(3), ending="\r\n", start="\ufeff"
    )
    assert (await imported(memory, "langsmith", unix)).n_cases == 3
    assert (await imported(memory, "langsmith", windows)).n_known == 3


async def test_an_unknown_outcome_is_no_case_and_waits(memory: CaseMemory, tmp_path: Path) -> None:
    told: list[WaitingAttempt] = []
    file = await write(tmp_path / "s.jsonl", claude_session(3))
    report = await import_records(memory, "claude-code", file, on_waiting=told.append)
    assert (report.n_cases, report.n_waiting, len(told)) == (0, 3, 3)
    assert await kept(memory) == []
    assert await memory.feedback(told[1].event_id, 0.5, lesson="half") is not None
    [case] = await kept(memory)
    assert (case.state, case.reward, case.lesson) == (told[1].state, 0.5, "half")
    assert (await imported(memory, "claude-code", file)).n_known == 3


async def test_a_resumed_session_is_imported_once(memory: CaseMemory, tmp_path: Path) -> None:
    await write(tmp_path / "a.jsonl", claude_session(2))
    copied = [line | {"sessionId": "other", "uuid": f"c-{at}"} for at, line in enumerate(claude_session(3))]
    await write(tmp_path / "b.jsonl", copied)
    report = await imported(memory, "claude-code", tmp_path)
    assert (report.n_waiting, report.n_known) == (3, 2)


async def test_a_score_that_comes_later_makes_a_case_of_what_waited(memory: CaseMemory, tmp_path: Path) -> None:
    await imported(memory, "langsmith", await write(tmp_path / "a.jsonl", [langsmith_run(1)]))
    report = await imported(memory, "langsmith", await write(tmp_path / "b.jsonl", scored_runs(2)))
    assert (report.n_cases, report.n_waiting) == (2, 0)
    assert len(await kept(memory)) == 2


async def test_another_reward_of_the_same_attempt_is_told_and_changes_nothing(
    memory: CaseMemory, tmp_path: Path
) -> None:
    await imported(memory, "langsmith", await write(tmp_path / "a.jsonl", [langsmith_run(1), langsmith_feedback(1, 1)]))
    report = await imported(
        memory, "langsmith", await write(tmp_path / "b.jsonl", [langsmith_run(1), langsmith_feedback(1, 0)])
    )
    assert (report.n_cases, report.n_differing) == (0, 1)
    assert [case.reward for case in await kept(memory)] == [1.0]


async def test_a_reward_given_by_a_person_is_recorded_as_given(memory: CaseMemory, tmp_path: Path) -> None:
    rows = [langsmith_run(1), langsmith_feedback(1, 0), langsmith_run(2)]
    await imported(memory, "langsmith", await write(tmp_path / "a.jsonl", rows), reward=1.0)
    told = {(case.reward, case.provenance.evaluator, case.status) for case in await kept(memory)}
    assert told == {
        (0.0, "import:langsmith:correctness", "quarantined"),
        (1.0, "import:langsmith:given", "quarantined"),
    }


async def test_a_given_reward_settles_no_dispute_and_mends_no_error(memory: CaseMemory, tmp_path: Path) -> None:
    rows = [langsmith_run(1), langsmith_feedback(1, 1, id="a"), langsmith_feedback(1, 0, id="b")]
    rows.append(langsmith_run(2, error="TimeoutError()", outputs={"answer": "half"}))
    report = await imported(memory, "langsmith", await write(tmp_path / "r.jsonl", rows), reward=1.0)
    assert (report.n_cases, report.n_waiting) == (0, 2)


async def test_facts_are_imported_only_with_a_reward(memory: CaseMemory, tmp_path: Path) -> None:
    file = await write_document(
        tmp_path / "m.json", {"results": [{"id": "m", "memory": "Ann likes tea", "user_id": "u"}]}
    )
    report = await imported(memory, "mem0", file)
    assert (report.n_records, dict(report.skipped)) == (0, {NO_OUTCOME: 1})
    assert (await memory.views.counts(namespace="default")).events == 0
    assert (await imported(memory, "mem0", file, reward=1.0)).n_cases == 1


async def test_what_was_retired_elsewhere_stays_retired(memory: CaseMemory, tmp_path: Path) -> None:
    rows = [{"state": "s", "action": "a", "reward": 1, "status": "retired"}]
    await imported(memory, "memento", await write(tmp_path / "own.jsonl", rows))
    assert [case.status for case in await kept(memory)] == ["retired"]


async def test_a_file_speaks_for_nobody(memory: CaseMemory, tmp_path: Path) -> None:
    provenance = {"evaluator": "human", "event_id": "e", "thread_id": "t"}
    rows = [{"state": "s", "action": "a", "reward": 1, "trust": 1, "provenance": provenance}]
    await imported(memory, "memento", await write(tmp_path / "own.jsonl", rows))
    [case] = await kept(memory)
    assert case.provenance.evaluator == "import:memento:human"
    assert case.provenance.event_id is None
    assert (case.provenance.thread_id or "").startswith("import:memento:")
    feedback = langsmith_feedback(1, 1, key="human")
    await imported(memory, "langsmith", await write(tmp_path / "r.jsonl", [langsmith_run(1), feedback]))
    assert {case.provenance.evaluator for case in await kept(memory)} == {
        "import:memento:human",
        "import:langsmith:human",
    }


def secret_files(folder: Path) -> dict[str, Path]:
    """For each kind a file with a secret in every text field that is imported."""
    said = f"use {KEY} and {OWN_SECRET}"
    call = {"type": "tool_use", "id": "t", "name": KEY, "input": {"command": f"export API_TOKEN=abcd1234 {said}"}}
    claude = [
        claude_line("user", f"Deploy, {said}", 1, uuid=KEY),
        claude_line("assistant", [{"type": "text", "text": said}, call], 2),
        claude_line("user", f"Again, {said}", 3),
        claude_line("assistant", [{"type": "text", "text": said}], 4),
    ]
    claude[1]["message"]["model"] = KEY
    shell = {"type": "function_call", "name": "shell", "arguments": json.dumps({"command": [said]}), "call_id": "c"}
    codex = [
        *codex_session(1, has_events=False, session=KEY)[:1],
        codex_line("response_item", codex_message("user", said)),
        codex_line("response_item", shell),
        codex_line("response_item", codex_message("assistant", said)),
    ]
    run = langsmith_run(1, id=KEY, trace_id=KEY, inputs={"question": said}, outputs={"answer": said})
    tool = langsmith_tool(1, 1, trace_id=KEY) | {"name": said, "inputs": {"input": said}}
    feedback = langsmith_feedback(1, 1, run_id=KEY, key=f"score {KEY}", comment=said, correction={"a": said})
    trace = langfuse_trace(1, id=KEY, input=said, output=said)
    chat = {"messages": [{"role": "user", "content": said}, {"role": "assistant", "content": said}]}
    conversation = json.loads(json.dumps(chatgpt_conversation()).replace("The moon pulls", said))
    block = {"id": KEY, "value": said, "label": "human"}
    messages = [{"role": role, "content": said, "uuid": KEY} for role in ("user", "assistant")]
    episode = {"observation": said, "action": said, "result": said}
    own = {"state": said, "action": said, "answer": said, "lesson": said, "reward": 1}
    return {
        "claude-code": written(folder / "1.jsonl", claude),
        "codex": written(folder / "2.jsonl", codex),
        "langsmith": written(folder / "3.jsonl", [run, tool, feedback]),
        "langfuse": written(folder / "4.jsonl", [trace, langfuse_score(1, 1, name=said, comment=said, traceId=KEY)]),
        "openai-chat": written(folder / "5.jsonl", [chat]),
        "chatgpt": document(folder / "6.json", [conversation]),
        "mem0": document(folder / "7.json", {"results": [{"id": KEY, "memory": said, "user_id": "u"}]}),
        "langmem": document(folder / "8.json", [{"id": KEY, "content": episode}]),
        "letta": document(folder / "9.af", {"agents": [], "blocks": [block], "tools": []}),
        "zep": document(folder / "10.json", {"messages": messages, "facts": [said]}),
        "memento": written(folder / "11.jsonl", [own]),
        "reference": written(folder / "12.jsonl", [{"case": said, "plan": said, "case_label": "positive"}]),
    }


@pytest.mark.parametrize("kind", SOURCES)
async def test_no_secret_passes_the_door(kind: str, memory: CaseMemory, tmp_path: Path) -> None:
    file = (await asyncio.to_thread(secret_files, tmp_path))[kind]
    told: list[WaitingAttempt] = []
    shown: list[Any] = []
    await preview_records(
        kind,
        file,
        namespace="default",
        options=ImportOptions(reward=1.0),
        secrets=lambda: (OWN_SECRET,),
        on_record=lambda one: shown.append(one.as_arguments()),
    )
    await import_records(memory, kind, file, secrets=lambda: (OWN_SECRET,), on_waiting=told.append)
    report = await imported(memory, kind, file, reward=1.0)
    assert shown
    assert report.n_bad == 0
    cases = [case.model_dump() for case in await kept(memory)]
    assert cases
    everything = json.dumps([cases, shown, [one._asdict() for one in told], report.skipped])
    events = [await memory.views.event(one.event_id, namespace="default") for one in told]
    outcomes = [await memory.views.outcome(one.event_id, namespace="default") for one in told]
    everything += "".join(one.model_dump_json() for one in [*events, *outcomes] if one is not None)
    for secret in (KEY, OWN_SECRET, "abcd1234"):
        assert secret not in everything


async def test_no_secret_is_quoted_in_a_fault(memory: CaseMemory, tmp_path: Path) -> None:
    rows = [
        langsmith_run(1),
        langsmith_feedback(1, 7, key=KEY),
        langsmith_run(2),
        langsmith_feedback(2, None, value=KEY),
    ]
    report = await imported(memory, "langsmith", await write(tmp_path / "r.jsonl", rows))
    assert report.n_bad == 1
    assert report.skipped
    assert KEY not in json.dumps([report.skipped, [fault.problem for fault in report.faults]])


def nested(depth: int) -> Any:
    value: Any = "end"
    for _ in range(depth):
        value = {"content": value, "text": value, "messages": [value]} if depth < 12 else {"content": value}
    return value


def hostile_file(kind: str, folder: Path) -> Path:
    """A good file, then its rows with each field replaced by what does not belong there."""
    good = secret_files(folder)[kind]
    text = good.read_text()
    rows = [json.loads(line) for line in text.splitlines()] if good.suffix == ".jsonl" else [json.loads(text)]
    rows = rows[0] if isinstance(rows[0], list) else rows
    values = [None, 7, True, "", "\x00\ud800", [], {}, [[]], [None], nested(9), nested(300)]
    bad: list[Any] = [None, [], 7, "text"]
    bad += [row | {name: value} for row in rows for name in row for value in values]
    path = folder / f"hostile-{kind}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, *bad]))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOURCES)
async def test_hostile_rows_cost_themselves_only(kind: str, memory: CaseMemory, tmp_path: Path) -> None:
    path = await asyncio.to_thread(hostile_file, kind, tmp_path)
    report = await imported(memory, kind, path, reward=1.0)
    assert report.n_cases >= 1
    assert all("\x00" not in case.state + case.action + case.answer for case in await kept(memory))


def spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a JSON value other values are."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield (*path, name)
        yield from spots(one, (*path, name))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with another one at a place."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("kind", SOURCES)
def test_an_importer_survives_any_value_at_any_place(kind: str, tmp_path: Path) -> None:
    good, chance = secret_files(tmp_path)[kind], random.Random(kind)
    text = good.read_text()
    rows = [json.loads(line) for line in text.splitlines()] if good.suffix == ".jsonl" else [json.loads(text)]
    rows = rows[0] if isinstance(rows[0], list) else rows
    values = [None, 7, True, "", "\x00\ud800", [], {}, [[]], [None], [{}], {"a": 1}, float("inf"), 10**30, nested(30)]
    hostile = [put(row, path, chance.choice(values)) for row in rows for path in spots(row) for _ in range(4)]
    found = rows_of(kind, written(tmp_path / "hostile.jsonl", [*rows, *json.loads(json.dumps(hostile))]))
    assert any(row.record for row in found)


async def test_texts_of_any_length_are_bounded(memory: CaseMemory, tmp_path: Path) -> None:
    huge = "word " * 400_000
    chat = {"messages": [{"role": "user", "content": huge}, {"role": "assistant", "content": huge}]}
    await imported(memory, "openai-chat", await write(tmp_path / "c.jsonl", [chat]), reward=1.0)
    [case] = await kept(memory)
    assert len(case.state) <= 100_000
    assert len(case.action) <= 50_000
    assert (await imported(memory, "openai-chat", tmp_path / "c.jsonl", reward=1.0)).n_cases == 0


async def test_a_namespace_gets_only_what_is_imported_into_it(tmp_path: Path) -> None:
    file = await write(tmp_path / "own.jsonl", [{"state": "s", "action": "a", "reward": 1, "namespace": "theirs"}])
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), namespace="ours") as memory:
        await imported(memory, "memento", file)
        assert (await memory.views.counts(namespace="ours")).cases == 1
        assert (await memory.views.counts(namespace="theirs")).cases == 0


@pytest.mark.parametrize("kind", SOURCES)
async def test_a_file_of_another_kind_is_refused_with_what_it_is(kind: str, memory: CaseMemory, tmp_path: Path) -> None:
    files = await asyncio.to_thread(secret_files, tmp_path)
    others = [(name, file) for name, file in files.items() if name != kind]
    for name, file in others:
        with pytest.raises(InvalidInput, match=f"is not of the kind {kind}") as refused:
            await imported(memory, kind, file)
        assert f"looks like {name}" in str(refused.value)
    assert await kept(memory) == []


async def test_files_of_another_kind_in_a_folder_are_named(memory: CaseMemory, tmp_path: Path) -> None:
    await write(tmp_path / "a.jsonl", claude_session(1))
    await write(tmp_path / "b.jsonl", [chat_row(1)])
    report = await imported(memory, "claude-code", tmp_path)
    assert (report.n_waiting, [one.name for one in report.other_files]) == (1, ["b.jsonl"])


@pytest.mark.parametrize(
    "options",
    [
        {"reward": 2.0},
        {"score_range": (1.0, 1.0)},
        {"score_range": (0.0, float("inf"))},
        {"labels": {"a": -1}},
        {"score": "nowhere"},
    ],
)
async def test_options_that_make_no_outcome_are_refused(
    options: dict[str, Any], memory: CaseMemory, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput):
        await imported(memory, "openai-chat", await write(tmp_path / "c.jsonl", [chat_row(1)]), **options)
