"""What others give beside our own tools: langchain-community's by name, and where every tool comes from."""

import asyncio
import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from memento.graph.community_tools import NAMES, community_tools
from memento.graph.settings import Settings
from memento.graph.toolbox import Toolbox
from memento.memory.errors import InvalidInput
from memento.tools.errors import ToolUnavailable
from memento.tools.files.search_files import make_search_files

NEEDED = ("langchain_community", "wikipedia", "arxiv", "xmltodict")
is_installed = all(find_spec(name) for name in NEEDED)


async def shout(text: str) -> str:
    """Say it loudly."""
    return text.upper()


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"no tool 'wiki'; choose from: wikipedia, arxiv, pubmed"):
        community_tools(["wiki"])


@pytest.mark.skipif(is_installed, reason="langchain-community is installed")
@pytest.mark.parametrize("name", NAMES)
def test_a_missing_package_is_told_with_the_command_that_installs_it(name: str) -> None:
    with pytest.raises(InvalidInput, match=rf"{name}.*pip install 'memento-langgraph\[community\]' "):
        community_tools([name])


@pytest.mark.skipif(not is_installed, reason="needs langchain-community, wikipedia, arxiv and xmltodict")
@pytest.mark.filterwarnings("ignore:.*'Search.results' method is deprecated:DeprecationWarning")
async def test_tools_of_the_community_fail_as_ours_do_when_there_is_no_network() -> None:
    tools = await asyncio.to_thread(community_tools, NAMES)
    assert [tool.name for tool in tools] == list(NAMES)
    for tool in tools:
        with pytest.raises(ToolUnavailable, match=f"{tool.name} failed"):
            await tool.ainvoke({"query": "Alan Turing"})


async def test_every_tool_is_listed_with_its_room_and_what_fails_with_its_reason() -> None:
    toolbox = Toolbox(community=["nonsense"])
    offer = await toolbox.offer({"search_files": make_search_files(), "shout": shout})
    assert [(entry.tool.name, entry.room, entry.origin) for entry in offer.entries] == [
        ("search_files", "files", "built-in"),
        ("shout", "host", "built-in"),
    ]
    assert "no tool 'nonsense'" in offer.failures["nonsense"]
    await toolbox.aclose()


def test_names_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_COMMUNITY_TOOLS", "wikipedia, arxiv,")
    assert Settings().community == ("wikipedia", "arxiv")


def test_folders_of_the_same_name_are_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folders = [tmp_path / "a" / "notes", tmp_path / "b" / "notes"]
    monkeypatch.setenv("MEMENTO_FILES", os.pathsep.join(map(str, folders)))
    assert Settings().shelves == {"notes": folders[0], "notes-2": folders[1]}
