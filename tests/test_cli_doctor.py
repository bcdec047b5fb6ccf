"""`memento doctor`: what is configured, reachable or missing, and what to do about it."""

import os
import shlex
import stat
import subprocess
from pathlib import Path

import pytest

from memento.graph.settings import Settings
from tests.commands import assistant, invoke, serving

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
