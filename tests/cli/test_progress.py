"""How a run looks: a tree on a terminal, indented lines in a pipe, JSON for programs."""

import json
from pathlib import Path
from typing import Any

import pytest

from memento.cli.progress import RunView, summary

CASE = {"id": "c", "state": "an [old] task", "reward": 1.0, "similarity": 0.9}
EVENTS: list[dict[str, Any]] = [
    {"event": "cases", "policy": "similarity", "cases": [CASE, {**CASE, "reward": 0.0}]},
    {
        "event": "plan",
        "cycle": 1,
        "plan": [
            {"id": "1", "description": "look [it] up " + "x" * 200, "depends_on": []},
            {"id": "2", "description": "check", "depends_on": ["1"]},
        ],
    },
    {"event": "subtask", "cycle": 1, "subtask": {"id": "1"}},
    {"event": "tool", "cycle": 1, "subtask": "1", "name": "search_files", "args": {"query": "[bold]"}},
    {"event": "result", "result": {"cycle": 1, "id": "1", "result": "found\nit", "ended_by": "", "is_complete": True}},
    {
        "event": "result",
        "result": {"cycle": 1, "id": "2", "result": "half", "is_complete": False, "ended_by": "max_seconds"},
    },
    {"event": "reward", "reward": None, "evaluator": "none"},
    {"event": "written", "case_id": None},
    {"event": "something new"},
]
VALUES: dict[str, Any] = {
    "answer": "[42]",
    "event_id": "e",
    "notices": ["no [engine]\nhere"],
    "cases": [CASE],
    "artefacts": ["a [1].png"],
}


def shown(*, as_json: bool = False) -> None:
    with RunView(thread="t", folder=Path("files/t"), as_json=as_json) as view:
        for event in EVENTS:
            view.show(event)
        view.finish(VALUES)


def test_lines_are_indented_and_plain_when_piped(capsys: pytest.CaptureFixture[str]) -> None:
    shown()
    out, err = capsys.readouterr()
    assert out == "[42]\n"
    lines = err.splitlines()
    assert lines[:4] == [
        "thread t",
        "  2 cases from memory (similarity)",
        "    0.90 worked an [old] task",
        "    0.90 failed an [old] task",
    ]
    assert lines[4] == "  plan 1"
    assert lines[5].startswith("    1. look [it] up xxx")
    assert len(lines[5]) < 120  # one line, cut
    assert lines[6:] == [
        "    2. check after 1",
        "      search_files(query='[bold]')",
        "      ✓ found it",
        "      ended early (max_seconds): half",
        "  reward unknown (none)",
        "note: no [engine] here",
        "made: files/t/a [1].png",
        "was it right? memento feedback e 1 (or 0)",
    ]


def test_nothing_but_json_lines_is_printed_when_json_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    shown(as_json=True)
    out, err = capsys.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [
        *EVENTS,
        summary(VALUES, thread="t", folder=Path("files/t")),
    ]
    assert err == ""


@pytest.mark.parametrize("columns", [24, 80])
def test_every_line_fits_when_the_terminal_is_narrow(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": str(columns)}.items():
        monkeypatch.setenv(name, value)
    shown()
    picture = capsys.readouterr().err
    assert "\x1b[3" not in picture  # no colours
    assert "ended early" in picture
    last = picture[picture.rindex("thread t") :]
    assert all(len(line) <= columns for line in last.splitlines() if "\x1b" not in line)


def test_the_waiting_question_says_how_to_go_on_when_nobody_can_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with RunView(thread="t", folder=Path("files/t"), as_json=False) as view:
        assert view.ask({"kind": "approve_plan"}) is None  # stdin is no terminal
        assert view.wait_for({"kind": "approve_plan"}) == 1
        view.wait_for({"kind": "reward"})
    said = capsys.readouterr().err
    assert "memento ask --resume t --reply approve" in said
    assert "memento ask --resume t --reply 1" in said


def test_the_summary_has_every_promised_key_when_a_run_ended_early() -> None:
    promised = {"answer", "reward", "case_id", "event_id", "cases_used", "policy", "cycles", "usage"}
    assert summary({}, thread="t", folder=Path("files/t")).keys() >= promised
