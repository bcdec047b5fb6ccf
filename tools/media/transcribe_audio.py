"""The transcribe_audio tool: speech to text; long recordings are sent in pieces."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Final

from memento.tools.errors import ToolInputError
from memento.tools.media.audio import SoundPieces
from memento.tools.media.media_file import MediaFile, clock, media_file
from memento.tools.media.port import Transcribe
from memento.tools.workspace import Workspace

MAX_BYTES: Final = 500_000_000
MAX_DURATION_S: Final = 3 * 3600.0
AS_IT_IS_BYTES: Final = 3_000_000
"""Of any common bit rate that is less than the 25 minutes that services accept."""
SENDABLE_BYTES: Final = 20_000_000
"""What services accept in one file; so much is sent as it is where PyAV is not installed."""
PIECE_S: Final = 600.0
STRETCH_S: Final = 4 * PIECE_S
"""What one child cuts; its pieces are transcribed side by side."""
CUT_TIMEOUT_S: Final = 120.0

_SENDABLE: Final = frozenset({".mp3", ".wav", ".m4a", ".mp4", ".ogg", ".flac", ".webm"})


def make_transcribe_audio(transcribe: Transcribe) -> Callable[..., Awaitable[str]]:
    """Build the `transcribe_audio` tool; opens nothing.

    Args:
        transcribe: asks what hears.
    """

    async def transcribe_audio(path: str, *, workspace: Workspace) -> str:
        """Write down what is said in a recording of the workspace.

        MP3, WAV, M4A, Ogg, FLAC, AAC and WebM, and the sound of MP4, MOV, MKV and AVI; up to 3 hours. A long one comes
        in parts of ten minutes, each with the time it begins at.

        Args:
            path: as list_files names it; not a URL, which download_file gets.
            workspace: where the run's files lie; not shown to the model.
        """
        async with media_file(workspace, path, max_bytes=MAX_BYTES) as file:
            container = file.container()
            n_sendable = AS_IT_IS_BYTES if await asyncio.to_thread(find_spec, "av") else SENDABLE_BYTES
            if container.suffix in _SENDABLE and file.n_bytes <= n_sendable:
                text = await transcribe(f"sound{container.suffix}", await file.content())
            else:
                text = await transcript(file, transcribe)
        return text.strip() or f"Nothing was said in {path}, or it could not be understood."

    return transcribe_audio


async def transcript(
    file: MediaFile, transcribe: Transcribe, *, start_s: float = 0.0, end_s: float = MAX_DURATION_S
) -> str:
    """Transcribe a stretch of a recording piece by piece.

    Raises:
        ToolInputError: it holds no sound, is too long or damaged.
        ToolUnavailable: PyAV is not installed, or nothing hears.
    """
    demuxer = file.container().demuxer
    spoken: list[tuple[float, str]] = []
    is_over = False
    while not is_over and start_s < end_s:
        stretch: SoundPieces = await file.parsed(
            "audio:sound_pieces",
            demuxer=demuxer,
            start_s=start_s,
            end_s=min(start_s + STRETCH_S, end_s),
            piece_s=PIECE_S,
            max_duration_s=MAX_DURATION_S,
            timeout_s=CUT_TIMEOUT_S,
        )
        texts = await _all([base64.b64decode(piece) for piece in stretch["pieces"]], transcribe)
        spoken += [(start_s + number * PIECE_S, text.strip()) for number, text in enumerate(texts)]
        is_over = stretch["is_over"]
        start_s += STRETCH_S
    if not spoken:
        raise ToolInputError(f"{file.path}: no sound in it can be decoded")
    if len(spoken) == 1:
        return spoken[0][1]
    return "\n\n".join(f"[{clock(time_s)}] {text}" for time_s, text in spoken if text)


async def _all(pieces: list[bytes], transcribe: Transcribe) -> list[str]:
    """Transcribe the pieces concurrently; the first failure cancels the others."""

    async def one(piece: bytes) -> str:
        return await transcribe("sound.mp3", piece)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(piece)) for piece in pieces]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
