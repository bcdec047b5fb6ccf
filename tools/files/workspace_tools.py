"""The tools `list_files`, `read_file` and `write_file` for the run's workspace and its shelves."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Final

from memento.tools.errors import ToolInputError
from memento.tools.files.passages import as_text
from memento.tools.workspace import SPILL_FOLDER, Workspace

MAX_READ_BYTES: Final = 20_000_000
MAX_WRITE_BYTES: Final = 2_000_000
SHOWN_CHARS: Final = 12_000
SHOWN_FILES: Final = 200

_PLACE: Final = re.compile(r"(?P<path>.+):(?P<line>[0-9]{1,9})")


def make_list_files() -> Callable[..., Awaitable[str]]:
    """Build the `list_files` tool."""

    async def list_files(*, workspace: Workspace) -> str:
        """List the files of the workspace with their sizes. Their paths can be given to every tool that takes one."""
        return await asyncio.to_thread(_list, workspace)

    return list_files


def make_read_file() -> Callable[..., Awaitable[str]]:
    """Build the `read_file` tool."""

    async def read_file(path: str, start_line: int = 1, *, workspace: Workspace) -> str:
        """Read a text file of the workspace, about 12,000 characters at a time.

        For pdf, office and zip files use read_document, for pictures view_image.

        Args:
            path: as list_files or search_files names it; `notes/a.md:12` begins at that line.
            start_line: the first line to show, from 1.
            workspace: where the run's files lie; not shown to the model.
        """
        return await asyncio.to_thread(_read, workspace, path, start_line)

    return read_file


def make_write_file() -> Callable[..., Awaitable[str]]:
    """Build the `write_file` tool."""

    async def write_file(path: str, text: str, *, workspace: Workspace) -> str:
        """Write a text file in the workspace, in place of one of that name. At most 2 MB.

        Args:
            path: where to write it, for example `report.md` or `notes/first.txt`; folders are made.
            text: the whole content.
            workspace: where the run's files lie; not shown to the model.
        """
        return await asyncio.to_thread(_write, workspace, path, text)

    return write_file


def _list(workspace: Workspace) -> str:
    entries = list(workspace.entries())
    lines = [f"{entry.path} ({entry.n_bytes:,} bytes)" for entry in entries[:SHOWN_FILES]]
    if len(entries) > SHOWN_FILES:
        lines.append(f"and {len(entries) - SHOWN_FILES} more")
    if workspace.shelves:
        lines.append(f"May be read, too: what search_files finds in {', '.join(f'{n}/' for n in workspace.shelves)}")
    return "\n".join(lines) or "The workspace is empty."


def _read(workspace: Workspace, path: str, start_line: int) -> str:
    content, path, start_line = _found(workspace, path, start_line)
    text = as_text(content, is_html=False)
    if text is None:
        raise ToolInputError(
            f"{path!r} is not text; try read_document or view_image, or run_python if list_files names it"
        )
    lines = text.splitlines(keepends=True)
    if not lines:
        return f"{path!r} is empty."
    first = max(start_line, 1)
    if first > len(lines):
        raise ToolInputError(f"{path!r} has {len(lines)} lines; start_line is beyond them")
    shown: list[str] = []
    n_chars = 0
    for line in islice(lines, first - 1, None):
        if shown and n_chars + len(line) > SHOWN_CHARS:
            break
        shown.append(line)
        n_chars += len(line)
    return _page("".join(shown), first, first + len(shown) - 1, len(lines))


def _found(workspace: Workspace, path: str, start_line: int) -> tuple[bytes, str, int]:
    """Read a file; `name:12` is a line of a file when no file has that name."""
    try:
        return workspace.read(path, max_bytes=MAX_READ_BYTES), path, start_line
    except ToolInputError:
        place = _PLACE.fullmatch(path.strip())
        if place is None:
            raise
    line = int(place["line"]) if start_line == 1 else start_line  # a page further on is asked for by start_line
    return workspace.read(place["path"], max_bytes=MAX_READ_BYTES), place["path"], line


def _page(text: str, first: int, last: int, n_lines: int) -> str:
    if len(text) > SHOWN_CHARS:
        left_out = len(text) - SHOWN_CHARS
        text = f"{text[:SHOWN_CHARS]}\n[... {left_out:,} more characters of this line left out]"
    if first == 1 and last == n_lines:
        return text
    onward = f"; go on with start_line={last + 1}" if last < n_lines else ""
    return f"{text.rstrip()}\n[lines {first} to {last} of {n_lines}{onward}]"


def _write(workspace: Workspace, path: str, text: str) -> str:
    content = text.encode("utf-8", "replace")
    if len(content) > MAX_WRITE_BYTES:
        raise ToolInputError(f"the text has {len(content):,} bytes, at most {MAX_WRITE_BYTES:,} can be written at once")
    if path.strip().startswith(f"{SPILL_FOLDER}/"):
        raise ToolInputError(f"{SPILL_FOLDER}/ is for long results of tools; choose another folder")
    kept = workspace.write(path, content)
    return f"Wrote {kept} ({len(content):,} bytes)."
