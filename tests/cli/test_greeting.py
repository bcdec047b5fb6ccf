"""`memento` alone: what is configured, and what to do next."""

from pathlib import Path

import pytest

from tests.commands import invoke

VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "MEMENTO_PLANNER", "MEMENTO_LOCAL_MODEL", "MEMENTO_LEDGER_URL")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MEMENTO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_demonstration_is_next_when_no_model_is_configured(home: Path) -> None:
    done = invoke()
    assert done.code == 0
    assert "none is configured" in done.out
    assert "memento demo" in done.out
    assert str(home) in done.out
    assert not home.exists()  # looking makes nothing


def test_a_first_task_is_next_when_there_is_a_model_and_no_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_PLANNER", "gpt-4.1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://somebody:secret@127.0.0.1:9/v1")
    done = invoke()
    assert "openai:gpt-4.1, configured at http://" in done.out
    assert "memento ask" in done.out
    assert "nothing in it yet" in done.out
    assert "secret" not in done.out


def test_statistics_are_next_when_there_is_a_memory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    home.mkdir()
    (home / "ledger.sqlite").touch()
    done = invoke()
    assert "memento cases stats" in done.out
    assert "nothing in it yet" not in done.out
    assert "sk-secret" not in done.out


def test_a_setting_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_POLICY", "nonsense")
    done = invoke()
    assert done.code == 2
    assert "MEMENTO_POLICY" in done.err
