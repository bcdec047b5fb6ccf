"""Long tool results: the model sees the ends of them, and where the whole is."""

import asyncio
from pathlib import Path
from typing import Any

from langchain_core.messages import ToolMessage

from memento.tools.workspace import SPILL_FOLDER, Workspace
from tests.agent_parts import carried_out
from tests.node_parts import calling, scripted


async def pour(n: int) -> str:
    """Pour text."""
    return "".join(f"{number:07d}\n" for number in range(n // 8))


async def read_file(path: str) -> str:
    """Read a file."""
    return path


async def told(*tools: Any, n: int = 1_000_000, **options: Any) -> str:
    model = scripted(calling("pour", n=n), "done")
    await carried_out(model, pour, *tools, **options)
    (message,) = [m for m in model.calls[1].messages if isinstance(m, ToolMessage)]
    return message.text


async def test_head_tail_and_file_are_shown_when_a_result_is_long(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    text = await told(read_file, workspace=workspace)
    shown, note = text.split("\n</tool_result>\n")
    assert len(text) < 21_000
    assert "0000000" in shown
    assert "0124999" in shown
    assert "0060000" not in shown
    assert "980,000 characters left out" in shown
    path = next(word for word in note.replace(";", " ").split() if word.startswith(SPILL_FOLDER))
    whole = await asyncio.to_thread(workspace.read, path, max_bytes=2_000_000)
    assert whole.decode() == await pour(1_000_000)
    assert "read_file reads more of it" in note


async def test_no_reader_is_named_when_there_is_none(tmp_path: Path) -> None:
    assert "reads more" not in await told(workspace=Workspace(tmp_path))


async def test_same_result_is_one_file_when_it_comes_again(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert await told(workspace=workspace) == await told(workspace=workspace)
    assert len(await asyncio.to_thread(lambda: list(workspace.entries()))) == 1
    assert await asyncio.to_thread(workspace.made) == [], "no artefact of the run"


async def test_result_is_cut_and_says_so_when_there_is_no_workspace() -> None:
    assert (await told()).endswith("The rest is lost; ask for less at once.")


async def test_result_is_cut_and_says_so_when_the_workspace_takes_no_more(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    await asyncio.to_thread(blocked.write_text, "in the way")
    assert "there is no more room for files" in await told(workspace=Workspace(blocked))


async def test_result_is_shown_whole_when_it_just_fits() -> None:
    assert "left out" not in await told(n=20_000)


async def test_less_is_shown_when_the_model_reads_little() -> None:
    model = scripted(calling("pour", n=10_000), "done")
    model.profile = {"max_input_tokens": 8_192}
    await carried_out(model, pour)
    assert len(model.calls[1].messages[-1].text) < 4_500
