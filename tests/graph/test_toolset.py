"""The tools of a process: where each comes from, and settings that make no sense."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from memento.graph.settings import Settings, read_settings
from memento.graph.toolset import Toolset
from memento.memory.errors import InvalidInput
from memento.tools.errors import ToolInputError
from tests.commands import invoke
from tests.node_parts import Roles, a_run


@pytest.fixture
async def toolset(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Toolset]]:
    made: list[Toolset] = []

    def make(**settings: Any) -> Toolset:
        made.append(Toolset(Settings(**settings), Roles()))
        return made[-1]

    yield make
    for one in made:
        await one.aclose()


async def test_every_tool_is_listed_with_its_room(
    toolset: Callable[..., Toolset],
) -> None:
    offer = await toolset(tools="search_files,run_python", sandbox="monty").offer()
    assert [(entry.tool.name, entry.room, entry.origin) for entry in offer.entries] == [
        ("search_files", "files", "built-in"),
        ("run_python", "sandbox", "built-in"),
    ]
    assert offer.failures == {}


async def test_runs_share_the_tools_and_have_a_folder_and_the_shelves_of_their_own(
    toolset: Callable[..., Toolset], tmp_path: Path
) -> None:
    shared = toolset(home=tmp_path, files=str(tmp_path / "notes"), sandbox="monty")
    one, two = [await shared.toolbox(a_run(folder=name)) for name in ("one", "two")]
    assert [*map(id, one.tools)] == [*map(id, two.tools)]
    assert one.workspace is not None
    assert two.workspace is not None
    assert (one.workspace.folder, two.workspace.folder) == (
        tmp_path / "workspace/runs/one",
        tmp_path / "workspace/runs/two",
    )
    assert one.workspace.shelves == {"notes": tmp_path / "notes"}


async def test_what_is_ours_is_kept_from_a_shelf_that_holds_it(toolset: Callable[..., Toolset], tmp_path: Path) -> None:
    home = tmp_path / "docs" / "home"
    await asyncio.to_thread(home.mkdir, parents=True)
    for path in (home / "ledger.sqlite", tmp_path / "docs" / "notes.md"):
        await asyncio.to_thread(path.write_text, "text")
    shared = toolset(home=home, files=str(tmp_path / "docs"), sandbox="monty")
    workspace = (await shared.toolbox(a_run())).workspace
    assert workspace is not None
    assert await asyncio.to_thread(workspace.read, "docs/notes.md", max_bytes=10) == b"text"
    with pytest.raises(ToolInputError):
        await asyncio.to_thread(workspace.read, "docs/home/ledger.sqlite", max_bytes=10)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tools": "web_search,telepathy"}, "MEMENTO_TOOLS names telepathy; there are web_search, "),
        ({"search": "searxng"}, "set MEMENTO_SEARXNG_URL"),
        ({"transcriber": "deepgram:nova"}, "MEMENTO_TRANSCRIBER=deepgram:nova"),
    ],
)
async def test_a_setting_that_makes_no_sense_is_named(
    toolset: Callable[..., Toolset], settings: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        await toolset(sandbox="monty", **settings).functions()


async def test_a_shell_is_there_only_where_the_sandbox_has_one(toolset: Callable[..., Toolset]) -> None:
    assert "run_shell" not in await toolset(sandbox="monty").functions()
    assert "run_shell" in await toolset(sandbox="unsafe-local").functions()


async def test_sound_is_transcribed_only_where_something_hears(toolset: Callable[..., Toolset]) -> None:
    assert "transcribe_audio" not in await toolset(sandbox="monty").functions()
    assert "transcribe_audio" in await toolset(sandbox="monty", openai_api_key="sk-x").functions()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MEMENTO_COMMUNITY_TOOLS", "wikipedia", r"no longer supported.*Deps\(tools=.*MEMENTO_MCP"),
        ("MEMENTO_SEARCH", "tavily,ddgs", "names ddgs, which is no longer supported.*searxng"),
    ],
)
def test_a_removed_setting_is_refused_with_what_to_use_instead(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=said):
        read_settings()
    version, finding = invoke("doctor", "--json").lines
    assert version["status"] == "ok"
    assert finding["what"] == "settings"
    assert "no longer supported" in finding["found"]


def test_folders_of_the_same_name_are_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folders = [tmp_path / "a" / "notes", tmp_path / "b" / "notes"]
    monkeypatch.setenv("MEMENTO_FILES", os.pathsep.join(map(str, folders)))
    assert Settings().shelves == {"notes": folders[0], "notes-2": folders[1]}
