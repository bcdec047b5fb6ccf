"""What a model sees of running code: output, how it ended, which files there are now."""

import asyncio
import inspect
from pathlib import Path

import pytest

from memento.nodes.tool_binding import bound_tool
from memento.tools.errors import ToolInputError
from memento.tools.sandbox.bubblewrap import Bubblewrap
from memento.tools.sandbox.choice import make_sandbox, problem
from memento.tools.sandbox.docker import Docker
from memento.tools.sandbox.monty import MontySandbox
from memento.tools.sandbox.port import Execution, ExitCause, Language, Sandbox, SandboxLimits
from memento.tools.sandbox.run_code import MAX_SOURCE_BYTES, SHOWN_CHARS, make_run_python, make_run_shell
from memento.tools.workspace import Workspace


class Ended:
    """A sandbox in which every execution has ended as it was told."""

    name = "ended"
    languages: frozenset[Language] = frozenset({"python"})
    packages = "None."

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    async def run(self, language: Language, source: str, *, folder: Path, limits: SandboxLimits) -> Execution:
        return self._execution


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "run")


async def run_python(code: str, workspace: Workspace, sandbox: Sandbox | None = None) -> str:
    return await make_run_python(sandbox or MontySandbox())(code, workspace=workspace)


async def test_output_and_new_files_are_shown_when_code_has_run(workspace: Workspace) -> None:
    await asyncio.to_thread(workspace.write, "given.csv", b"1")
    await asyncio.to_thread(workspace.write, "changed.txt", b"1")
    code = "open('chart.PNG', 'w').write('made')\nopen('changed.txt', 'w').write('2')\nopen('.hidden', 'w')\n6 * 7"
    assert await run_python(code, workspace) == (
        "42\nFiles made or changed:\n- changed.txt (1 bytes)\n- chart.PNG (4 bytes; view_image shows it)"
    )


async def test_the_exit_code_is_shown_when_there_is_nothing_else_or_it_failed(workspace: Workspace) -> None:
    assert await run_python("x = 1", workspace) == "[exit code 0]"
    assert (await run_python("1 / 0", workspace)).endswith("ZeroDivisionError: division by zero\n[exit code 1]")


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("time", "longer than 60 s"),
        ("memory", "more than 1,000 MB"),
        ("processes", "more than 64 processes"),
        ("files", "2,000 files and 500 MB"),
        ("output", "more than 1,000,000 bytes"),
    ],
)
async def test_the_limit_that_ended_it_is_named(workspace: Workspace, ending: ExitCause, reason: str) -> None:
    shown = await run_python("1", workspace, Ended(Execution("begun", None, ending)))
    assert shown.startswith("begun\n[stopped: ")
    assert reason in shown


async def test_the_middle_is_left_out_when_the_output_is_long(workspace: Workspace) -> None:
    shown = await run_python("print('a' * 20_000 + 'z' * 20_000)", workspace)
    assert shown.startswith("aaa")
    assert shown.endswith("zzz")
    assert "28,000 characters left out" in shown
    assert len(shown) < SHOWN_CHARS + 200


async def test_control_characters_are_taken_out(workspace: Workspace) -> None:
    assert await run_python("print('a\\x1b[31mb\\x00\\tc')", workspace) == "a[31mb\tc"


@pytest.mark.parametrize("code", ["", " \n", "print(1)\0", "#" * (MAX_SOURCE_BYTES + 1)])
async def test_the_code_is_refused_when_it_cannot_be_run(workspace: Workspace, code: str) -> None:
    with pytest.raises(ToolInputError):
        await run_python(code, workspace)


async def test_links_that_code_planted_are_neither_listed_nor_read(workspace: Workspace, tmp_path: Path) -> None:
    if await problem(Bubblewrap()):
        pytest.skip("bubblewrap does not work on this machine")
    secret = tmp_path / "secret"
    await asyncio.to_thread(secret.write_text, "SECRET")
    code = f"import os\nos.symlink({str(secret)!r}, 'link.txt')\nos.symlink('/etc', 'folder')\nos.mkfifo('pipe')"
    assert await run_python(code, workspace, Bubblewrap()) == "[exit code 0]"
    for path in ("link.txt", "folder/passwd", "pipe"):
        with pytest.raises(ToolInputError):
            await asyncio.to_thread(workspace.read, path, max_bytes=100)


async def test_a_shell_runs_commands_when_the_sandbox_has_one(workspace: Workspace) -> None:
    assert make_run_shell(MontySandbox()) is None
    if await problem(Bubblewrap()):
        pytest.skip("bubblewrap does not work on this machine")
    run_shell = make_run_shell(Bubblewrap())
    assert run_shell is not None
    shown = await run_shell("echo a,b > t.csv; cut -d, -f2 t.csv; exit 2", workspace=workspace)
    assert shown == "b\n[exit code 2]\nFiles made or changed:\n- t.csv (4 bytes)"


def test_the_model_is_told_what_each_sandbox_has() -> None:
    small, full = make_run_python(MontySandbox()), make_run_python(Bubblewrap())
    assert "no numpy" in str(inspect.getdoc(small))
    assert "savefig" in str(inspect.getdoc(full))
    in_a_container = str(inspect.getdoc(make_run_python(Docker())))
    assert "image" in in_a_container
    assert "numpy" not in in_a_container
    assert "{" not in str(inspect.getdoc(full)) + str(inspect.getdoc(small))


async def test_what_is_told_stays_when_executions_wait_for_their_turn() -> None:
    sandbox = await make_sandbox("docker")
    assert inspect.getdoc(make_run_python(sandbox)) == inspect.getdoc(make_run_python(Docker()))


def test_the_model_is_told_that_read_only_files_are_not_in_the_sandbox() -> None:
    shell = make_run_shell(Bubblewrap())
    for function in (make_run_python(MontySandbox()), shell):
        assert "Only files that list_files names are there" in str(inspect.getdoc(function))


def test_the_model_is_shown_the_code_argument_only() -> None:
    shell = make_run_shell(Bubblewrap())
    assert shell is not None
    for function, argument in ((make_run_python(MontySandbox()), "code"), (shell, "command")):
        tool = bound_tool(function)
        assert list(tool.args) == [argument]
        assert tool.args[argument]["description"]
        assert "At most 60 s" in tool.description
