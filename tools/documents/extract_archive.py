"""The extract_archive tool: unpacks files of an archive into a new folder of the workspace.

A child that can write nothing unpacks; names, counts and sizes are checked here, and what comes back is written through
the workspace, which follows no link.
"""

import asyncio
import base64
import fnmatch
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import BinaryIO, Final

from memento.tools.confined import confined
from memento.tools.documents.archives import Listed, Piece
from memento.tools.documents.document import MAX_FILE_BYTES
from memento.tools.errors import ToolInputError, ToolLimitReached
from memento.tools.file_handoff import open_in_thread
from memento.tools.file_names import shown
from memento.tools.workspace import Workspace

MAX_FILES: Final = 500
MAX_BYTES: Final = 100_000_000
"""Unpacked by one call, all files together."""
MAX_RATIO: Final = 300
"""Bytes out of one byte; more is a bomb."""

TIMEOUT_S: Final = 30.0
_SMALL_BYTES: Final = 10_000_000
"""Up to this the ratio does not matter."""
_PIECE_BYTES: Final = 10_000_000
_LISTED: Final = 50
_ARCHIVES: Final = "memento.tools.documents.archives"


def make_extract_archive() -> Callable[..., Awaitable[str]]:
    """Build the `extract_archive` tool; opens nothing."""

    async def extract_archive(path: str, members: str = "", *, workspace: Workspace) -> str:
        """Unpack a zip, tar, tar.gz or gz file of the workspace into a new folder of it, and name the files.

        At most 500 files of 100 MB together. Archives inside it are not unpacked; call again for them. Links, hidden
        files and paths that lead outside are left out.

        Args:
            path: as list_files names it; read_document lists what is in the archive.
            members: only files whose path matches this pattern, such as `*.csv` or `images/*`; empty for all.
            workspace: where the run's files lie; not shown to the model.
        """
        file = await open_in_thread(workspace.open, path)
        try:
            name = os.path.basename(path.strip())
            if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
                raise ToolInputError(f"it has more than {MAX_FILE_BYTES:,} bytes, which is too much to unpack")
            found: list[Listed] = await confined(
                f"{_ARCHIVES}:contents", {"name": name}, files=[file], timeout_s=TIMEOUT_S
            )
            extraction = _Extraction(workspace, await asyncio.to_thread(_new_folder, workspace, name), found)
            await _unpack(file, name, extraction, _chosen(found, members, extraction.left_out))
        except ToolInputError as error:
            raise ToolInputError(f"{path}: {error}") from error
        finally:
            file.close()
        return extraction.report()

    return extract_archive


def _new_folder(workspace: Workspace, name: str) -> str:
    """Choose a folder name after the archive that is free in the workspace and on all shelves."""
    stem = name.split(".", maxsplit=1)[0].replace("\\", "_").strip() or "archive"
    taken = {entry.path.split("/")[0] for entry in workspace.entries()} | set(workspace.shelves)
    number, folder = 1, stem
    while folder in taken or os.path.lexists(workspace.folder / folder):
        number += 1
        folder = f"{stem}-{number}"
    return folder


def _chosen(found: Sequence[Listed], pattern: str, left_out: Counter[str]) -> list[int]:
    """Choose members by pattern, as positions; say why others are left out.

    Raises:
        ToolInputError: none matches, or there are too many or too large ones.
    """
    matching = [n for n, member in enumerate(found) if not pattern or _matches(member["name"], pattern)]
    if not matching:
        raise ToolInputError(f"no file in it matches {pattern!r}" if pattern else "it is empty")
    chosen: dict[str, int] = {}
    for number in matching:
        member = found[number]
        if member["problem"] or member["name"].lower() in chosen:
            left_out[member["problem"] or "a name that was there before"] += 1
        else:
            chosen[member["name"].lower()] = number
    _refuse_too_much([found[number] for number in chosen.values()])
    return list(chosen.values())


def _matches(name: str, pattern: str) -> bool:
    """Whether a name matches the pattern, raw or as shown."""
    return any(fnmatch.fnmatch(one, pattern) for one in (name, shown(name)))


def _refuse_too_much(members: Sequence[Listed]) -> None:
    n_bytes = sum(member["n_bytes"] or 0 for member in members)
    if len(members) > MAX_FILES or n_bytes > MAX_BYTES:
        raise ToolInputError(
            f"that is too much to unpack: {len(members):,} files of {n_bytes:,} bytes, at most {MAX_FILES} of "
            f"{MAX_BYTES:,} together; choose some with members"
        )
    for member in members:
        n_unpacked = member["n_bytes"] or 0
        if member["n_packed"] is not None and n_unpacked > max(_SMALL_BYTES, MAX_RATIO * member["n_packed"]):
            raise ToolInputError(
                f"it is not unpacked: {member['name']!r} grows from {member['n_packed']:,} to {n_unpacked:,} bytes"
            )


async def _unpack(file: BinaryIO, name: str, extraction: "_Extraction", chosen: Sequence[int]) -> None:
    """Unpack the members, some megabytes per child process."""
    first, offset = 0, 0
    while chosen:
        arguments = {"name": name, "wanted": chosen, "first": first, "offset": offset, "max_bytes": _PIECE_BYTES}
        found: list[Piece] = await confined(f"{_ARCHIVES}:pieces", arguments, files=[file], timeout_s=TIMEOUT_S)
        for piece in found:
            n_bytes = await asyncio.to_thread(extraction.take, piece)
            first, offset = (piece["number"] + 1, 0) if piece["is_last"] else (piece["number"], n_bytes)
        if not found:
            return


class _Extraction:
    """Progress of an extraction."""

    def __init__(self, workspace: Workspace, folder: str, members: Sequence[Listed]) -> None:
        self.left_out: Counter[str] = Counter()
        self._workspace = workspace
        self._folder = folder
        self._members = members
        self._written: list[tuple[str, int]] = []
        self._content = bytearray()
        self._n_bytes = 0

    def take(self, piece: Piece) -> int:
        """Collect a piece of a member, and write the member once it is complete.

        Returns:
            Bytes of this member so far.

        Raises:
            ToolLimitReached: it becomes too much; what was whole stays.
        """
        content = base64.b64decode(piece["content"])
        self._content += content
        self._n_bytes += len(content)
        n_bytes = len(self._content)
        if self._n_bytes > MAX_BYTES:
            raise ToolLimitReached(f"it unpacks to more than {MAX_BYTES:,} bytes; unpacking ended. {self.report()}")
        if piece["problem"]:
            self.left_out[piece["problem"]] += 1
            self._content.clear()
        elif piece["is_last"]:
            self._write(self._members[piece["number"]]["name"])
        return n_bytes

    def _write(self, name: str) -> None:
        try:
            path = self._workspace.write(f"{self._folder}/{name.replace(chr(92), '/')}", bytes(self._content))
            self._written.append((path, len(self._content)))
        except ToolInputError:
            self.left_out["a path that cannot be written"] += 1
        except ToolLimitReached as error:
            raise ToolLimitReached(f"{error}. {self.report()}") from error
        finally:
            self._content.clear()

    def report(self) -> str:
        """Report which files were extracted, and which were not."""
        lines = [f"Unpacked {len(self._written)} files into {self._folder}/:"]
        lines += [f"- {path} ({n_bytes:,} bytes)" for path, n_bytes in self._written[:_LISTED]]
        if len(self._written) > _LISTED:
            lines.append(f"- and {len(self._written) - _LISTED} more; list_files names them")
        if not self._written:
            lines = ["Nothing was unpacked."]
        reasons = ", ".join(f"{n} x {reason}" for reason, n in sorted(self.left_out.items()))
        return "\n".join([*lines, *([f"Left out: {reasons}."] if reasons else [])])
