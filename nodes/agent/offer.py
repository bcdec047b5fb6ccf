"""An agent's tools in a portable form, without those that the provider refuses."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from langchain_core.tools import BaseTool
from pydantic import BaseModel

from memento.nodes.errors import ModelRejected, as_model_error, brief_reason, is_context_overflow
from memento.nodes.tool_schemas import PortableSchema, UnusableSchema, original_arguments, portable_schema

MAX_TOOLS: Final = 128
"""Of one request, as OpenAI has it."""
MAX_DESCRIPTION_CHARS: Final = 1_024
"""Of a tool, as OpenAI has it."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FORM_REFUSED: Final = frozenset({400, 422})
# Google counts declarations below one tool, OpenAI and Anthropic count tools.
_NUMBERED: Final = (
    re.compile(r"function_?[dD]eclarations\W{1,2}(\d+)"),
    re.compile(r"(?<![\w.])tools\W{1,2}(\d+)"),
)
_ABOUT_TOOLS: Final = re.compile(r"(?i)\b(functions?|tools?)\b")


class _Offered(NamedTuple):
    definition: dict[str, Any]
    """In OpenAI's form, which every LangChain model takes."""
    schema: PortableSchema


class ToolOffer:
    """An agent's tools, and which of them the model's provider refuses."""

    def __init__(self, tools: Sequence[BaseTool]) -> None:
        """Choose the tools that can be offered.

        Args:
            tools: of whatever origin.
        """
        self.tools: list[BaseTool] = []
        """Those that can be offered, each under a name that providers take."""
        self.left_out: dict[str, str] = {}
        """Name of a tool to the reason why it cannot be used."""
        self._offered: dict[str, _Offered] = {}
        for tool in tools:
            name = tool.name if _NAME.fullmatch(tool.name) else re.sub(r"[^A-Za-z0-9_-]+", "_", tool.name)[:64]
            try:
                self._add(tool, name or "unnamed")
            except Exception as error:  # noqa: BLE001  a host's tool may fail in any way; the others go on
                self.left_out.setdefault(tool.name, brief_reason(error))

    def definition(self, tool: BaseTool | dict[str, Any]) -> BaseTool | dict[str, Any]:
        """Return a tool's definition as shown to the model; a provider's own tool is left as it is."""
        known = self._offered.get(tool.name) if isinstance(tool, BaseTool) else None
        return tool if known is None else known.definition

    def schema(self, name: str) -> dict[str, Any]:
        """Return the argument schema as shown to the model."""
        return self._offered[name].schema.parameters if name in self._offered else {}

    def arguments(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """Map the arguments of a call back to the tool's own names."""
        return original_arguments(given, self._offered[name].schema.renames) if name in self._offered else given

    def leave_out_refused(self, error: Exception, shown: Sequence[BaseTool | dict[str, Any]]) -> bool:
        """Stop offering the tools that a provider's refusal names.

        Args:
            error: what the call raised.
            shown: the tools of the call, in their order.

        Returns:
            Whether there were any: the call is then worth repeating without them.
        """
        refusal = as_model_error(error)
        if not isinstance(refusal, ModelRejected) or refusal.status not in _FORM_REFUSED or is_context_overflow(error):
            return False
        named = [tool.name for tool in shown if isinstance(tool, BaseTool)]
        about = [name for name in _blamed(str(error), named) if name not in self.left_out]
        self.left_out |= dict.fromkeys(about, f"the provider refuses it: {brief_reason(error)}")
        return bool(about)

    def _add(self, tool: BaseTool, name: str) -> None:
        if name in self._offered:
            raise UnusableSchema(f"another tool has the name {name}")
        if len(self.tools) >= MAX_TOOLS:
            raise UnusableSchema(f"a model can be offered {MAX_TOOLS} tools at most")
        given: Any = tool.tool_call_schema
        schema = portable_schema(_json_schema(given))
        function = {
            "name": name,
            "description": tool.description[:MAX_DESCRIPTION_CHARS],
            "parameters": schema.parameters,
        }
        self.tools.append(tool if name == tool.name else tool.model_copy(update={"name": name}))
        self._offered[name] = _Offered({"type": "function", "function": function}, schema)


def _json_schema(given: Any) -> Any:
    """Return the JSON schema of a pydantic class of either major version, or of a tool with its own schema."""
    if not isinstance(given, type):
        return given
    return given.model_json_schema() if issubclass(given, BaseModel) else given.schema()  # type: ignore[attr-defined]


def _blamed(message: str, names: Sequence[str]) -> list[str]:
    """Return the tools that a refusal is about: those quoted where it speaks of tools, or the one at its index."""
    if _ABOUT_TOOLS.search(message) is None and not any(number.search(message) for number in _NUMBERED):
        return []
    quoted = [name for name in names if re.search(rf"[\"'`]{re.escape(name)}[\"'`]", message)]
    if quoted:
        return quoted
    for pattern in _NUMBERED:
        if found := pattern.search(message):
            number = int(found[1])
            return [names[number]] if number < len(names) else []
    return []
