"""Importers of other memories: facts are no attempts, episodes have an unknown outcome; and our own files."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.export_files import document, records, rows_of, written

MEM0 = {"id": "m1", "memory": "Prefers window seats", "user_id": "u", "metadata": {}, "created_at": "2026-01-01"}
EPISODE = {
    "observation": "Asked for a regular expression for dates",
    "thoughts": "Named groups read better",
    "action": "Gave one with named groups and an example",
    "result": "It was understood at once",
}


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("mem0", {"results": [MEM0], "relations": []}, "Prefers window seats"),
        ("mem0", [MEM0], "Prefers window seats"),
        ("mem0", MEM0, "Prefers window seats"),
        (
            "langmem",
            [{"namespace": ["memories"], "key": "k", "value": {"kind": "Memory", "content": {"content": "Likes tea"}}}],
            "Likes tea",
        ),
        (
            "langmem",
            {"items": [{"namespace": ["m"], "key": "k", "value": {"kind": "Memory", "content": "Likes tea"}}]},
            "Likes tea",
        ),
        ("letta", {"id": "p", "text": "The office is in Lima", "agent_id": "a"}, "The office is in Lima"),
        (
            "zep",
            {"edges": [{"uuid": "e", "fact": "Ann likes tea", "valid_at": "2026"}]},
            "Ann likes tea",
        ),
        ("zep", {"facts": ["Ann likes tea"]}, "Ann likes tea"),
    ],
)
def test_a_fact_is_known_as_one_and_has_no_outcome(kind: str, value: Any, text: str, tmp_path: Path) -> None:
    [record] = records(kind, document(tmp_path / "export.json", value))
    assert (record.state, record.action) == (text, f"Keep in mind: {text}")
    assert (record.is_fact, record.reward) == (True, None)


def test_a_fact_that_no_longer_holds_is_left_out(tmp_path: Path) -> None:
    edges = [{"uuid": "e", "fact": "Ann lives in Lima", "invalid_at": "2026-02-01"}]
    rows = rows_of("zep", document(tmp_path / "export.json", {"edges": edges}))
    assert [(row.record, row.skipped) for row in rows] == [(None, "facts that are no longer valid")]


@pytest.mark.parametrize(
    "value",
    [
        [{"namespace": ["m"], "key": "k1", "value": {"kind": "Episode", "content": EPISODE}, "created_at": "2026"}],
        [{"id": "k1", "content": EPISODE}],
    ],
)
def test_an_episode_is_an_attempt_of_unknown_outcome(value: Any, tmp_path: Path) -> None:
    [record] = records("langmem", document(tmp_path / "export.json", value))
    assert (record.state, record.action) == (EPISODE["observation"], EPISODE["action"])
    assert (record.reward, record.lesson, record.is_fact) == (None, EPISODE["result"], False)


def test_the_conversation_of_a_letta_agent_is_read_without_events_and_thoughts(tmp_path: Path) -> None:
    def text(words: str) -> list[dict[str, str]]:
        return [{"type": "text", "text": words}]

    prompt = json.dumps({"type": "user_message", "message": "Who am I?", "time": "2026-01-01"})
    login = json.dumps({"type": "login", "last_login": "never", "time": "2026-01-01"})
    search = {
        "id": "1",
        "type": "function",
        "function": {"name": "archival_memory_search", "arguments": '{"query": "me"}'},
    }
    reply = {
        "id": "2",
        "type": "function",
        "function": {"name": "send_message", "arguments": '{"message": "You are Ann"}'},
    }
    messages = [
        {"id": "m0", "role": "system", "content": text("You are Sam")},
        {"id": "m1", "role": "user", "content": text(login)},
        {"id": "m2", "role": "user", "content": text(prompt)},
        {"id": "m3", "role": "assistant", "content": text("I should look"), "tool_calls": [search]},
        {"id": "m4", "role": "tool", "content": text("Ann"), "tool_call_id": "1"},
        {"id": "m5", "role": "assistant", "content": text("I can tell"), "tool_calls": [reply]},
    ]
    agent = {
        "agents": [{"id": "agent-0", "messages": messages}],
        "blocks": [{"id": "b", "label": "human", "value": "Ann"}],
        "tools": [],
    }
    attempt, fact = records("letta", document(tmp_path / "agent.af", agent))
    assert (attempt.state, attempt.answer) == ("Who am I?", "You are Ann")
    assert attempt.action == '1. archival_memory_search: {"query": "me"}'
    assert (fact.state, fact.is_fact) == ("Ann", True)


@pytest.mark.parametrize("roles", [("user", "assistant"), ("Ann", "helper")])
def test_a_zep_session_is_read_by_role_or_role_type(roles: tuple[str, str], tmp_path: Path) -> None:
    types = ("user", "assistant")
    messages = [
        {"uuid": f"m{at}", "role": role, "role_type": kind, "content": text, "created_at": "2026"}
        for at, (role, kind, text) in enumerate(zip(roles, types, ("Where is Ulm?", "In Germany"), strict=True))
    ]
    [record] = records("zep", document(tmp_path / "session.json", {"messages": messages, "row_count": 2}))
    assert (record.state, record.action, record.reward) == ("Where is Ulm?", "In Germany", None)


def test_our_own_export_and_the_references_files_are_read(tmp_path: Path) -> None:
    own = {"state": "s", "action": "a", "reward": 0.5, "lesson": "l", "status": "retired", "version": 7}
    [record] = records("memento", written(tmp_path / "own.jsonl", [own]))
    assert (record.reward, record.lesson, record.is_retired) == (0.5, "l", True)
    rows = [
        {"case": "c", "plan": "p", "case_label": "negative"},
        {"question": "q", "plan": "p", "reward": 1},
        {"case": "c2", "plan": "p", "case_label": "positive", "query": "other", "truth_label": False},
    ]
    assert [one.reward for one in records("reference", written(tmp_path / "ref.jsonl", rows))] == [0.0, 1.0, 1.0]
