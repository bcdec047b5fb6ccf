"""Secrets are taken out of whatever is shown."""

import pytest

from memento.graph.settings import environment_secrets
from memento.nodes.redaction import make_redact


def test_secrets_are_replaced_wherever_they_stand() -> None:
    redact = make_redact(lambda: ["hunter2-hunter2", "hunter2-hunter2-and-more"])
    assert redact("a hunter2-hunter2-and-more, bhunter2-hunter2c") == "a ***, b***c"


def test_short_ones_stay_because_they_could_be_any_word() -> None:
    assert make_redact(lambda: ["true", ""])("it is true") == "it is true"


def test_text_stays_when_there_are_no_secrets() -> None:
    assert make_redact(None)("text") == "text"


def test_secrets_are_found_when_the_environment_gets_them_later(monkeypatch: pytest.MonkeyPatch) -> None:
    redact = make_redact(environment_secrets)
    assert redact("tvly-0123456789") == "tvly-0123456789"
    monkeypatch.setenv("TAVILY_API_KEY", "tvly-0123456789")
    assert redact("tvly-0123456789") == "***"


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("OPENAI_API_KEY", "sk-0123456789", "sk-0123456789"),
        ("GITHUB_TOKEN", "ghp_0123456789", "ghp_0123456789"),
        ("AWS_SECRET_ACCESS_KEY", "abcd/efgh+ijkl", "abcd/efgh+ijkl"),
        ("db_password", "correct horse", "correct horse"),
        ("MEMENTO_LEDGER_URL", "postgresql+asyncpg://me:s3cr3t-w0rd@db/x", "s3cr3t-w0rd"),
    ],
)
def test_variable_holds_a_secret_when_its_name_or_its_url_says_so(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, secret: str
) -> None:
    monkeypatch.setenv(name, value)
    assert secret in environment_secrets()


def test_variable_is_no_secret_when_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONKEYS", "capuchin monkey")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8080/v1")
    assert not {"capuchin monkey", "http://localhost:8080/v1"} & set(environment_secrets())
