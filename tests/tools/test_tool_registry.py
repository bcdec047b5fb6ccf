"""Which tools exist, and that each is a function that LangChain and MCP can describe to a model."""

import inspect
from collections.abc import Sequence
from pathlib import Path

import pytest

from memento.nodes.tool_binding import bound_tool
from memento.tools.media.port import Picture
from memento.tools.registry import ToolFunction, ToolParts, standard_tools
from memento.tools.sandbox.monty import MontySandbox
from memento.tools.sandbox.unsafe_local import UnsafeLocal

ALWAYS = {
    *("web_search", "fetch_page", "download_file", "search_files", "list_files", "read_file", "write_file"),
    *("read_document", "extract_archive"),
}
ALL = ALWAYS | {"view_image", "watch_video", "transcribe_audio", "run_python", "run_shell"}


async def see(question: str, pictures: Sequence[Picture]) -> str:
    return f"{len(pictures)} pictures"


async def hear(name: str, content: bytes) -> str:
    return f"{len(content)} bytes of {name}"


def all_tools() -> dict[str, ToolFunction]:
    return standard_tools(ToolParts(look=see, transcribe=hear, sandbox=UnsafeLocal()))


def test_a_tool_is_there_when_what_it_needs_is() -> None:
    assert set(all_tools()) == ALL
    assert set(standard_tools(ToolParts())) == ALWAYS
    assert set(standard_tools(ToolParts(sandbox=MontySandbox()))) == ALWAYS | {"run_python"}
    assert set(standard_tools(ToolParts(look=see))) == ALWAYS | {"view_image", "watch_video"}


def test_nothing_is_created_when_tools_are_only_made(tmp_path: Path) -> None:
    standard_tools(ToolParts(index_path=tmp_path / "index" / "files.db"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_tool_is_a_documented_coroutine_under_its_own_name_when_registered(name: str) -> None:
    tool = all_tools()[name]
    assert inspect.iscoroutinefunction(tool)
    assert tool.__name__ == name
    hints = inspect.get_annotations(tool, eval_str=True)
    assert hints.pop("return") is str
    hints.pop("workspace", None)  # not the model's to give
    assert set(hints.values()) <= {str, int, float, bool}


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_argument_is_described_when_a_tool_is_wrapped_for_a_model(name: str) -> None:
    wrapped = bound_tool(all_tools()[name])
    assert wrapped.name == name
    assert "workspace" not in wrapped.args
    assert len(wrapped.description) > 40
    assert all(argument["description"] for argument in wrapped.args.values())
