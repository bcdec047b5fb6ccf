"""From a plain typed async function to a LangChain tool."""

from collections.abc import Awaitable, Callable

from langchain_core.tools import StructuredTool


def bound_tool(function: Callable[..., Awaitable[str]]) -> StructuredTool:
    """Bind a function: its name, docstring and annotations are what the model sees.

    Args:
        function: a typed async function with a docstring, returning text.
    """
    return StructuredTool.from_function(coroutine=function, parse_docstring=True, error_on_invalid_docstring=False)
