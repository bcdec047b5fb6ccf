"""`memento cases erase` and `expire`: what goes, what stays, and what is refused."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from memento.graph.settings import Settings
from tests.commands import assistant, invoke, serving

pytestmark = pytest.mark.allow_blocking("a command has its event loop to itself")

WORD = "Xanadu"
KEYS = {"event", "cases", "events", "outcomes", "audit_lines", "vectors", "pictures", "erasure"}
KEYS |= {"threads", "unfinished", "copies"}


@pytest.fixture
def three(tmp_path: Path) -> list[str]:
    """Three imported cases, one with the word; ids by number."""
    return imported(tmp_path, f"Where is {WORD}?", "Who built Cusco?", "Where is Lima?")


def imported(folder: Path, *tasks: str, namespace: str = "default") -> list[str]:
    file = folder / f"{namespace}.jsonl"
    file.write_text("".join(json.dumps({"question": task, "plan": "look", "reward": 1}) + "\n" for task in tasks))
    assert invoke("cases", "import", str(file), "--namespace", namespace).code == 0
    file.unlink()
    listed = invoke("cases", "list", "--json", "--namespace", namespace).lines
    by_state = {line["state"]: line["id"] for line in listed if "state" in line}
    return [by_state[task] for task in tasks]


def n_cases(namespace: str = "default") -> int:
    found: int = invoke("cases", "stats", "--json", "--namespace", namespace).lines[-1]["cases"]
    return found


def erased(*words: str) -> dict[str, Any]:
    done = invoke("cases", *words, "--json")
    assert done.code == 0, done.err
    return done.lines[-1]


def holders() -> list[str]:
    files = [path for path in Settings().folder.rglob("*") if path.is_file()]
    return sorted(path.name for path in files if WORD.lower().encode() in path.read_bytes().lower())


def test_nothing_changes_before_it_is_meant(three: list[str]) -> None:
    for words in ((), ("--dry-run",), ("--yes", "--dry-run")):
        line = erased("erase", "--matching", WORD.upper(), *words)
        assert (line["event"], line["cases"], line["erasure"]) == ("plan", 1, None)
        assert set(line) == KEYS
    done = invoke("cases", "erase", "--matching", WORD)
    assert done.code == 0
    assert done.out == ""
    assert done.err.startswith("would be erased: cases: 1, readings: 0, ")
    assert done.err.endswith("nothing was changed, --yes does it, and it cannot be undone\n")
    assert n_cases() == 3
    assert invoke("cases", "erase", "--matching", "Atlantis", "--yes").err == "nothing to erase\n"


def test_what_matches_is_in_no_file_afterwards(three: list[str]) -> None:
    assert holders() != []
    line = erased("erase", "--matching", WORD.lower(), "--yes")
    assert set(line) == KEYS
    assert (line["event"], line["cases"], line["unfinished"], line["copies"]) == ("erased", 1, [], [])
    assert line["vectors"] > 0
    assert (n_cases(), holders()) == (2, [])


def test_a_case_and_a_namespace_go_by_name(three: list[str], tmp_path: Path) -> None:
    imported(tmp_path, "Where is Quito?", namespace="alice")
    imported(tmp_path, "Where is Bogota?", "Who built it?", namespace="bob")
    assert erased("erase", "--case", three[0], "--case", three[1][:8], "--yes")["cases"] == 2
    assert erased("erase", "--namespace", "alice", "--yes")["cases"] == 1
    assert erased("erase", "--all", "--namespace", "bob", "--yes")["cases"] == 2
    assert [n_cases(one) for one in ("default", "alice", "bob")] == [1, 0, 0]
    assert erased("erase", "--all", "--yes")["cases"] == 1
    assert n_cases() == 0


def test_what_is_not_there_or_not_said_is_refused(three: list[str]) -> None:
    for words, why in (
        ((), "say what to erase: --event, --case, --matching, --all, or a --namespace alone"),
        (("--matching", " "), "blank"),
        (("--case", "0" * 32), "0" * 32),
        (("--event", "no-such-event"), "no-such-event"),
        (("--case", three[0], "--namespace", "alice"), three[0]),
    ):
        done = invoke("cases", "erase", *words, "--yes")
        assert (done.code, done.out) == (2, ""), words
        assert why in done.err
    assert n_cases() == 3


@pytest.mark.slow
def test_a_run_goes_with_its_thread_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("made of stone")
    with serving(assistant()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        for thread, task in (("other", "what is six times seven"), ("mine", f"where is {WORD}")):
            assert invoke("ask", task, "-r", "42", "--thread", thread, "-a", str(notes)).code == 0
    with closing(sqlite3.connect(Settings().folder / "ledger.sqlite")) as database:
        rows = database.execute("SELECT event_id, body FROM events").fetchall()
    (event,) = [event_id for event_id, body in rows if WORD in body]
    assert erased("erase", "--event", event, "--yes")["threads"] == 1
    assert [line["thread"] for line in invoke("threads", "list", "--json").lines] == ["other"]
    assert [path.name for path in (Settings().workspace / "runs").iterdir()] == ["other"]
    assert holders() == []
    done = invoke("cases", "erase", "--event", event)
    assert (done.code, done.err) == (0, "nothing to erase\n")


def test_a_conversation_that_was_served_an_erased_case_goes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(assistant()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        for thread, task in (("mine", f"where is {WORD}"), ("later", "what is six times seven")):
            assert invoke("ask", task, "-r", "42", "--thread", thread).code == 0
    with closing(sqlite3.connect(Settings().folder / "ledger.sqlite")) as database:
        rows = database.execute("SELECT event_id, body FROM events").fetchall()
    (event,) = [event_id for event_id, body in rows if WORD in body]
    assert holders() != []
    assert erased("erase", "--event", event, "--yes")["cases"] == 1
    assert invoke("threads", "list", "--json").lines == []
    assert holders() == []


def test_what_is_old_expires(three: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    done = invoke("cases", "expire", "--yes")
    assert done.code == 2
    assert "no retention age is set for namespace 'default'; set MEMENTO_RETENTION_DAYS" in done.err
    monkeypatch.setenv("MEMENTO_RETENTION_DAYS", "alice=7")
    assert invoke("cases", "expire", "--yes").code == 2
    for text in ("30", "alice=0.000001,default=30"):
        monkeypatch.setenv("MEMENTO_RETENTION_DAYS", text)
        assert erased("expire", "--yes")["cases"] == 0
    assert erased("expire", "--older-than", "0")["event"] == "plan"
    assert n_cases() == 3
    monkeypatch.setenv("MEMENTO_RETENTION_DAYS", "default=0.00000001,30")
    assert erased("expire", "--yes")["cases"] == 3
    assert n_cases() == 0


def test_a_wrong_age_is_refused_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_RETENTION_DAYS", "alice:7")
    for words in (("cases", "expire"), ("doctor",)):
        done = invoke(*words)
        assert done.code != 0
        assert "MEMENTO_RETENTION_DAYS" in done.out + done.err
        assert "write 30, or alice=7,bob=90" in " ".join((done.out + done.err).split())
