"""`memento cases`: import, export, list, show, stats, reindex, on the embedded engine and the packaged encoder."""

import asyncio
import base64
import json
import re
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.commands import MEMENTO, Finished, ended, environment, invoke, memento, started
from tests.screens import HERE

pytestmark = pytest.mark.allow_blocking("a command has its event loop to itself")

MIXED = """\
{"case": "Capital of Peru?", "plan": "{\\"plan\\": [{\\"description\\": \\"look\\"}]}", "case_label": "positive"}
{bad

{"case": "b", "plan": "p", "case_label": "meh"}
{"question": "What is [red]one[/red] and one?", "plan": "add", "reward": 0}
[1]
"""


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    file = tmp_path / "mixed.jsonl"
    file.write_bytes(MIXED.encode() + b"\xff\n")
    return file


def many(n: int, folder: Path, *, plan: str = "p") -> Path:
    file = folder / "many.jsonl"
    rows = ({"question": f"Who wrote book {i}, the one on {i * 7}?", "plan": plan, "reward": 1} for i in range(n))
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def stats() -> dict[str, object]:
    return invoke("cases", "stats", "--json").lines[-1]


def test_good_lines_are_kept_and_bad_ones_named_when_a_file_has_both(mixed: Path) -> None:
    done = invoke("cases", "import", str(mixed))
    assert (done.code, done.out) == (0, "")
    assert re.findall(r"mixed.jsonl:(\d+): (\S+ \S+)", done.err) == [
        ("2", "not JSON:"),
        ("4", "`case_label` must"),
        ("6", "not a"),
        ("7", "not UTF-8"),
    ]
    assert done.err.endswith("2 new cases, 0 already there, 4 bad lines skipped\n")
    assert stats().items() >= {"cases": 2, "positive": 1, "negative": 1, "unknown": 0, "events": 0}.items()


def test_pictures_are_in_exports_and_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    picture = {"base64": base64.b64encode(HERE).decode()}
    rows = [{"state": "Go.", "action": "a", "reward": 1, "picture": one} for one in (picture, {"base64": "?"})]
    first.write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setenv("MEMENTO_IMAGE_ENCODER", "thumbnail")
    done = invoke("cases", "import", str(first), "--json")
    assert [line.get("problem", line.get("imported")) for line in done.lines] == [
        "`picture` is a text that is not base64; give the bytes of the image",
        1,
    ]
    assert invoke("cases", "export", str(second)).code == 0
    (row,) = map(json.loads, second.read_text().splitlines())
    assert (row["picture"]["base64"], row["picture"]["media_type"]) == (picture["base64"], "image/png")
    loaded = invoke("cases", "load", str(second), "--json", "--unchecked", "--workers", "0")
    assert "`memento cases import` does" in loaded.out


def test_nothing_is_added_when_a_file_is_imported_again(mixed: Path) -> None:
    invoke("cases", "import", str(mixed))
    again = invoke("cases", "import", str(mixed), "--json")
    assert [line["line"] for line in again.lines[:-1]] == [2, 4, 6, 7]
    assert (
        again.lines[-1].items() >= {"event": "imported", "read": 2, "imported": 0, "already_there": 2, "bad": 4}.items()
    )
    assert stats()["cases"] == 2


@pytest.mark.parametrize(("content", "code"), [(b"", 0), (b"\n\n", 0), (b"\x00\xff\n", 2), (b"[1]", 2)])
def test_an_import_of_nothing_good_is_bad_input_when_there_was_something(
    content: bytes, code: int, tmp_path: Path
) -> None:
    file = tmp_path / "poor.jsonl"
    file.write_bytes(content)
    assert invoke("cases", "import", str(file)).code == code


def test_a_sentence_says_why_when_a_file_cannot_be_read_or_written(tmp_path: Path) -> None:
    def refusal(*args: str) -> Finished:
        done = invoke("cases", *args)
        assert (done.code, done.out) == (2, "")
        return done

    assert "there is no file" in refusal("import", str(tmp_path / "none")).err
    assert "is not a file" in refusal("import", str(tmp_path)).err
    assert "is a folder" in refusal("export", str(tmp_path)).err
    assert "there is no folder" in refusal("export", str(tmp_path / "none" / "x")).err
    assert "a namespace has" in refusal("stats", "--namespace", "").err


def test_an_export_imports_as_the_same_cases_when_moved_to_another_namespace(mixed: Path, tmp_path: Path) -> None:
    invoke("cases", "import", str(mixed))
    file = tmp_path / "export.jsonl"
    assert invoke("cases", "export", str(file)).err == f"2 cases written to {file}\n"
    assert not list(tmp_path.glob(".*"))
    assert [json.loads(line) for line in file.read_text().splitlines()] == invoke("cases", "export").lines
    assert invoke("cases", "import", str(file), "-n", "other", "--json").lines[-1]["imported"] == 2
    moved = invoke("cases", "list", "-n", "other", "--json").lines
    assert {case["reward"] for case in moved} == {0.0, 1.0}
    assert {case["namespace"] for case in moved} == {"other"}


def test_a_case_is_shown_whole_when_named_by_the_beginning_of_its_id(mixed: Path) -> None:
    invoke("cases", "import", str(mixed))
    newest = invoke("cases", "list", "--limit", "1", "--json").lines[0]
    shown = invoke("cases", "show", newest["id"][:8], "--json").lines[0]
    assert shown.items() >= newest.items()
    assert shown["usage"]["exposures"] == 0
    assert "What is [red]one[/red] and one?" in invoke("cases", "show", newest["id"]).out
    unknown = invoke("cases", "show", "zzz")
    assert (unknown.code, unknown.out) == (2, "")
    assert "no case" in unknown.err


def test_the_list_is_plain_and_one_line_a_case_when_piped(mixed: Path) -> None:
    invoke("cases", "import", str(mixed))
    listed = invoke("cases", "list").out
    assert len(listed.splitlines()) == 3
    assert "[red]one[/red]" in listed
    assert "\x1b" not in listed


def test_kinds_and_keys_are_listed_counted_and_moved(tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    one = {"state": "Cook the meal.", "action": "open", "reward": 1}
    lesson = one | {"kind": "lesson", "key": "cook/1", "reward": 0.5, "outcomes": {"n": 0}}
    lesson["provenance"] = {"ground": {"outcome": "failure", "line": 0.5}}
    given = [one, one | {"key": "cook/1"}, one | {"kind": "subtask"}, lesson]
    rows.write_text("".join(json.dumps(row) + "\n" for row in given))
    invoke("cases", "import", str(rows))
    assert stats()["kinds"] == {"plan": 2, "subtask": 1, "lesson": 1}
    assert (stats()["positive"], stats()["negative"]) == (3, 0), "a lesson claims neither"
    (row,) = invoke("cases", "list", "--kind", "lesson").out.splitlines()[1:]
    assert row.split()[1:4] == ["-", "active", "lesson"], "it has no reward"
    assert "subtask" in invoke("cases", "list").out
    listed = invoke("cases", "list", "--kind", "subtask", "--json").lines
    assert [row["kind"] for row in listed] == ["subtask"]
    refused = invoke("cases", "list", "--kind", "dream")
    assert "'dream' is not a kind of case; there are plan, subtask, step, skill, lesson" in refused.err
    invoke("cases", "export", str(out))
    invoke("cases", "import", str(out), "-n", "other")
    moved = invoke("cases", "list", "-n", "other", "--json").lines
    assert sorted((row.get("key", ""), row.get("kind", "plan")) for row in moved) == [
        ("", "plan"),
        ("", "subtask"),
        ("cook/1", "lesson"),
        ("cook/1", "plan"),
    ]
    (copy,) = [row for row in moved if row.get("kind") == "lesson"]
    assert copy["outcomes"] == {"n": 0, "mean": None, "spread": None}
    assert copy["provenance"]["ground"] == {"outcome": "failure", "line": 0.5}


def test_the_list_says_so_when_there_is_no_case() -> None:
    empty = invoke("cases", "list")
    assert (empty.code, empty.out, empty.err) == (0, "", "no cases yet in namespace 'default'\n")
    assert invoke("cases", "list", "--json").out == ""


def test_the_index_is_built_again_when_asked_for(mixed: Path) -> None:
    invoke("cases", "import", str(mixed))
    assert invoke("cases", "reindex", "--json").lines == [{"event": "reindexed", "points": 2}]


@pytest.mark.slow
async def test_an_import_is_complete_when_begun_again_after_ctrl_c(tmp_path: Path) -> None:
    env, n = environment(tmp_path / "home"), 2000
    file, ledger = many(n, tmp_path), tmp_path / "home" / "ledger.sqlite"
    process = await started("cases", "import", str(file), env=env)
    while _n_kept(ledger) < 100:
        assert process.returncode is None
        await asyncio.sleep(0.05)
    process.send_signal(signal.SIGINT)
    interrupted = await ended(process)
    assert interrupted.code == 130
    assert re.fullmatch(r"interrupted after \d+ cases, which are kept; .*\n", interrupted.err)
    kept = _n_kept(ledger)
    assert 100 <= kept < n
    rest = await memento("cases", "import", str(file), "--json", env=env)
    assert rest.lines[-1].items() >= {"read": n, "imported": n - kept, "already_there": kept}.items()
    assert (await memento("cases", "stats", "--json", env=env)).lines[-1]["cases"] == n


@pytest.mark.slow
async def test_both_imports_are_complete_when_two_processes_share_a_bank(tmp_path: Path) -> None:
    env, file = environment(tmp_path / "home"), many(300, tmp_path)
    first, second = [await started("cases", "import", str(file), "--json", env=env) for _ in range(2)]
    reports = [(await ended(process)).lines[-1] for process in (first, second)]
    assert sum(report["imported"] for report in reports) == 300
    assert (await memento("cases", "stats", "--json", env=env)).lines[-1]["cases"] == 300


@pytest.mark.slow
@pytest.mark.parametrize("words", ["export", "list --limit 200 --json"])
def test_a_closed_pipe_is_no_error_when_the_reader_has_seen_enough(words: str, tmp_path: Path) -> None:
    invoke("cases", "import", str(many(150, tmp_path, plan="p" * 2000)))  # more than a pipe holds
    script = f"set -o pipefail; {MEMENTO} cases {words} | head -1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["action"] == "p" * 2000


@pytest.mark.slow
async def test_output_is_readable_when_the_locale_knows_ascii_only(tmp_path: Path) -> None:
    env = environment(tmp_path / "home", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    file = tmp_path / "one.jsonl"
    file.write_text('{"question": "Où est — 北京?", "plan": "p", "reward": 1}\n', encoding="utf-8")
    assert (await memento("cases", "import", str(file), env=env)).code == 0
    listed = await memento("cases", "list", env=env)
    assert (listed.code, listed.err) == (0, "")
    assert "\\u5317\\u4eac" in listed.out
    exported = await memento("cases", "export", env=env)
    assert exported.lines[0]["state"] == "Où est — 北京?"
    assert exported.out.isascii()


def _n_kept(ledger: Path) -> int:
    if not ledger.exists():
        return 0
    with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM case_revisions").fetchone()[0])
        except sqlite3.OperationalError:
            return 0
