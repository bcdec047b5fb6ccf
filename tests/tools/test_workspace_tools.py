"""The run's files, as the model lists, reads and writes them."""

import asyncio
from pathlib import Path

import pytest

from memento.tools.errors import ToolInputError
from memento.tools.files.workspace_tools import (
    MAX_READ_BYTES,
    MAX_WRITE_BYTES,
    SHOWN_CHARS,
    SHOWN_FILES,
    make_list_files,
    make_read_file,
    make_write_file,
)
from memento.tools.workspace import Workspace

list_files, read_file, write_file = make_list_files(), make_read_file(), make_write_file()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "run")


async def test_a_file_is_listed_and_read_when_it_was_written(workspace: Workspace) -> None:
    assert await list_files(workspace=workspace) == "The workspace is empty."
    assert await write_file("notes/a.md", "first\n\u00fc\n", workspace=workspace) == "Wrote notes/a.md (9 bytes)."
    assert await list_files(workspace=workspace) == "notes/a.md (9 bytes)"
    assert await read_file("notes/a.md", workspace=workspace) == "first\n\u00fc\n"


async def test_reading_goes_on_where_it_stopped_when_a_file_is_long(workspace: Workspace) -> None:
    lines = [f"line {number} {'x' * 90}" for number in range(1, 301)]
    await write_file("long.txt", "\n".join(lines), workspace=workspace)
    first = await read_file("long.txt", workspace=workspace)
    *shown, note = first.splitlines()
    assert shown == lines[: len(shown)]
    assert len(first) <= SHOWN_CHARS + 100
    assert note == f"[lines 1 to {len(shown)} of 300; go on with start_line={len(shown) + 1}]"
    second = await read_file("long.txt", len(shown) + 1, workspace=workspace)
    assert second.startswith(lines[len(shown)])
    assert (await read_file("long.txt", 300, workspace=workspace)) == f"{lines[-1]}\n[lines 300 to 300 of 300]"
    with pytest.raises(ToolInputError, match="300 lines"):
        await read_file("long.txt", 301, workspace=workspace)


async def test_reading_begins_at_a_line_when_the_path_names_a_place(workspace: Workspace) -> None:
    await write_file("notes/a.md", "one\ntwo\nthree\n", workspace=workspace)
    assert await read_file("notes/a.md:2", workspace=workspace) == "two\nthree\n[lines 2 to 3 of 3]"
    assert await read_file("notes/a.md:2", 3, workspace=workspace) == "three\n[lines 3 to 3 of 3]"
    with pytest.raises(ToolInputError, match="3 lines"):
        await read_file("notes/a.md:4", workspace=workspace)
    with pytest.raises(ToolInputError, match=r"b\.md"):
        await read_file("notes/b.md:2", workspace=workspace)


async def test_a_file_is_read_when_its_own_name_looks_like_a_place(workspace: Workspace) -> None:
    await write_file("log", "other\n", workspace=workspace)
    await write_file("log:2", "its own\n", workspace=workspace)
    assert await read_file("log:2", workspace=workspace) == "its own\n"


async def test_a_line_is_cut_when_it_is_longer_than_a_page(workspace: Workspace) -> None:
    await write_file("one.txt", "x" * (SHOWN_CHARS + 7) + "\nnext", workspace=workspace)
    shown = await read_file("one.txt", workspace=workspace)
    assert "[... 8 more characters of this line left out]" in shown
    assert shown.endswith("go on with start_line=2]")


async def test_an_empty_file_is_said_to_be_empty(workspace: Workspace) -> None:
    await write_file("empty", "", workspace=workspace)
    assert await read_file("empty", workspace=workspace) == "'empty' is empty."


async def test_another_tool_is_named_when_a_file_is_no_text(workspace: Workspace) -> None:
    await asyncio.to_thread(workspace.write, "a.pdf", b"%PDF\0\1")
    with pytest.raises(ToolInputError, match="read_document"):
        await read_file("a.pdf", workspace=workspace)


async def test_too_large_a_file_is_refused(workspace: Workspace) -> None:
    await asyncio.to_thread(workspace.write, "large", b"x" * (MAX_READ_BYTES + 1))
    with pytest.raises(ToolInputError, match="at most"):
        await read_file("large", workspace=workspace)
    with pytest.raises(ToolInputError, match="at most"):
        await write_file("new", "x" * (MAX_WRITE_BYTES + 1), workspace=workspace)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "", "long-results/x"])
async def test_nothing_is_written_where_it_should_not_be(workspace: Workspace, path: str, tmp_path: Path) -> None:
    with pytest.raises(ToolInputError):
        await write_file(path, "x", workspace=workspace)
    assert not await asyncio.to_thread(lambda: list(tmp_path.rglob("*")))


async def test_a_long_list_is_cut_and_shelves_are_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run", shelves={"notes": tmp_path})

    def fill() -> None:
        (tmp_path / "run").mkdir()
        for number in range(SHOWN_FILES + 3):
            (tmp_path / "run" / f"{number:04}").touch()

    await asyncio.to_thread(fill)
    *_, more, shelves = (await list_files(workspace=workspace)).splitlines()
    assert more == "and 3 more"
    assert "notes/" in shelves
