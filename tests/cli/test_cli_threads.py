"""`memento threads`: what there is, and what goes."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from memento.graph.settings import Settings
from tests.commands import assistant, invoke, serving

pytestmark = pytest.mark.allow_blocking("a command has its event loop to itself")

OLD = ("--older-than", "0")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """One thread that has ended, with a file; one that waits; a folder of somebody else's thread."""
    with serving(assistant()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("MEMENTO_ENCODER", "openai:stub")
        assert invoke("ask", "what is six times seven", "-r", "42", "--thread", "ended", "-a", __file__).code == 0
        assert invoke("ask", "what is six times eight", "--thread", "waiting", "--approve-plan").code == 1
        (runs() / "of-a-server").mkdir()
        (runs() / "of-a-server" / "made.txt").write_text("made")
        yield


def runs() -> Path:
    return Settings().workspace / "runs"


def listed(*words: str) -> list[str]:
    return [line["thread"] for line in invoke("threads", *words, "--json").lines if line["event"] == "thread"]


def test_threads_are_listed_newest_first(asked: None) -> None:
    waiting, ended = invoke("threads", "list", "--json").lines
    assert (waiting["thread"], waiting["state"], waiting["waits_for"]) == ("waiting", "waits", ["approve_plan"])
    assert (ended["thread"], ended["state"], ended["task"]) == ("ended", "ended", "what is six times seven")
    assert ended["bytes"] == Path(__file__).stat().st_size
    done = invoke("threads", "list", "--limit", "1")
    assert "waits for approve_plan" in done.out
    assert "ended" not in done.out
    assert done.err == "older ones: 1; --limit shows more\n"


def test_an_empty_home_says_so() -> None:
    done = invoke("threads", "list")
    assert (done.code, done.out, done.err) == (0, "", "there are no threads yet\n")
    assert invoke("threads", "prune", *OLD, "--yes", "--folders").code == 0


def test_nothing_goes_before_it_is_meant(asked: None) -> None:
    for words in ((), ("--yes", "--dry-run")):
        done = invoke("threads", "prune", *OLD, "--unfinished", "--folders", *words)
        assert done.code == 0
        assert done.err.startswith("would go: 3, with files of ")
        assert [line.split()[0] for line in done.out.splitlines()[1:]] == ["waiting", "ended", "of-a-server"]
    assert listed("list") == ["waiting", "ended"]
    assert (runs() / "of-a-server" / "made.txt").exists()


def test_young_threads_stay(asked: None) -> None:
    assert invoke("threads", "prune", "--yes", "--unfinished", "--folders", "--json").lines == [
        {"event": "pruned", "threads": 0, "bytes": 0}
    ]
    assert listed("list") == ["waiting", "ended"]


def test_what_could_go_on_stays_unless_it_is_named(asked: None) -> None:
    assert listed("prune", *OLD, "--yes") == ["ended"]
    assert listed("list") == ["waiting"]
    assert [path.name for path in runs().iterdir()] == ["of-a-server"]
    assert invoke("ask", "--resume", "waiting", "--reply", "approve").out == "forty-two\n"


def test_what_was_learned_stays_when_all_goes(asked: None) -> None:
    *_, last = invoke("threads", "prune", *OLD, "--yes", "--unfinished", "--folders", "--json").lines
    assert (last["event"], last["threads"]) == ("pruned", 3)
    assert listed("list") == []
    assert list(runs().iterdir()) == []
    assert invoke("cases", "stats", "--json").lines[-1].items() >= {"cases": 1, "events": 2}.items()


def test_a_damaged_file_is_named() -> None:
    home = Settings().folder
    home.mkdir(parents=True)
    (home / "threads.sqlite").write_bytes(b"no database " * 500)
    done = invoke("threads", "list")
    assert (done.code, done.out) == (1, "")
    assert f"the threads in {home / 'threads.sqlite'} cannot be opened: file is not a database" in done.err
    assert "move the file away" in done.err


@pytest.mark.parametrize("days", ["-1", "nan", "1e300", "x"])
def test_exit_2_when_days_are_none(days: str) -> None:
    done = invoke("threads", "prune", "--older-than", days)
    assert (done.code, done.out) == (2, "")
    assert "--older-than" in done.err


@pytest.fixture
def damaged(asked: None) -> None:
    """The thread `ended` can no longer be read."""
    with closing(sqlite3.connect(Settings().threads)) as connection:
        connection.execute("UPDATE checkpoints SET checkpoint = X'c1c1' WHERE thread_id = 'ended'")
        connection.commit()


def test_a_damaged_thread_is_listed_as_such_beside_the_others(damaged: None) -> None:
    done = invoke("threads", "list", "--json")
    waiting, ended = done.lines
    assert (done.code, waiting["thread"], waiting["state"]) == (1, "waiting", "waits")
    assert (ended["thread"], ended["state"]) == ("ended", "damaged")
    assert "damaged" in ended["problem"]
    shown = invoke("threads", "list")
    assert shown.code == 1
    assert "ended: its last checkpoint is damaged" in shown.err
    assert "unexpected error" not in shown.err


def test_a_damaged_thread_is_left_unless_it_is_asked_for(damaged: None) -> None:
    done = invoke("threads", "prune", *OLD, "--unfinished", "--yes", "--json")
    assert (done.code, [line.get("thread") for line in done.lines]) == (1, ["waiting", None])
    assert "ended: its last checkpoint is damaged" in done.err
    assert "--damaged removes it" in done.err
    assert listed("list") == ["ended"]
    assert listed("prune", *OLD, "--damaged", "--yes") == ["ended"]
    assert listed("list") == []
    assert [path.name for path in runs().iterdir()] == ["of-a-server"]


def test_a_run_on_a_damaged_thread_says_what_to_do(damaged: None) -> None:
    for words in (("--resume", "ended"), ("and six times nine", "--thread", "ended")):
        done = invoke("ask", *words)
        assert (done.code, done.out) == (1, "")
        assert "thread 'ended' cannot be read" in done.err
        assert "threads prune --damaged" in done.err
