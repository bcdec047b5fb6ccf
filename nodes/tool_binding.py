"""Turns a typed async function into a LangChain tool.

A function that works with files takes a `workspace`. The model is not shown that argument: it comes with the call, from
whoever runs the agent, because a tool is shared by runs that each have a workspace of their own.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import StructuredTool
from langchain_core.tools.base import create_schema_from_function

from memento.tools.errors import ToolUnavailable
from memento.tools.workspace import Workspace

WORKSPACE: Final = "__memento_workspace"
"""Key of the agent's configurable. Keys with two underscores stay out of checkpoints and traces."""


def bound_tool(function: Callable[..., Awaitable[str]]) -> StructuredTool:
    """Bind a function: the model sees its name, docstring and annotations.

    Args:
        function: a typed async function with a docstring, returning text. An argument called `workspace` is given the
            run's `Workspace`.
    """
    if "workspace" not in inspect.signature(function).parameters:
        return StructuredTool.from_function(coroutine=function, parse_docstring=True, error_on_invalid_docstring=False)

    async def in_workspace(*, config: RunnableConfig, **arguments: Any) -> str:
        return await function(workspace=_workspace_of(config), **arguments)

    schema = create_schema_from_function(
        function.__name__,
        function,
        filter_args=["workspace"],
        parse_docstring=True,
        error_on_invalid_docstring=False,
    )
    description = str(schema.__doc__ or inspect.getdoc(function))
    return StructuredTool.from_function(
        coroutine=in_workspace, name=function.__name__, description=description, args_schema=schema, infer_schema=False
    )


def _workspace_of(config: Mapping[str, Any]) -> Workspace:
    workspace = config.get("configurable", {}).get(WORKSPACE)
    if not isinstance(workspace, Workspace):
        raise ToolUnavailable("this run has no workspace, so no tool can use files", is_outage=False)
    return workspace
