"""Which tools exist, and that each is a function that LangChain and MCP can describe to a model."""

import inspect
from pathlib import Path

import pytest

from memento.nodes.tool_binding import bound_tool
from memento.tools.registry import ToolFunction, standard_tools

ALL = {"web_search", "fetch_page", "search_files"}


def all_tools() -> dict[str, ToolFunction]:
    return standard_tools(folders=[Path("somewhere")])


def test_all_tools_exist_when_there_are_folders() -> None:
    assert set(all_tools()) == ALL


def test_files_are_not_searched_when_there_are_no_folders() -> None:
    assert set(standard_tools()) == ALL - {"search_files"}


def test_nothing_is_created_when_tools_are_only_made(tmp_path: Path) -> None:
    standard_tools(folders=[tmp_path / "absent"], index_path=tmp_path / "index" / "files.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_tool_is_a_documented_coroutine_under_its_own_name_when_registered(name: str) -> None:
    tool = all_tools()[name]
    assert inspect.iscoroutinefunction(tool)
    assert tool.__name__ == name
    hints = inspect.get_annotations(tool, eval_str=True)
    assert hints.pop("return") is str
    hints.pop("workspace", None)  # not the model's to give
    assert set(hints.values()) <= {str, int, bool}


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_argument_is_described_when_a_tool_is_wrapped_for_a_model(name: str) -> None:
    wrapped = bound_tool(all_tools()[name])
    assert wrapped.name == name
    assert "workspace" not in wrapped.args
    assert len(wrapped.description) > 40
    assert all(argument["description"] for argument in wrapped.args.values())
