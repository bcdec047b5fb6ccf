"""Exit codes, sentences instead of tracebacks, and a quick `--help`."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from langchain_core.messages import AIMessage
from pydantic import BaseModel, ValidationError
from typer.testing import CliRunner

from memento.cli.running import ExitCode, parsed_options, reward_of, run_async, run_command
from memento.graph.settings import read_settings
from memento.memory.errors import InvalidInput, LedgerUnavailable
from memento.nodes.context import Context
from memento.nodes.misfit import misfit_of
from tests.commands import MEMENTO

HEAVY = ("torch", "langgraph", "langchain", "langchain_core", "qdrant_client", "qdrant_edge", "pydantic_settings")


class Keys(BaseModel):
    """Holds a key."""

    api_key: int


def failing(error: BaseException) -> Coroutine[Any, Any, ExitCode]:
    async def command() -> ExitCode:
        raise error

    return command()


async def parsing(parse: Callable[[], object]) -> ExitCode:
    parsed_options(parse)
    return ExitCode.OK


@pytest.mark.parametrize("words", [["--help"], ["cases", "--help"], ["ask", "--help"], ["ask", "--k", "-1", "x"]])
def test_nothing_heavy_is_imported_when_only_help_is_wanted(words: list[str]) -> None:
    code = f"""
import sys
sys.argv[1:] = {words!r}
from memento.cli.main import main
try:
    main()
except SystemExit as error:
    print(error.code, sorted(set(sys.modules) & set({HEAVY!r})))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = 2 if "--k" in words else 0
    assert done.stdout.splitlines()[-1] == f"{expected} []"


def test_help_is_quick_when_asked_for() -> None:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([MEMENTO, "--help"], capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    print(f"memento --help: {min(times):.2f} s")  # noqa: T201  not asserted: the machine may be busy


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InvalidInput("so"), 2, "memento: so\n"),
        (LedgerUnavailable("so"), 1, "memento: so\n"),
        (OSError(28, "disk full", "/f"), 1, "memento: /f: disk full\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_each_kind_of_error_has_its_exit_code_when_it_ends_a_command(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(failing(error), as_json=False) == code
    assert capsys.readouterr() == ("", said)


def test_the_error_is_a_json_line_when_json_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(failing(InvalidInput("so")), as_json=True) == 2
    assert json.loads(capsys.readouterr().out) == {"event": "error", "error": "so", "exit_code": 2}


def test_the_traceback_goes_to_a_file_when_a_bug_ends_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(failing(AssertionError("broken")), as_json=False) == 1
    sentence = capsys.readouterr().err
    assert sentence.startswith("memento: unexpected error: AssertionError: broken")
    report = Path(sentence.rpartition(" with ")[2].strip(" )\n"))
    assert "Traceback" in report.read_text()
    report.unlink()


def test_the_option_is_named_when_its_value_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(parsing(lambda: Context(max_cycles=99)), as_json=False) == 2
    assert capsys.readouterr().err.startswith("memento: --max-cycles should be less than or equal to 10, not '99'")


def test_the_variable_is_named_when_its_value_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMENTO_POLICY", "foo")
    assert run_command(parsing(read_settings), as_json=False) == 2
    assert capsys.readouterr().err.startswith("memento: MEMENTO_POLICY should be ")


def test_a_key_is_not_shown_when_its_variable_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        Keys(api_key="sk-secret-1234")  # type: ignore[arg-type]
    assert "sk-secret" not in str(misfit_of(caught.value))


def test_usage_is_not_blamed_when_something_else_does_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        AIMessage("", tool_calls=[{"name": "look", "args": ["x"], "id": "1", "type": "tool_call"}])
    assert run_command(failing(caught.value), as_json=False) == 1
    sentence = capsys.readouterr().err
    assert "--" not in sentence
    Path(sentence.rpartition(" with ")[2].strip(" )\n")).unlink()


def test_a_sentence_names_the_env_file_when_it_is_no_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PYTHON_DOTENV_DISABLED")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"MEMENTO_POLICY=none\n\xff")
    assert run_command(asyncio.sleep(0, ExitCode.OK), as_json=False) == 2
    assert ".env file of this folder is not UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(("typed", "reward"), [("1", 1.0), ("0.25", 0.25), (" Unknown ", None), ("none", None)])
def test_a_reward_is_read_when_a_person_types_one(typed: str, reward: float | None) -> None:
    assert reward_of(typed) == reward


@pytest.mark.parametrize("typed", ["7", "-0.1", "nan", "inf", "good", ""])
def test_a_reward_is_refused_when_it_is_none(typed: str) -> None:
    with pytest.raises(InvalidInput):
        reward_of(typed)


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Options that several commands have."""

    names: Annotated[list[str], typer.Option("--name")] = field(default_factory=list)
    as_json: Annotated[bool, typer.Option("--json")] = False


@dataclass(frozen=True, kw_only=True)
class Own(Shared):
    """Those of one of them as well."""

    task: Annotated[str, typer.Argument()]
    size: Annotated[int, typer.Option(min=1)] = 3


def test_a_dataclass_is_an_option_per_field_when_a_coroutine_is_a_command() -> None:
    app, seen = typer.Typer(), []

    @app.command()
    @run_async
    async def command(options: Own) -> ExitCode:
        """Do it."""
        seen.append(options)
        if options.size == 9:
            raise InvalidInput("too large")
        return ExitCode.FAILED

    runner = CliRunner()
    assert runner.invoke(app, ["t", "--name", "a", "--name", "b", "--size", "2"]).exit_code == ExitCode.FAILED
    assert runner.invoke(app, ["t"]).exit_code == ExitCode.FAILED
    assert seen == [Own(task="t", names=["a", "b"], size=2), Own(task="t")]
    failed = runner.invoke(app, ["t", "--size", "9", "--json"])
    assert (failed.exit_code, json.loads(failed.stdout)["error"]) == (ExitCode.BAD_INPUT, "too large")
    assert runner.invoke(app, ["t", "--size", "0"]).exit_code == 2
    shown = runner.invoke(app, ["--help"]).stdout
    assert "Do it." in shown
    assert shown.index("--size") < shown.index("--name")
