"""What the base install does, and what it says about the rest. Run by `base_install.py`, not with the other tests."""

import asyncio
import importlib
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import memento
from memento.cli.doctor_checks import examine_tools
from memento.graph.app import Application
from memento.graph.settings import Settings
from memento.graph.toolset import Toolset
from memento.memory.errors import InvalidInput
from memento.tools.errors import ToolUnavailable
from memento.tools.media.port import Picture
from memento.tools.registry import PACKAGES, ToolParts, missing_tools, standard_tools
from memento.tools.sandbox.choice import examine_sandbox
from memento.tools.sandbox.monty import MontySandbox
from memento.tools.sandbox.port import SandboxLimits
from memento.tools.web.fetch import Fetcher
from memento.tools.web.tavily import Tavily
from tests.node_parts import Roles, a_run
from tests.readme_examples import answer_of_graph_example, readme_example
from tests.scripted import ScriptedServer

GRAPH_EXAMPLE = readme_example("graph")
INSTALL = r"pip install 'memento-langgraph\[tools\]'"
OF_EXTRAS = {
    "memento.graph.home_saver": "langgraph.checkpoint.sqlite",
    "memento.graph.mcp.child": "mcp",
    "memento.graph.mcp.listing": "mcp",
    "memento.graph.thread_erasure": "langgraph.checkpoint.sqlite",
    "memento.graph.threads": "langgraph.checkpoint.sqlite",
}
"""Modules of the graph that only a part of an extra imports, and the package that they lack."""


def lacking(package: str) -> dict[str, str | None]:
    """The modules below a package that cannot be imported, and what they lack."""
    lacks = {}
    door = importlib.import_module(package)
    for module in pkgutil.walk_packages(door.__path__, f"{package}."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            lacks[module.name] = error.name
    return lacks


def as_here(script: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program that finds the packages that this process finds."""
    is_hiding = any(type(finder).__name__ == "WithoutExtras" for finder in sys.meta_path)
    runner = [str(Path(__file__).with_name("base_install.py")), *(["--hide-extras"] if is_hiding else []), "--script"]
    return subprocess.run(
        [sys.executable, "-P", *runner, str(script)],
        cwd=script.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("room", ["memory", "nodes"])
def test_a_room_of_the_base_is_imported_whole(room: str) -> None:
    assert lacking(f"memento.{room}") == {}


def test_modules_of_the_graph_that_need_extras_are_known() -> None:
    found = lacking("memento.graph")
    assert found == OF_EXTRAS


def test_public_names_are_there() -> None:
    assert [getattr(memento, name).__name__ for name in memento.__all__] == memento.__all__


@pytest.mark.timeout(400)
def test_the_memory_example_runs(tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(readme_example("memory"), encoding="utf-8")
    done = as_here(script)
    assert (done.returncode, done.stderr) == (0, "")
    assert "What is the capital of Columbia County? -> 1. Find which" in done.stdout


@pytest.mark.timeout(400)
async def test_the_graph_example_runs(tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    await asyncio.to_thread(script.write_text, GRAPH_EXAMPLE, encoding="utf-8")
    async with ScriptedServer(answer_of_graph_example) as server:
        keys = {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": server.base_url}
        done = await asyncio.to_thread(as_here, script, **keys)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Sunday 1.0 ")


def test_the_command_names_its_extra_in_one_sentence(tmp_path: Path) -> None:
    script = tmp_path / "memento_command.py"
    script.write_text("from memento.cli.start import main\nmain()\n", encoding="utf-8")
    done = as_here(script)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("memento: the command line is not installed: ")
    assert done.stderr.endswith("pip install 'memento-langgraph[cli]'\n")
    assert done.stderr.count("\n") == 1


async def see(question: str, pictures: Sequence[Picture]) -> str:
    return f"{len(pictures)} pictures"


def test_tools_are_left_out_when_their_packages_are_missing() -> None:
    parts = ToolParts(look=see, sandbox=MontySandbox())
    assert set(standard_tools(parts)) == {"list_files", "read_file", "write_file", "extract_archive"}
    missing = missing_tools(parts)
    assert set(missing) == {*PACKAGES, "run_python"}
    assert {reason.partition("run: ")[2] for reason in missing.values()} == {"pip install 'memento-langgraph[tools]'"}


async def test_a_run_is_told_once_which_tools_are_missing(tmp_path: Path) -> None:
    toolset = Toolset(Settings(home=tmp_path, sandbox="monty"), Roles())
    toolbox = await toolset.toolbox(a_run())
    assert [tool.name for tool in toolbox.tools] == ["list_files", "read_file", "write_file", "extract_archive"]
    (notice,) = toolbox.notices
    assert notice.startswith("tools of web_search, fetch_page, ")
    assert notice.endswith("pip install 'memento-langgraph[tools]'")
    await toolset.aclose()


async def test_doctor_tells_an_extra_once_and_all_tools_that_need_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMENTO_HOME", str(tmp_path))
    monkeypatch.setenv("MEMENTO_SANDBOX", "monty")
    app = Application()
    tools, missing = [finding async for finding in examine_tools(app)]
    assert (tools.what, tools.found) == ("tools", "list_files, read_file, write_file, extract_archive")
    assert (missing.what, missing.status) == ("missing tools", "note")
    names, _, reason = missing.found.partition(": ")
    assert {"web_search", "fetch_page", "read_document", "run_python"} <= set(names.split(", "))
    assert reason.endswith("pip install 'memento-langgraph[tools]'")
    await app.aclose()


async def test_a_tool_that_is_named_is_missing_and_not_unknown(tmp_path: Path) -> None:
    toolset = Toolset(Settings(home=tmp_path, sandbox="monty", tools="web_search,read_file"), Roles())
    offer = await toolset.offer()
    assert [tool.name for tool in offer.tools] == ["read_file"]
    assert list(offer.failures) == ["web_search"]
    with pytest.raises(InvalidInput, match=r"MEMENTO_TOOLS names telepathy; there are list_files, .*web_search"):
        await Toolset(Settings(home=tmp_path, sandbox="monty", tools="telepathy"), Roles()).functions()


@pytest.mark.parametrize(
    "use",
    [
        lambda folder: Fetcher().get("https://example.invalid/"),
        lambda folder: Tavily().search("a", 1),
        lambda folder: MontySandbox().run("python", "1", folder=folder, limits=SandboxLimits()),
    ],
)
async def test_a_part_that_is_used_all_the_same_names_the_extra(use: Any, tmp_path: Path) -> None:
    with pytest.raises(ToolUnavailable, match=INSTALL):
        await use(tmp_path)


def test_prices_name_the_extra() -> None:
    from memento.graph.prices import load_prices

    with pytest.raises(InvalidInput, match=r"pip install 'memento-langgraph\[cli\]'"):
        load_prices()


async def test_a_sandbox_that_is_missing_is_reported_with_the_extra() -> None:
    report = await examine_sandbox("monty")
    assert (report.status, report.fix) == ("bad", "pip install 'memento-langgraph[tools]'")


async def test_mcp_servers_are_missing_with_the_extra_that_brings_them(tmp_path: Path) -> None:
    config = tmp_path / "mcp.json"
    await asyncio.to_thread(config.write_text, json.dumps({"mcpServers": {"files": {"command": "true"}}}))
    toolset = Toolset(Settings(home=tmp_path, sandbox="monty", mcp=config), Roles())
    offer = await toolset.offer()
    assert offer.failures["files"].endswith("pip install 'memento-langgraph[mcp]'")
    await toolset.aclose()
