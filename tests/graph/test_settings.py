"""The environment, read in one place."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from memento.graph.settings import Settings, environment_secrets, load_env_file, process_environment
from memento.graph.variables.names import setting_faults, unknown_variables


def test_defaults_apply_when_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEMENTO_HOME")
    settings = Settings()
    assert settings.folder == Path.home() / ".memento"
    assert settings.workspace == settings.folder / "workspace"
    assert (settings.namespace, settings.qdrant_url, settings.folders) == ("default", None, ())


def test_environment_counts_when_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEMENTO_HOME", str(tmp_path))
    monkeypatch.setenv("MEMENTO_POLICY", "random")
    monkeypatch.setenv("MEMENTO_FILES", f"/a{os.pathsep}{os.pathsep}~/b")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    settings = Settings()
    assert (settings.folder, settings.policy) == (tmp_path, "random")
    assert settings.folders == (Path("/a"), Path.home() / "b")
    assert settings.openai_base_url == "http://127.0.0.1:1/v1"


def test_argument_wins_when_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_POLICY", "random")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-shell")
    settings = Settings(policy="none", openai_api_key="sk-given")  # type: ignore[arg-type]
    assert settings.policy == "none"
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == "sk-given"


def test_secrets_are_known_wherever_they_were_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAVILY_API_KEY", "tvly-of-the-shell")
    monkeypatch.setenv("DB_PASS", "hunter2hunter2")
    settings = Settings(openai_api_key="sk-given")  # type: ignore[arg-type]
    assert {"tvly-of-the-shell", "sk-given"} <= set(settings.secrets)
    assert {"tvly-of-the-shell", "hunter2hunter2"} <= set(environment_secrets())


def test_blank_variable_is_none_when_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_PLANNER", "")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert (Settings().planner, Settings().openai_api_key) == (None, None)


def test_home_is_absolute_when_given_relative(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMENTO_HOME", "here")
    assert Settings().folder == tmp_path / "here"


@pytest.mark.parametrize(("name", "value"), [("POLICY", "best"), ("NAMESPACE", "x" * 201)])
def test_validation_error_names_the_variable_when_it_cannot_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"MEMENTO_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MEMENTO_QDRANT_URL", "127.0.0.1:6333"),
        ("MEMENTO_QDRANT_URL", "grpc://qdrant:6334"),
        ("MEMENTO_QDRANT_URL", "qdrant.example.com"),
        ("MEMENTO_QDRANT_URL", ":memory:"),
        ("MEMENTO_QDRANT_URL", "/srv/bank"),
        ("MEMENTO_QDRANT_URL", "http://"),
        ("MEMENTO_QDRANT_URL", "http://me:hidden@h:port"),
        ("MEMENTO_QDRANT_URL", " "),
        ("MEMENTO_LEDGER_URL", "/srv/ledger.sqlite"),
        ("MEMENTO_LEDGER_URL", "mysql://me:hidden@h/db"),
        ("MEMENTO_LEDGER_URL", "postgresql+psycopg2://me:hidden@h/db"),
        ("MEMENTO_SEARXNG_URL", "searx:8888"),
        ("MEMENTO_SEARXNG_URL", "me:hidden@searx:8888"),
        ("OPENAI_BASE_URL", "localhost:8000/v1"),
        ("OPENAI_BASE_URL", "http:/h/v1"),
        ("AZURE_OPENAI_ENDPOINT", "resource.openai.azure.com"),
        ("TAVILY_BASE_URL", "ftp://h"),
        ("MEMENTO_HOME", "http://h/home"),
        ("MEMENTO_HOME", "~nobody-of-this-name/x"),
        ("MEMENTO_HOME", " "),
        ("MEMENTO_MCP", "https://h/mcp.json"),
        ("MEMENTO_LOCAL_MODEL", "https://h/model.gguf"),
        ("MEMENTO_FILES", "https://h/files"),
        ("MEMENTO_ENCODER", "text-embedding-3-small"),
        ("MEMENTO_ENCODER", "http://127.0.0.1:8080/v1"),
        ("MEMENTO_ENCODER", "openai:"),
        ("MEMENTO_FETCH_ALLOWED", "http://intranet:8080"),
        ("MEMENTO_FETCH_ALLOWED", "intranet"),
        ("MEMENTO_FETCH_ALLOWED", "intranet:99999"),
        ("MEMENTO_FETCH_ALLOWED", "10.1.2.3/16"),
        ("MEMENTO_PRICES", "gpt-4.1"),
        ("MEMENTO_SEARCH", "google"),
        ("MEMENTO_SANDBOX", "dokcer"),
        ("MEMENTO_RETENTION_DAYS", "a month"),
        ("MEMENTO_RETENTION_DAYS", "alice"),
        ("MEMENTO_RETENTION_DAYS", "alice=7,bob="),
        ("MEMENTO_RETENTION_DAYS", "alice=0"),
        ("MEMENTO_RETENTION_DAYS", "-1"),
        ("MEMENTO_RETENTION_DAYS", "nan"),
        ("MEMENTO_RETENTION_DAYS", "1e9"),
        ("OPENAI_API_KEY", "sk-hidden\n"),
        ("TAVILY_API_KEY", "tvly hidden"),
    ],
)
def test_a_setting_that_does_not_parse_is_refused_under_its_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    (problem,) = setting_faults(caught.value, Settings.model_fields)
    assert problem.startswith(f"{variable} ")
    assert len(problem.removeprefix(variable)) > 20
    assert "hidden" not in f"{problem} {caught.value}"


@pytest.mark.parametrize(
    ("variable", "value", "read"),
    [
        ("MEMENTO_QDRANT_URL", " HTTP://127.0.0.1:6333 ", "http://127.0.0.1:6333"),
        ("MEMENTO_LEDGER_URL", "postgres://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("MEMENTO_SEARXNG_URL", "https://me:pw@searx/prefix", "https://me:pw@searx/prefix"),
        ("OPENAI_BASE_URL", "http://[::1]:8000/v1/", "http://[::1]:8000/v1/"),
        ("MEMENTO_HOME", "~/a:b", Path.home() / "a:b"),
        ("MEMENTO_MCP", "~/mcp.json", Path.home() / "mcp.json"),
        ("MEMENTO_ENCODER", "openai:org/e5:latest", "openai:org/e5:latest"),
        ("MEMENTO_FETCH_ALLOWED", "wiki:8443, [::1]:80, 10.1.0.0/16", "wiki:8443, [::1]:80, 10.1.0.0/16"),
    ],
)
def test_a_place_is_read(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, read: object) -> None:
    monkeypatch.setenv(variable, value)
    found = getattr(Settings(), variable.removeprefix("MEMENTO_").lower())
    assert (found.get_secret_value() if isinstance(found, SecretStr) else found) == read


@pytest.mark.parametrize(
    ("text", "alice", "others"),
    [
        ("", None, None),
        ("30", 30.0, 30.0),
        ("alice=7,bob=90", 7.0, None),
        (" 0.5 , alice = 7 ", 7.0, 0.5),
        ("a=b=1,alice=2", 2.0, None),
    ],
)
def test_retention_is_read_by_namespace(
    monkeypatch: pytest.MonkeyPatch, text: str, alice: float | None, others: float | None
) -> None:
    monkeypatch.setenv("MEMENTO_RETENTION_DAYS", text)
    settings = Settings()
    assert (settings.retention_of("alice"), settings.retention_of("carol")) == (alice, others)


def test_retention_is_refused_with_the_right_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_RETENTION_DAYS", "30,alice:7")
    with pytest.raises(ValidationError) as caught:
        Settings()
    (problem,) = setting_faults(caught.value, Settings.model_fields)
    assert problem.startswith("MEMENTO_RETENTION_DAYS ")
    assert "'alice:7'" in problem
    assert "write 30, or alice=7,bob=90" in problem


def test_misspelt_variables_are_named_with_what_they_resemble(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unknown_variables(process_environment(), Settings.model_fields) == {}
    for name in ("MEMENTO_QDRANT_ULR", "MEMENTO_FOO", "MEMENTO_EXECUTION", "MEMENTO_POLICY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("MEMENTO_BLANK", "")
    assert unknown_variables(process_environment(), Settings.model_fields) == {
        "MEMENTO_FOO": "",
        "MEMENTO_QDRANT_ULR": "MEMENTO_QDRANT_URL",
    }


def test_secrets_are_hidden_when_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "TAVILY_API_KEY", "MEMENTO_QDRANT_API_KEY"):
        monkeypatch.setenv(name, "sk-very-secret")
    monkeypatch.setenv("MEMENTO_LEDGER_URL", "postgresql://ada:sk-very-secret@host/db")
    assert "very-secret" not in f"{Settings()!r} {Settings()} {Settings().model_dump()}"


def test_env_file_adds_but_never_overrides_when_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PYTHON_DOTENV_DISABLED")
    monkeypatch.setenv("MEMENTO_POLICY", "none")
    monkeypatch.setenv("MEMENTO_PLANNER", "removed-again")  # so that the test's end takes away what the file adds
    monkeypatch.delenv("MEMENTO_PLANNER")
    (tmp_path / ".env").write_text("MEMENTO_POLICY=random\nMEMENTO_PLANNER=openai:special\n")
    load_env_file(tmp_path / ".env")
    assert (Settings().policy, Settings().planner) == ("none", "openai:special")
    monkeypatch.delenv("MEMENTO_PLANNER")


def test_nothing_happens_when_there_is_no_env_file(tmp_path: Path) -> None:
    load_env_file(tmp_path / "missing")
