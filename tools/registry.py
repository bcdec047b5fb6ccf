"""Built-in tools by the name the model calls, limited to those whose dependencies are configured and installed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from memento.extras import install_command, missing_packages
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

_DOCUMENTS: Final = (
    *("bs4", "defusedxml", "lxml", "mammoth", "markdownify"),
    *("openpyxl", "pptx", "pypdfium2", "python_calamine"),
)
_WEB: Final = ("httpx2", "protego")
PACKAGES: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "web_search": ("httpx2", "tavily"),
        "fetch_page": (*_WEB, *_DOCUMENTS, "trafilatura"),
        "download_file": _WEB,
        "search_files": _DOCUMENTS,
        "read_document": (*_DOCUMENTS, "PIL"),
        "view_image": ("PIL",),
        "watch_video": ("PIL",),
    }
)
"""Tool to the packages of the extra `tools` that it imports; for long sound and videos there is the extra `media`."""


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
    """Make the built-in tools whose packages are installed; opens nothing.

    Args:
        parts: what they are made with.
    """
    tools = {tool.__name__: tool for tool in _tools(parts)}
    return {name: tool for name, tool in tools.items() if _are_installed(name, parts)}


def missing_tools(parts: ToolParts) -> dict[str, str]:
    """The built-in tools that `standard_tools` leaves out because packages are not installed.

    Args:
        parts: as for `standard_tools`.

    Returns:
        Tool to the reason, which names the extra to install.
    """
    names = [tool.__name__ for tool in _tools(parts)]
    reason = f"its packages are not installed; the user must run: {install_command('tools')}"
    return {name: reason for name in names if not _are_installed(name, parts)}


def _are_installed(name: str, parts: ToolParts) -> bool:
    packages = PACKAGES.get(name, ())
    if name == "run_python" and parts.sandbox is not None and parts.sandbox.name == "monty":
        packages = ("pydantic_monty",)
    return missing_packages("tools", packages) is None


def _tools(parts: ToolParts) -> list[ToolFunction]:
    tools: list[ToolFunction] = [
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
    return tools
