"""Opens and decodes a recording (audio or video) with one demuxer; runs in a confined child.

FFmpeg comes with PyAV, the extra `media`; no program is started.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from memento.extras import optional_imports
from memento.tools.errors import ToolInputError, ToolUnavailable

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

_MICROSECONDS: Final = 1_000_000


def opened(file: BinaryIO, demuxer: str) -> "InputContainer":
    """Open a recording with one demuxer, which may open nothing else.

    Raises:
        ToolUnavailable: PyAV is not installed.
    """
    with optional_imports("media", "sound and video cannot be taken apart here", ToolUnavailable):
        import av
    file.seek(0)
    return av.open(file, "r", format=demuxer, options={"protocol_whitelist": "none"})


def checked_duration(container: "InputContainer", max_duration_s: float) -> float | None:
    """Return a recording's length from its header; None when the header lacks it.

    Raises:
        ToolInputError: it is too long.
    """
    if container.duration is None or container.duration <= 0:
        return None
    seconds = container.duration / _MICROSECONDS
    if seconds > max_duration_s:
        raise ToolInputError(
            f"it is {seconds / 3600:.1f} h long, at most {max_duration_s / 3600:g} h can be taken; give a part of it"
        )
    return seconds


def seek(container: "InputContainer", stream: "Stream", seconds: float) -> None:
    """Seek to the last decodable point at or before a time; recordings without such points stay at their start."""
    import av

    with contextlib.suppress(av.FFmpegError):
        container.seek((stream.start_time or 0) + int(seconds / (stream.time_base or 1)), stream=stream)


def decodable(container: "InputContainer", stream: "Stream") -> Iterator[tuple[float | None, Any]]:
    """Yield decoded frames from here on, skipping damaged ones.

    Each comes with its time in seconds from the beginning of the recording, None when the recording does not say.
    """
    import av

    origin_s = float((stream.start_time or 0) * (stream.time_base or 0))
    for packet in container.demux(stream):
        try:
            frames: list[Any] = packet.decode()  # of sound or of pictures, as the stream is
        except av.InvalidDataError:
            continue
        for frame in frames:
            yield (None if frame.time is None else frame.time - origin_s), frame
