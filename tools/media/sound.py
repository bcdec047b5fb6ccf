"""Runs in a confined child: sound of any common kind becomes pieces of MP3, small enough to be sent one by one.

FFmpeg comes with PyAV, the extra `media`; no program is started.
"""

import base64
import contextlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Final, TypedDict

from memento.tools.errors import ToolInputError, ToolUnavailable

if TYPE_CHECKING:
    from av import AudioFrame
    from av.container import InputContainer
    from av.stream import Stream

_RATE: Final = 16_000
"""In hertz: what models that hear work with."""
_BIT_RATE: Final = 32_000
_MICROSECONDS: Final = 1_000_000

MISSING: Final = (
    "sound and video cannot be taken apart here; the user can install what is missing: "
    "pip install 'memento-langgraph[media]'"
)


class SoundPieces(TypedDict):
    """What the child answers with."""

    pieces: list[str]
    """MP3 in base64, in order."""
    is_over: bool
    """Whether the sound ends with the last of them."""


def sound_pieces(
    file: BinaryIO, *, demuxer: str, start_s: float, end_s: float, piece_s: float, max_duration_s: float
) -> SoundPieces:
    """Cut a stretch of a recording into pieces.

    Args:
        file: sound, or video with sound.
        demuxer: what reads it; nothing else is tried.
        start_s: where the stretch begins.
        end_s: where it ends; so many pieces are made as fit in.
        piece_s: length of one piece.
        max_duration_s: of the whole recording, as its header has it.

    Raises:
        ToolInputError: it holds no sound, or too much of it.
        ToolUnavailable: PyAV is not installed.
    """
    with opened(file, demuxer) as container:
        checked_duration(container, max_duration_s)
        if not container.streams.audio:
            raise ToolInputError("it holds no sound")
        pieces: list[_Piece] = []
        is_over = True
        for time_s, frame in _frames(container, start_s):
            if time_s >= end_s:
                is_over = False
                break
            if len(pieces) <= (time_s - start_s) // piece_s:
                pieces.append(_Piece())
            pieces[-1].add(frame)
        return {"pieces": [base64.b64encode(piece.content()).decode() for piece in pieces], "is_over": is_over}


def opened(file: BinaryIO, demuxer: str) -> "InputContainer":
    """Open a recording with one demuxer, which may open nothing else.

    Raises:
        ToolUnavailable: PyAV is not installed.
    """
    try:
        import av
    except ImportError:
        raise ToolUnavailable(MISSING) from None
    file.seek(0)
    return av.open(file, "r", format=demuxer, options={"protocol_whitelist": "none"})


def checked_duration(container: "InputContainer", max_duration_s: float) -> float | None:
    """Tell how long a recording is by its header, None when that does not say.

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
    """Go to the last point at or before a time from which can be decoded; what has no such points is left as it is."""
    import av

    with contextlib.suppress(av.FFmpegError):
        container.seek((stream.start_time or 0) + int(seconds / (stream.time_base or 1)), stream=stream)


def _frames(container: "InputContainer", start_s: float) -> Iterator[tuple[float, "AudioFrame"]]:
    """Yield decoded sound from a time on, each part with its own time; what is damaged is left out."""
    import av

    stream = container.streams.audio[0]
    origin_s = float((stream.start_time or 0) * (stream.time_base or 0))
    time_s = 0.0
    if start_s:
        seek(container, stream, start_s)
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            continue
        for frame in frames:
            time_s = frame.time - origin_s if frame.time is not None else time_s
            if time_s >= start_s:
                yield time_s, frame
            time_s += frame.samples / (frame.sample_rate or _RATE)


class _Piece:
    """One MP3 file in the making."""

    def __init__(self) -> None:
        import av

        self._stream = io.BytesIO()
        self._container = av.open(self._stream, "w", format="mp3")
        self._encoder = self._container.add_stream("libmp3lame", rate=_RATE, layout="mono")
        self._encoder.bit_rate = _BIT_RATE
        self._encoder.options = {"compression_level": "7"}  # a third faster, and speech loses nothing
        self._resampler = av.AudioResampler(format="s16p", layout="mono", rate=_RATE)

    def add(self, frame: "AudioFrame") -> None:
        frame.pts = None  # a piece begins at zero
        for resampled in self._resampler.resample(frame):
            self._container.mux(self._encoder.encode(resampled))

    def content(self) -> bytes:
        for resampled in self._resampler.resample(None):
            self._container.mux(self._encoder.encode(resampled))
        self._container.mux(self._encoder.encode(None))
        self._container.close()
        return self._stream.getvalue()
