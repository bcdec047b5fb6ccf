"""Turns tool errors into messages that a model can act on, and decides which are worth a retry."""

import json
from typing import Any, Final

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from pydantic import BaseModel, ValidationError

from memento.nodes.errors import ModelUnavailable, NoCompletion, as_model_error, brief_reason
from memento.nodes.redaction import Redact
from memento.tools.errors import ToolError, ToolUnavailable

OUTAGE: Final = "memento_outage"
"""Metadata of a tool's message: what it works with was away. Providers are not sent it."""

UNREADABLE_CALL: Final = "that call could not be read: its arguments must be one JSON object"

_MAX_CHARS: Final = 1_000
_MAX_NAMES: Final = 60
_MAX_FAULTS: Final = 5
# Tools of others: nothing was done yet, because no connection came about.
_TRANSIENT_NAMES: Final = frozenset(
    {"ConnectError", "ConnectTimeout", "PoolTimeout", "ConnectionError", "APIConnectionError"}
)


def is_worth_retrying(error: Exception) -> bool:
    """Whether the same call may succeed a moment later."""
    if isinstance(error, ToolError):
        return isinstance(error, ToolUnavailable)
    return any(base.__name__ in _TRANSIENT_NAMES for base in type(error).__mro__)


def is_outage(error: Exception) -> bool:
    """Whether what a tool works with is away, so that a run that goes wrong without it says nothing of its cases."""
    if isinstance(error, ToolError):
        return error.is_outage
    # Tools of others: their clients' errors are those that models' clients have.
    service = as_model_error(error)
    return isinstance(service, ModelUnavailable) and not isinstance(service, NoCompletion)


def explained(error: Exception, redact: Redact) -> str:
    """Explain an error to the model: a tool's own message, or the error's type and the start of its message."""
    if isinstance(error, ToolError):
        return redact(str(error))[:_MAX_CHARS] or type(error).__name__
    return f"{type(error).__name__}: {brief_reason(error, redact)}"


def unknown_tool(name: str, tools: list[str]) -> str:
    """Build the message for a call of an unknown tool; it lists the known ones."""
    names = ", ".join(tools[:_MAX_NAMES]) or "none at all"
    return f"there is no tool {name!r}. The tools are: {names}"


def server_away(name: str) -> str:
    """Build the message for a call of a tool that is not offered because its server did not answer."""
    return f"the server of {name!r} does not answer now; work with what you have"


def late_tool(seconds: float) -> str:
    """Build the message for a tool that timed out."""
    return f"it did not answer within {seconds:.3g} s and was stopped. Ask for less at once, or try another way"


def misfit(tool: BaseTool, args: dict[str, Any], shown: dict[str, Any]) -> str:
    """Say which arguments do not fit a tool, and what it accepts; empty when they fit.

    Args:
        tool: the tool.
        args: of the call, under the tool's own names.
        shown: the schema that the model was shown.
    """
    schema = tool.tool_call_schema
    if not (isinstance(schema, type) and issubclass(schema, BaseModel)):
        return ""
    try:
        schema.model_validate(args)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)[:_MAX_FAULTS]
        ]
        return f"the arguments do not fit. {'; '.join(faults)}\n{wanted(tool.name, shown)}"[:_MAX_CHARS]
    return ""


def wanted(name: str, shown: dict[str, Any]) -> str:
    """Return the JSON schema of a tool's arguments."""
    return f"{name} takes {json.dumps(shown.get('properties', {}), ensure_ascii=False, separators=(',', ':'))}"


def failure(call: Any, text: str, *, is_outage: bool = False) -> ToolMessage:
    """Build the tool message that reports a failure to the model.

    Args:
        call: the tool call.
        text: what the model reads.
        is_outage: whether what the tool works with is away, which the record of tool calls keeps.
    """
    marks = {OUTAGE: True} if is_outage else {}
    return ToolMessage(text, tool_call_id=call["id"] or "", name=call["name"], status="error", response_metadata=marks)
