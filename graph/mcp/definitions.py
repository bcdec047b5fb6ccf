"""Sanitises the tool definitions of an MCP server for a model's tool list.

A description reaches the model, wherever it comes from: it is cut to size, freed of invisible characters, and says
whose words it is. Nothing else that a server says of itself is passed on.
"""

import hashlib
import json
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from memento.graph.mcp.connection import MAX_TOOLS
from memento.nodes.tool_schemas import UnusableSchema, portable_schema

if TYPE_CHECKING:
    from mcp.types import Tool

MAX_NAME_CHARS: Final = 64
MAX_DESCRIPTION_CHARS: Final = 1_500
MAX_SCHEMA_CHARS: Final = 12_000
_FIELD_CHARS: Final = 400
_MAX_DEPTH: Final = 20
_PROSE: Final = ("description", "title", "$comment")
_SHOWN: Final = 3


class Definition(NamedTuple):
    """A tool as shown to a model."""

    name: str
    """Unique, of letters, digits, `_` and `-`."""
    remote_name: str
    """As the server calls it."""
    description: str
    schema: dict[str, Any]
    """JSON schema of its arguments."""
    may_repeat: bool
    """Whether the server says that calling it twice does no harm."""


class Definitions(NamedTuple):
    """The usable tools of a server."""

    usable: list[Definition]
    left_out: str
    """Which tools are not, and why; empty when all are."""


def definitions(server: str, listed: "Collection[Tool]", taken: Collection[str], *, n_nameless: int = 0) -> Definitions:
    """Sanitise a server's tools.

    Args:
        server: its name in the configuration, which its tools' names begin with.
        listed: its tools, as it describes them.
        taken: names that other tools have already.
        n_nameless: how many more it has that cannot be called, since they have no name.
    """
    usable: list[Definition] = []
    left_out = [f"{n_nameless} without a name"] if n_nameless else []
    seen: set[str] = set()
    for tool in listed:
        name, problem = _name(server, tool.name), ""
        schema = _bounded(tool.input_schema)
        schema = {} if schema is None else schema
        if name in taken:
            problem = f"{name} is another tool's name; rename the server"
        elif name in seen:
            problem = f"there are two of the name {name}"
        elif len(json.dumps(schema)) > MAX_SCHEMA_CHARS:
            problem = f"its schema has more than {MAX_SCHEMA_CHARS:,} characters"
        else:
            problem = _why_unusable(schema)
        if problem:
            left_out.append(f"{printable(tool.name)[:MAX_NAME_CHARS]} ({problem})")
            continue
        seen.add(name)
        said = printable(tool.description or "")[:MAX_DESCRIPTION_CHARS]
        usable.append(
            Definition(
                name=name,
                remote_name=tool.name,
                description=f"[from the MCP server {server}] {said}".strip(),
                schema={**schema, "type": "object", "properties": schema.get("properties") or {}},
                may_repeat=bool(
                    tool.annotations and (tool.annotations.read_only_hint or tool.annotations.idempotent_hint)
                ),
            )
        )
    if len(listed) >= MAX_TOOLS:
        left_out.append(f"whatever comes after {MAX_TOOLS} tools")
    more = f" and {len(left_out) - _SHOWN} more" if len(left_out) > _SHOWN else ""
    return Definitions(usable, f"left out: {', '.join(left_out[:_SHOWN])}{more}" if left_out else "")


def _why_unusable(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "its arguments are not a JSON object"
    try:
        portable_schema(schema)
    except UnusableSchema as error:
        return str(error)
    return ""


def printable(text: str) -> str:
    """Remove control and invisible characters."""
    return "".join(character for character in text if character.isprintable() or character in "\n\t")


def safe_name(text: str) -> str:
    """Keep only the characters allowed in names of tools and files."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)


def _name(server: str, tool: str) -> str:
    name = safe_name(f"{server}_{tool}")
    if len(name) <= MAX_NAME_CHARS:
        return name
    digest = hashlib.sha256(f"{server} {tool}".encode()).hexdigest()[:8]
    return f"{name[: MAX_NAME_CHARS - 9]}_{digest}"


def _bounded(schema: Any, depth: int = 0) -> Any:
    """Shorten a schema's descriptions; parts nested too deep may be anything."""
    if depth >= _MAX_DEPTH:
        return {}
    if isinstance(schema, dict):
        return {
            key: printable(value)[:_FIELD_CHARS]
            if key in _PROSE and isinstance(value, str)
            else _bounded(value, depth + 1)
            for key, value in schema.items()
        }
    return [_bounded(value, depth + 1) for value in schema] if isinstance(schema, list) else schema
