"""Converts audio into MP3 pieces small enough to upload one by one; runs in a confined child."""

import base64
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Final, TypedDict

from memento.tools.errors import ToolInputError
from memento.tools.media.recording import checked_duration, decodable, opened, seek

if TYPE_CHECKING:
    from av import AudioFrame
    from av.container import InputContainer

_RATE: Final = 16_000
"""In hertz: what models that hear work with."""
_BIT_RATE: Final = 32_000


class SoundPieces(TypedDict):
    """What the child returns."""

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
            raise ToolInputError("it has no audio track")
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


def _frames(container: "InputContainer", start_s: float) -> Iterator[tuple[float, "AudioFrame"]]:
    """Yield decoded audio from a time on, each part with its own time, skipping damaged parts."""
    stream = container.streams.audio[0]
    time_s = 0.0
    if start_s:
        seek(container, stream, start_s)
    for known_s, frame in decodable(container, stream):
        time_s = time_s if known_s is None else known_s
        if time_s >= start_s:
            yield time_s, frame
        time_s += frame.samples / (frame.sample_rate or _RATE)


class _Piece:
    """One MP3 file being encoded."""

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
