"""Built-in tools by the name the model calls, limited to those whose dependencies are configured."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from memento.tools.documents.extract_archive import make_extract_archive
from memento.tools.documents.read_document import make_read_document, text_of
from memento.tools.files.search_files import make_search_files
from memento.tools.files.workspace_tools import make_list_files, make_read_file, make_write_file
from memento.tools.media.port import Look, Transcribe
from memento.tools.media.transcribe_audio import make_transcribe_audio
from memento.tools.media.view_image import make_view_image
from memento.tools.media.watch_video import make_watch_video
from memento.tools.sandbox.port import Sandbox
from memento.tools.sandbox.run_code import make_run_python, make_run_shell
from memento.tools.web.download_file import LIMITS, make_download_file
from memento.tools.web.fetch import Fetcher
from memento.tools.web.fetch_page import make_fetch_page
from memento.tools.web.search_port import WebSearch
from memento.tools.web.ssrf_guard import AddressGuard
from memento.tools.web.tavily import Tavily
from memento.tools.web.web_search import make_web_search

ToolFunction = Callable[..., Awaitable[str]]
"""A typed async function whose docstring is what the model reads; it returns text or raises a ToolError."""


@dataclass(frozen=True, kw_only=True)
class ToolParts:
    """External dependencies of the tools; a tool whose dependency is missing is left out."""

    search: Mapping[str, WebSearch] = field(default_factory=lambda: MappingProxyType({"tavily": Tavily().search}))
    """Search engines by name, in the order in which they are asked."""
    guard: AddressGuard = field(default_factory=AddressGuard)
    """Which addresses may be fetched from."""
    reader: Tavily | None = None
    """Reads the pages that refuse us, or that scripts make; it is told their addresses."""
    index_path: Path | None = None
    """The index of `search_files`; None keeps it in memory."""
    look: Look | None = None
    """What sees: pictures, videos, scanned pages."""
    transcribe: Transcribe | None = None
    """What hears."""
    sandbox: Sandbox | None = None
    """Where code runs."""


def standard_tools(parts: ToolParts) -> dict[str, ToolFunction]:
    """Make the built-in tools; opens nothing.

    Args:
        parts: what they are made with.
    """
    tools = [
        make_web_search(parts.search),
        make_fetch_page(fetcher=Fetcher(guard=parts.guard), read_bytes=text_of, tavily=parts.reader),
        make_download_file(fetcher=Fetcher(guard=parts.guard, limits=LIMITS)),
        make_search_files(index_path=parts.index_path),
        make_list_files(),
        make_read_file(),
        make_write_file(),
        make_read_document(look=parts.look),
        make_extract_archive(),
    ]
    if parts.look:
        tools += [make_view_image(parts.look), make_watch_video(parts.look, parts.transcribe)]
    if parts.transcribe:
        tools.append(make_transcribe_audio(parts.transcribe))
    if parts.sandbox:
        tools.append(make_run_python(parts.sandbox))
        if run_shell := make_run_shell(parts.sandbox):
            tools.append(run_shell)
    return {tool.__name__: tool for tool in tools}
