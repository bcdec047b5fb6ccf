"""An image, audio or video file of the workspace, opened for a confined child.

What it is, its first bytes say; its name may lie. The demuxer that is to read it is then named to the parser: left to
guess, FFmpeg also takes playlists, which make it open other files and addresses.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, NamedTuple

from memento.tools.confined import MEMORY_BYTES, confined
from memento.tools.errors import ToolInputError
from memento.tools.file_handoff import open_in_thread
from memento.tools.workspace import Workspace

_HEAD_BYTES: Final = 64


class Container(NamedTuple):
    """Container format of audio or video."""

    suffix: str
    """As transcription services expect it in a file's name."""
    demuxer: str
    """FFmpeg's name of what reads it."""


@dataclass(frozen=True)
class MediaFile:
    """An open media file; only its first bytes are interpreted here, a child parses the rest."""

    path: str
    stream: BinaryIO
    n_bytes: int
    head: bytes

    async def parsed(
        self, function: str, *, timeout_s: float, memory_bytes: int = MEMORY_BYTES, **arguments: Any
    ) -> Any:
        """Call a function of this package, `module:function`, with the file in a confined child.

        Raises:
            ToolError: what the function raised, or its limits; the message names the file.
        """
        try:
            return await confined(
                f"memento.tools.media.{function}",
                arguments,
                files=[self.stream],
                timeout_s=timeout_s,
                memory_bytes=memory_bytes,
            )
        except ToolInputError as error:
            raise ToolInputError(f"{self.path}: {error}") from None

    async def content(self) -> bytes:
        """Read the whole file."""
        return await asyncio.to_thread(os.pread, self.stream.fileno(), self.n_bytes, 0)

    def container(self) -> Container:
        """Return the container format.

        Raises:
            ToolInputError: it is neither sound nor video, or of an unknown kind.
        """
        found = _container(self.head)
        if found is None:
            raise ToolInputError(
                f"{self.path} is neither sound nor video of a known kind "
                "(mp3, wav, m4a, ogg, flac, aac, webm, mp4, mov, mkv, avi)"
            )
        return found


@asynccontextmanager
async def media_file(workspace: Workspace, path: str, *, max_bytes: int) -> AsyncIterator[MediaFile]:
    """Open a file of the workspace.

    Raises:
        ToolInputError: it cannot be opened, is empty or too large, or is a web address instead of a file.
    """
    if "://" in path or path.lower().startswith("data:"):
        raise ToolInputError(
            "only files of the workspace can be used here, no addresses: fetch it into the workspace first, "
            "for example with download_file, and give the path of the file"
        )
    stream = await open_in_thread(workspace.open, path)
    try:
        n_bytes = os.fstat(stream.fileno()).st_size
        if not 0 < n_bytes <= max_bytes:
            raise ToolInputError(f"{path} has {n_bytes:,} bytes; it must not be empty and have at most {max_bytes:,}")
        # Not `read`: the child inherits the descriptor, and with it the position.
        head = await asyncio.to_thread(os.pread, stream.fileno(), _HEAD_BYTES, 0)
        yield MediaFile(path, stream, n_bytes, head)
    finally:
        stream.close()


def _container(head: bytes) -> Container | None:
    """Detect the container format by its magic bytes."""
    kind, brand = head[4:8], head[8:12]
    if head[:4] == b"RIFF":
        return {b"WAVE": Container(".wav", "wav"), b"AVI ": Container(".avi", "avi")}.get(brand)
    if kind == b"ftyp":
        return Container(".m4a" if brand in {b"M4A ", b"M4B "} else ".mp4", "mov")
    if kind in {b"moov", b"mdat", b"wide"}:  # QuickTime before there was a brand
        return Container(".mov", "mov")
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return Container(".webm" if b"webm" in head else ".mkv", "matroska")
    if head[:4] == b"OggS":
        return Container(".ogg", "ogg")
    if head[:4] == b"fLaC":
        return Container(".flac", "flac")
    # A stream of MPEG frames begins with eleven set bits; two that are not set mark AAC.
    first = int.from_bytes(head[:2].ljust(2, b"\0"), "big")
    if first & 0xFFF6 == 0xFFF0:
        return Container(".aac", "aac")
    if head[:3] == b"ID3" or first & 0xFFE0 == 0xFFE0:
        return Container(".mp3", "mp3")
    return None


def clock(seconds: float) -> str:
    """Format a time of a recording: 1:05, 1:02:05."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
