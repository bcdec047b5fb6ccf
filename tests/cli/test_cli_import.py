"""`memento import`: what it says, what it writes, and that it can be killed and repeated."""

import asyncio
import re
import signal
import sqlite3
from pathlib import Path

import pytest

from memento.integrations.importers.registry import SOURCES
from tests.commands import Finished, ended, environment, invoke, memento, started
from tests.export_files import (
    chat_row,
    claude_session,
    langfuse_score,
    langfuse_trace,
    langsmith_feedback,
    langsmith_run,
    written,
)

pytestmark = pytest.mark.allow_blocking("a command has its event loop to itself")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two scored runs, one without a score, a line that is no JSON and one that is something else."""
    rows = [langsmith_run(number) for number in range(3)] + [langsmith_feedback(0, 0), langsmith_feedback(1, 1)]
    file = written(tmp_path / "runs.jsonl", rows)
    file.write_bytes(file.read_bytes() + b'{bad\n{"hello": 1}\n')
    return file


def scored(n: int, folder: Path) -> Path:
    rows = [row for number in range(n) for row in (langsmith_run(number), langsmith_feedback(number, number % 2))]
    return written(folder / "many.jsonl", rows)


def stats() -> dict[str, object]:
    return invoke("cases", "stats", "--json").lines[-1]


def test_cases_are_kept_and_everything_else_is_told(runs: Path) -> None:
    done = invoke("import", "langsmith", str(runs))
    assert (done.code, done.out) == (0, "")
    assert re.findall(r"runs.jsonl:(\d+): (\w+ \w+)", done.err) == [("6", "not JSON"), ("7", "neither a")]
    assert "2 new cases in quarantine, 1 new attempts of unknown outcome wait for feedback, 0 already there" in done.err
    assert "`memento cases release --from langsmith` releases them" in done.err
    assert stats().items() >= {"cases": 2, "positive": 1, "negative": 1, "events": 1, "unknown": 1}.items()


def test_the_report_is_json_when_asked_for(runs: Path) -> None:
    lines = invoke("import", "langsmith", str(runs), "--json").lines
    assert [line["event"] for line in lines] == ["waiting", "bad_row", "bad_row", "imported"]
    assert lines[0]["task"] == "What is the capital of country 2?"
    assert lines[-1].items() >= {"read": 3, "quarantined": 2, "waiting": 1, "already_there": 0, "bad": 2}.items()
    again = invoke("import", "langsmith", str(runs), "--json").lines[-1]
    assert again.items() >= {"read": 3, "quarantined": 0, "waiting": 0, "already_there": 3}.items()


def test_imported_cases_are_released_by_their_kind(runs: Path) -> None:
    invoke("import", "langsmith", str(runs))
    held = invoke("cases", "list", "--json").lines[0]["id"]
    for verb in ("release", "quarantine"):
        assert invoke("cases", verb, held, "--reason", "I looked at it").code == 0
    done = invoke("cases", "release", "--from", "langsmith", "--json")
    assert done.lines[-1].items() >= {"event": "release", "changed": 1}.items()
    assert sorted(case["status"] for case in invoke("cases", "list", "--json").lines) == ["active", "quarantined"]
    assert "no case of langsmith waits" in invoke("cases", "release", "--from", "langsmith").err
    assert invoke("cases", "undo", done.lines[-1]["batches"][0]).code == 0


@pytest.mark.parametrize("words", [[], ["abc", "--from", "langsmith"], ["--from", "nothing"]])
def test_a_release_of_nothing_or_of_both_is_refused(words: list[str]) -> None:
    assert invoke("cases", "release", *words).code == 2


def test_feedback_on_an_attempt_that_waits_makes_its_case(runs: Path) -> None:
    [waiting] = [
        line for line in invoke("import", "langsmith", str(runs), "--json").lines if line["event"] == "waiting"
    ]
    assert invoke("feedback", waiting["event_id"], "0.5").code == 0
    assert stats().items() >= {"cases": 3, "unknown": 0, "n_outcomes": 0}.items()


def test_a_dry_run_writes_nothing(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "untouched"
    monkeypatch.setenv("MEMENTO_HOME", str(home))
    before = sorted(tmp_path.rglob("*"))
    done = invoke("import", "langsmith", str(runs), "--dry-run")
    assert "would import 2 cases into quarantine, 1 attempts of unknown outcome" in done.err
    assert done.err.endswith("nothing was written\n")
    told = invoke("import", "langsmith", str(runs), "--dry-run", "--json").lines
    assert [line["reward"] for line in told if line["event"] == "would_import"] == [0.0, 1.0, None]
    assert told[-1]["event"] == "would_have_imported"
    assert sorted(tmp_path.rglob("*")) == before
    assert not home.exists()
    waiting = next(line for line in told if line.get("event_id"))
    assert invoke("import", "langsmith", str(runs), "--json").lines[0]["event_id"] == waiting["event_id"]


@pytest.mark.parametrize("is_dry", [True, False])
def test_an_unknown_kind_is_refused_with_all_kinds(is_dry: bool, runs: Path) -> None:
    done = invoke("import", "langsmiht", str(runs), *(["--dry-run"] if is_dry else []))
    assert done.code == 2
    assert "did you mean langsmith?" in done.err
    assert all(kind in done.err for kind in SOURCES)


def test_a_file_of_another_kind_is_refused_with_what_it_is(runs: Path) -> None:
    done = invoke("import", "claude-code", str(runs))
    assert done.code == 2
    assert "the keys id, trace_id, parent_run_id" in done.err
    assert "It looks like langsmith." in done.err
    assert stats()["cases"] == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"a,b\n1,2\n", "no JSON object"), (b"\xff\xfe{\x00", "UTF-16"), (b"[1, 2]", "no JSON object")],
)
def test_a_file_without_records_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    file.write_bytes(content)
    done = invoke("import", "openai-chat", str(file))
    assert (done.code, said in done.err) == (2, True), done.err


def refusal(*args: str) -> Finished:
    done = invoke("import", *args)
    assert done.code == 2
    return done


def test_options_that_make_no_sense_are_refused(runs: Path, tmp_path: Path) -> None:
    file = str(runs)
    assert "no extent" in refusal("langsmith", file, "--range", "1", "1").err
    assert "NAME=REWARD" in refusal("langsmith", file, "--label", "good").err
    assert "between 0 and 1" in refusal("langsmith", file, "--label", "good=7").err
    assert "reward" in refusal("langsmith", file, "--reward", "2").err
    assert "there is no file" in refusal("langsmith", str(tmp_path / "none")).err


def test_a_scale_and_labels_are_given_on_the_command_line(tmp_path: Path) -> None:
    rows = [langfuse_trace(number) for number in range(3)]
    rows += [langfuse_score(0, 1), langfuse_score(1, 5), langfuse_score(2, 2, name="tone", kind="CATEGORICAL")]
    rows[-1]["stringValue"] = "rude"
    file = str(written(tmp_path / "t.jsonl", rows))
    assert "--range" in invoke("import", "langfuse", file).err
    done = invoke("import", "langfuse", file, "--range", "1", "5", "--label", "rude=0.1", "--json")
    assert done.lines[-1].items() >= {"quarantined": 3, "bad": 0}.items()
    rewards = {case["state"]: case["reward"] for case in invoke("cases", "list", "--json").lines}
    assert rewards == {"Translate sentence 0": 0.0, "Translate sentence 1": 1.0, "Translate sentence 2": 0.1}


def test_everything_lands_in_the_namespace_that_was_named(runs: Path) -> None:
    invoke("import", "langsmith", str(runs), "-n", "theirs")
    assert stats()["cases"] == 0
    assert invoke("cases", "stats", "-n", "theirs", "--json").lines[-1]["cases"] == 2


def test_a_secret_of_this_machine_is_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "words-without-any-shape")
    row = chat_row(1)
    row["messages"][1]["content"] = "log in with words-without-any-shape"
    invoke("import", "openai-chat", str(written(tmp_path / "c.jsonl", [row])), "--reward", "1")
    [case] = invoke("cases", "list", "--json").lines
    assert case["state"] == "log in with ***"


def test_a_folder_of_transcripts_is_walked(tmp_path: Path) -> None:
    for number in range(3):
        written(tmp_path / "projects" / f"-app-{number}" / "s.jsonl", claude_session(2, first=2 * number))
    done = invoke("import", "claude-code", str(tmp_path / "projects"), "--json")
    assert done.lines[-1].items() >= {"waiting": 6, "quarantined": 0}.items()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
async def test_an_import_is_complete_and_nothing_doubled_when_killed_and_repeated(
    number: signal.Signals, tmp_path: Path
) -> None:
    env, n = environment(tmp_path / "home"), 1500
    file, ledger = scored(n, tmp_path), tmp_path / "home" / "ledger.sqlite"
    at_least = 100
    for _ in range(3):
        process = await started("import", "langsmith", str(file), env=env)
        while (n_before := _n_rows(ledger)) < at_least:
            assert process.returncode is None
            await asyncio.sleep(0.02)
        process.send_signal(number)
        done = await ended(process)
        assert done.code == (130 if number == signal.SIGINT else -signal.SIGKILL)
        if number == signal.SIGINT:
            assert re.fullmatch(r"interrupted after \d+ records, which are kept; .*\n", done.err)
        n_kept = _n_rows(ledger)
        assert n_before <= n_kept < n
        at_least = n_kept + 100
    rest = await memento("import", "langsmith", str(file), "--json", env=env)
    expected = {"read": n, "quarantined": n - n_kept, "already_there": n_kept, "waiting": 0, "bad": 0}
    assert rest.lines[-1].items() >= expected.items()
    assert (_n_rows(ledger), _n_rows(ledger, "count(DISTINCT case_id)")) == (n, n)
    again = await memento("import", "langsmith", str(file), "--json", env=env)
    assert again.lines[-1].items() >= {"quarantined": 0, "already_there": n}.items()
    assert _n_rows(ledger) == n


def _n_rows(ledger: Path, what: str = "count(*)") -> int:
    if not ledger.exists():
        return 0
    with sqlite3.connect(ledger) as connection:
        try:
            (n,) = connection.execute(f"SELECT {what} FROM case_revisions").fetchone()  # noqa: S608
        except sqlite3.OperationalError:  # not made yet
            return 0
    return int(n)
