"""Case memory for LangChain agents: middleware, agent tools, a retriever, and the workflow as a tool.

The public names are resolved on first use, so that importing this package imports none of LangChain.

access.py           the memory as adapters use it: opened, named errors, whose cases, without secrets
agent_state.py      what the middleware keeps in an agent's state, and adds to one model call
attempts.py         what an agent did, read from its messages, and cases put into a model's messages
agent_tools.py      case_tools, the memory as tools of an agent that decides itself
agent_tool_arguments.py  their arguments, as a model is shown them
graph_tool.py       memento_tool, the workflow as a tool of another agent
middleware.py       CaseMiddleware, for `create_agent` and deepagents
retriever.py        CaseRetriever, a LangChain retriever of cases
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memento.integrations.case_texts import format_cases
    from memento.integrations.langchain.agent_tools import case_tools
    from memento.integrations.langchain.graph_tool import memento_tool
    from memento.integrations.langchain.middleware import CaseMiddleware
    from memento.integrations.langchain.retriever import CaseRetriever

__all__ = ["CaseMiddleware", "CaseRetriever", "case_tools", "format_cases", "memento_tool"]

_HOMES = {
    "CaseMiddleware": "memento.integrations.langchain.middleware",
    "CaseRetriever": "memento.integrations.langchain.retriever",
    "case_tools": "memento.integrations.langchain.agent_tools",
    "format_cases": "memento.integrations.case_texts",
    "memento_tool": "memento.integrations.langchain.graph_tool",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
