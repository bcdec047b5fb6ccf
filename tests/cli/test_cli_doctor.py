"""`memento doctor`: what is configured, reachable or missing, and what to do about it."""

import asyncio
import contextlib
import json
import os
import shlex
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from memento.graph.settings import Settings
from memento.memory.case_memory import CaseMemory
from memento.memory.ledger.settings_versions import SettingsVersion
from tests.commands import assistant, invoke, serving
from tests.embedding_server import EmbeddingServer, configured_embeddings, refusal, vectors

pytestmark = pytest.mark.allow_blocking("a command has its event loop to itself")


def found() -> dict[str, dict[str, str]]:
    """Findings by subject."""
    return {line["what"]: line for line in invoke("doctor", "--json").lines}


def test_all_is_well_when_a_model_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(assistant()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        examined = invoke("doctor", "--json")
    assert examined.code == 0
    assert "bad" not in {line["status"] for line in examined.lines}
    planner = next(line for line in examined.lines if line["what"] == "planner model")
    assert server.base_url in planner["found"]
    assert planner["found"].endswith(", answers")


def test_the_advice_is_given_once_when_no_role_has_a_model() -> None:
    examined = invoke("doctor")
    assert examined.code == 1
    assert examined.out.count("OPENAI_API_KEY") == 1
    assert "planner model, executor model, judge model:\n  no model is configured" in examined.out
    assert "\x1b" not in examined.out


def test_the_server_is_named_when_it_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    planner = found()["planner model"]
    assert planner["status"] == "bad"
    assert "http://127.0.0.1:9/v1" in planner["found"]
    assert "OPENAI_BASE_URL" in planner["fix"]


def test_qdrant_is_named_when_it_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_QDRANT_URL", "http://127.0.0.1:9")
    search = found()["case search"]
    assert (search["status"], "127.0.0.1:9" in search["found"]) == ("bad", True)
    assert "MEMENTO_QDRANT_URL" in search["fix"]


def test_the_home_is_named_when_it_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_HOME", "/etc/passwd")
    findings = found()
    assert findings["home"]["status"] == findings["ledger"]["status"] == "bad"
    assert "MEMENTO_HOME" in findings["home"]["fix"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_home_that_others_can_look_into_is_named_with_the_command_that_closes_it() -> None:
    home = Settings().folder
    assert found()["home"]["status"] == "ok"
    home.chmod(0o755)
    finding = found()["home"]
    assert (finding["status"], finding["fix"]) == ("note", f"chmod -R go-rwx {home}")
    assert "0755" in finding["found"]
    assert stat.S_IMODE(home.stat().st_mode) == 0o755  # it is the user's to change
    subprocess.run(shlex.split(finding["fix"]), check=True)
    assert found()["home"]["status"] == "ok"
    home.chmod(0o2770)
    assert (found()["home"]["status"], "shared with its group" in found()["home"]["found"]) == ("ok", True)


def test_a_missing_folder_is_named_when_search_files_should_look_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MEMENTO_FILES", str(tmp_path / "none"))
    assert found()["files"]["status"] == "bad"


def test_no_key_is_shown_when_keys_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAVILY_API_KEY", "tvly-hidden")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hidden")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert "hidden" not in invoke("doctor").out


def test_the_sandbox_and_the_tools_are_told() -> None:
    findings = found()
    assert findings["sandbox"]["status"] in ("ok", "note")
    assert "run_python" in findings["tools"]["found"]


def test_a_setting_of_tools_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_TOOLS", "telepathy")
    assert (found()["tools"]["status"], "telepathy" in found()["tools"]["found"]) == ("bad", True)


def test_what_runs_code_unconfined_is_never_called_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_SANDBOX", "unsafe-local")
    sandbox = found()["sandbox"]
    assert (sandbox["status"], "unconfined" in sandbox["found"]) == ("note", True)


@pytest.fixture
def embeddings(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    with configured_embeddings(monkeypatch) as server:
        yield server


def test_all_is_well_and_every_place_is_told_when_a_server_without_a_key_encodes(embeddings: EmbeddingServer) -> None:
    examined = invoke("doctor", "--json")
    findings = {line["what"]: line for line in examined.lines}
    assert (examined.code, findings["encoder"]["status"]) == (0, "ok")
    assert findings["encoder"]["found"] == f"openai:stub at {embeddings.base_url}, 16 dimensions"
    assert "/ledger.sqlite, 0 cases" in findings["ledger"]["found"]
    assert findings["case search"]["found"].startswith("edge at /")


def test_the_reason_is_told_and_not_the_key_when_the_encoder_is_refused(
    embeddings: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "abcdef0123456789")
    embeddings.answer = lambda _texts: refusal(401, "Incorrect API key provided: abcdef0123456789")
    examined = invoke("doctor", "--json")
    findings = {line["what"]: line for line in examined.lines}
    assert examined.code == 1
    for what in ("encoder", "ledger"):
        assert findings[what]["status"] == "bad"
        assert "Incorrect API key provided: ***" in findings[what]["found"]
        assert "MEMENTO_ENCODER" in findings[what]["fix"]
        assert "reinstall" not in findings[what]["fix"]
        assert "MEMENTO_HOME" not in findings[what]["fix"]
    assert "abcdef0123456789" not in examined.out
    assert findings["tools"]["status"] == "ok"
    embeddings.answer = vectors
    assert invoke("doctor").code == 0


@pytest.mark.parametrize("spec", ["nobody:stub", "azure_openai:stub", "cohere:stub"])
def test_an_encoder_that_cannot_be_set_up_is_one_finding_of_many(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_ENCODER", spec)
    findings = found()
    assert (findings["encoder"]["status"], findings["home"]["status"]) == ("bad", "ok")
    assert findings["encoder"]["found"].startswith(f"MEMENTO_ENCODER={spec} cannot be set up: ")
    assert "MEMENTO_ENCODER" in findings["encoder"]["fix"]
    assert "packaged model" in findings


def test_every_setting_that_does_not_parse_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_QDRANT_URL", "127.0.0.1:6333")
    monkeypatch.setenv("MEMENTO_LEDGER_URL", "mysql://me:hidden@h/db")
    monkeypatch.setenv("MEMENTO_SEARXNG_URL", "me:hidden@searx:8888")
    examined = invoke("doctor", "--json")
    problems = [line["found"] for line in examined.lines if line["status"] == "bad"]
    assert (examined.code, len(problems)) == (1, 3)
    assert [problem.split()[0] for problem in problems] == [
        "MEMENTO_QDRANT_URL",
        "MEMENTO_LEDGER_URL",
        "MEMENTO_SEARXNG_URL",
    ]
    assert "hidden" not in examined.out
    assert examined.err == ""


def test_misspelt_variables_and_a_key_without_a_server_are_told(
    embeddings: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMENTO_QDRANT_ULR", "http://127.0.0.1:9")
    monkeypatch.setenv("MEMENTO_QDRANT_API_KEY", "k" * 12)
    monkeypatch.setenv("MEMENTO_FOO", "1")
    examined = invoke("doctor", "--json")
    notes = [(line["found"], line["fix"]) for line in examined.lines if line["what"] == "settings"]
    assert [found.split()[0] for found, _ in notes] == ["MEMENTO_FOO", "MEMENTO_QDRANT_ULR", "MEMENTO_QDRANT_API_KEY"]
    assert notes[1][1] == "write MEMENTO_QDRANT_URL"
    assert "did you mean MEMENTO_QDRANT_URL?" in examined.err
    assert examined.code == 0


def test_passwords_of_places_are_masked(embeddings: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", embeddings.base_url.replace("http://", "http://me:hidden@"))
    monkeypatch.setenv("MEMENTO_QDRANT_URL", "http://me:hidden@127.0.0.1:9")
    monkeypatch.setenv("MEMENTO_SEARXNG_URL", "http://me:hidden@127.0.0.1:9")
    out = invoke("doctor", "--json").out
    assert "hidden" not in out
    findings = {line["what"]: line["found"] for line in map(json.loads, out.splitlines())}
    assert findings["case search"].startswith("server at http://***@127.0.0.1:9: ")
    assert findings["web search"] == "SearxNG at http://***@127.0.0.1:9, then Tavily"
    assert findings["encoder"].startswith("openai:stub at http://***@127.0.0.1:")


def test_other_checks_go_on_when_one_ends_in_an_error_that_nobody_foresaw(
    embeddings: EmbeddingServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)  # a path that the system refuses to follow
    monkeypatch.setenv("MEMENTO_MCP", str(loop))
    monkeypatch.setenv("MEMENTO_HOME", str(loop / "home"))
    examined = invoke("doctor", "--json")
    findings = {line["what"]: line for line in examined.lines}
    assert (examined.code, findings["home"]["status"], findings["ledger"]["status"]) == (1, "bad", "bad")
    assert (findings["encoder"]["status"], findings["packaged model"]["what"]) == ("ok", "packaged model")
    assert "Traceback" not in examined.out + examined.err


@pytest.mark.slow
def test_damaged_rows_are_listed_once_they_are_met_and_found_by_a_scan(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    rows = [{"question": f"Who wrote book {n}?", "plan": "look", "reward": 1} for n in range(4)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    invoke("cases", "import", str(file))
    ledger = Settings().folder / "ledger.sqlite"
    with contextlib.closing(sqlite3.connect(ledger)) as database:
        database.execute("UPDATE case_revisions SET body = 'no case' WHERE \"offset\" = 2")
        database.execute("UPDATE vectors SET vector = X'00' WHERE rowid = 3")
        database.execute("UPDATE audit SET detail = 'x'")
        database.commit()

    def of(subject: str, *words: str) -> list[str]:
        return [line["found"] for line in invoke("doctor", "--json", *words).lines if line["what"] == subject]

    assert of("damaged row") == []
    assert len(invoke("cases", "export").lines) == 3
    assert of("damaged row") == ["case_revisions 2 of namespace 'default': it does not match its checksum"]
    scanned = invoke("doctor", "--ledger", "--json").lines
    found = {line["found"]: line for line in scanned if line["what"] == "damaged row"}
    assert [name.partition(":")[0] for name in found] == [
        "audit 1 of namespace 'default'",
        "case_revisions 2 of namespace 'default'",
    ]
    assert {line["status"] for line in found.values()} == {"note"}
    assert all("restore a backup" in line["fix"] for line in found.values())
    assert any("4 of case_revisions" in line["found"] for line in scanned if line["what"] == "ledger rows")
    assert of("ledger schema") == ["5, which memento-langgraph 0.2.0 and later read"]
    assert "restore a backup" in invoke("doctor").out


@pytest.mark.parametrize(
    ("policy", "estimator", "setting"), [("advantage", "advantage", "capacity"), ("trial", "trials", "trials")]
)
def test_settings_that_this_release_cannot_use_are_named_with_the_command_that_leaves_them(
    policy: str, estimator: str, setting: str
) -> None:
    async def promoted() -> int:
        async with CaseMemory.open(Settings().folder) as memory:
            decision = SettingsVersion(namespace="default", estimator=estimator, settings={setting: -1.0})
            append = partial(memory.versions.append, version=decision)
            return (await memory._storage.ledger.transact(append)).version

    assert f"settings of {estimator}" not in found()
    version = asyncio.run(promoted())
    finding = found()[f"settings of {estimator}"]
    assert (finding["status"], finding["fix"]) == ("note", f"memento learn rollback --policy {policy}")
    assert finding["found"].startswith(
        f"version {version} cannot be used, the built-in settings serve: setting '{setting}'"
    )
    assert invoke(*finding["fix"].split()[1:]).code == 0
    assert found()[f"settings of {estimator}"]["status"] == "ok"
