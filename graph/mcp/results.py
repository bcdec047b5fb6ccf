"""Converts results of MCP tools to text; images, audio and files are saved in the run's workspace."""

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from memento.graph.mcp.definitions import safe_name
from memento.nodes.message_files import suffix_of
from memento.tools.errors import ToolError
from memento.tools.workspace import Workspace

if TYPE_CHECKING:
    from mcp.types import CallToolResult

MAX_FILE_BYTES: Final = 20_000_000
_FOLDER: Final = "mcp"


async def as_text(result: "CallToolResult", *, tool: str, workspace: Workspace | None) -> str:
    """Convert a result to text for a model.

    Args:
        result: what the server returned.
        tool: the tool's name, for the names of files.
        workspace: where files go; None drops them, and says so.

    Returns:
        The texts, and a line for every file with its path in the workspace.
    """
    parts = [await _part(block, tool, workspace) for block in result.content]
    parts = [part for part in parts if part.strip()]
    if result.structured_content is not None and not _holds(parts, result.structured_content):
        parts.append(json.dumps(result.structured_content, ensure_ascii=False))
    return "\n\n".join(parts) or "(the tool returned nothing)"


def _holds(parts: Sequence[str], structured: Any) -> bool:
    """Whether the texts already contain the structured part of a result; servers often send both."""
    # What is no object is wrapped as one, by convention under this name.
    is_wrapped = isinstance(structured, dict) and structured.keys() == {"result"}
    for value in [structured, *([structured["result"]] if is_wrapped else [])]:
        said = [_parsed(part) for part in parts]
        if value in said or (isinstance(value, list) and value and value == said):
            return True
        if (
            isinstance(value, dict | list)
            and value
            and any(_squeezed(json.dumps(value)) in _squeezed(p) for p in parts)
        ):
            return True
    return False


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _squeezed(text: str) -> str:
    return "".join(text.split())


async def _part(block: Any, tool: str, workspace: Workspace | None) -> str:
    from mcp.types import BlobResourceContents, EmbeddedResource, ResourceLink, TextContent, TextResourceContents

    if isinstance(block, TextContent):
        return block.text
    if isinstance(block, ResourceLink):
        return f"[a resource of the server: {block.name}, {block.uri}]"
    if not isinstance(block, EmbeddedResource):  # an image or a sound
        return await _kept(block.data, block.mime_type, tool, workspace)
    resource = block.resource
    if isinstance(resource, TextResourceContents):
        return f"[{resource.uri}]\n{resource.text}"
    assert isinstance(resource, BlobResourceContents)  # noqa: S101 - the protocol knows no third kind
    return await _kept(resource.blob, resource.mime_type or "", tool, workspace)


async def _kept(encoded: str, mime_type: str, tool: str, workspace: Workspace | None) -> str:
    """Save a file in the workspace; the same content always gets the same name."""
    kind = mime_type.partition(";")[0].strip().lower()[:60] or "a file"

    def keep() -> str:
        if len(encoded) > MAX_FILE_BYTES * 4 // 3 + 4:
            return f"[{kind}: not kept, it has more than {MAX_FILE_BYTES:,} bytes]"
        try:
            content = base64.b64decode(encoded)
        except binascii.Error:
            return f"[{kind}: not kept, it is damaged]"
        if workspace is None:
            return f"[{kind}, {len(content):,} bytes: not kept, for this run has no workspace]"
        name = f"{safe_name(tool)}-{hashlib.sha256(content).hexdigest()[:10]}{suffix_of(kind) or '.bin'}"
        try:
            path = workspace.write(f"{_FOLDER}/{name}", content)
        except ToolError as error:
            return f"[{kind}: not kept: {error}]"
        return f"[{kind}, {len(content):,} bytes, in the workspace as {path}]"

    return await asyncio.to_thread(keep)
