"""Extracts representative frames of a video; runs in a confined child.

Many are looked at, spread evenly. Those are kept that differ most from one another, so each scene has one; in a video
where nothing changes they are as far apart in time as can be.
"""

import base64
import io
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, TypedDict

from memento.tools.errors import ToolInputError
from memento.tools.media.recording import checked_duration, decodable, opened, seek

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream
    from PIL.Image import Image

MAX_SIDE: Final = 768
"""In pixels: several frames are looked at together."""

_PER_KEPT: Final = 4
_THUMBNAIL: Final = (24, 24)
_TIME_WEIGHT: Final = 4.0
"""Difference of two thumbnails, in grey levels, that the whole length of the video counts as."""
_DECODED_WHOLE_S: Final = 90.0
"""A longer video is not decoded from end to end: only frames that stand alone are looked at."""


class ShownFrame(TypedDict):
    """One frame."""

    time_s: float
    content: str
    """JPEG in base64."""


class VideoFrames(TypedDict):
    """What the child returns."""

    duration_s: float
    has_sound: bool
    frames: list[ShownFrame]
    """In order of time."""


class _Seen(NamedTuple):
    time_s: float
    image: "Image"
    thumbnail: "Image"


def video_frames(
    file: BinaryIO, *, demuxer: str, n_frames: int, start_s: float, end_s: float, max_duration_s: float
) -> VideoFrames:
    """Choose frames of a stretch of a video.

    Args:
        file: the video.
        demuxer: what reads it; nothing else is tried.
        n_frames: at most so many.
        start_s: where the stretch begins.
        end_s: where it ends.
        max_duration_s: of the whole video, as its header has it.

    Raises:
        ToolInputError: it holds no pictures, or is too long.
        ToolUnavailable: PyAV is not installed.
    """
    with opened(file, demuxer) as container:
        duration_s = checked_duration(container, max_duration_s)
        stream = _stream(container)
        if duration_s is None:
            duration_s = _last_time(container, stream)
        end_s = min(end_s, duration_s)
        step_s = (end_s - start_s) / (n_frames * _PER_KEPT)
        seen: list[_Seen] = []
        if end_s - start_s > _DECODED_WHOLE_S:
            seen = list(_keyframes(container, stream, start_s, end_s, step_s))
        if len(seen) < n_frames:
            seen = list(_spread(container, stream, start_s, end_s, step_s, n_max=n_frames * _PER_KEPT))
        if not seen:
            raise ToolInputError(
                "no frame of it can be decoded, or none in the stretch that was asked for; try another stretch"
            )
        return {
            "duration_s": duration_s,
            "has_sound": bool(container.streams.audio),
            "frames": [{"time_s": one.time_s, "content": _jpeg(one.image)} for one in _telling(seen, n_frames)],
        }


def _stream(container: "InputContainer") -> "VideoStream":
    from av.stream import Disposition

    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:  # a record's cover
            stream.thread_type = "AUTO"
            return stream
    raise ToolInputError("it has no video track; use transcribe_audio for its sound")


def _last_time(container: "InputContainer", stream: "VideoStream") -> float:
    """Measure the length of a video whose header lacks it, as in browser recordings."""
    times = (packet.pts for packet in container.demux(stream) if packet.pts is not None)
    last_s = float(max(times, default=0) * (stream.time_base or 0))
    seek(container, stream, 0.0)
    return last_s + 1 / float(stream.average_rate or 1)


def _keyframes(
    container: "InputContainer", stream: "VideoStream", start_s: float, end_s: float, step_s: float
) -> Iterator[_Seen]:
    """Yield the keyframes nearest before evenly spread times."""
    stream.thread_type = "SLICE"  # threads by frame hold several back before they give the first
    stream.codec_context.skip_frame = "NONKEY"
    last_s = -1.0
    time_s = start_s
    while time_s < end_s:
        seek(container, stream, time_s)
        for found_s, frame in islice(_decoded(container, stream), 1):
            if found_s > last_s and start_s - step_s <= found_s < end_s:
                yield _seen(found_s, frame)
                last_s = found_s
        time_s += step_s
    stream.codec_context.skip_frame = "DEFAULT"


def _spread(
    container: "InputContainer", stream: "VideoStream", start_s: float, end_s: float, step_s: float, *, n_max: int
) -> Iterator[_Seen]:
    """Yield the first frame at or after each of evenly spread times, decoding all frames between."""
    seek(container, stream, start_s)
    wanted_s = start_s
    for time_s, frame in _decoded(container, stream):
        if time_s >= end_s or n_max <= 0:
            return
        if time_s >= wanted_s:
            yield _seen(time_s, frame)
            n_max -= 1
            wanted_s = max(wanted_s + step_s, time_s)


def _decoded(container: "InputContainer", stream: "VideoStream") -> Iterator[tuple[float, "VideoFrame"]]:
    """Yield the decoded frames from here on that have a time."""
    for time_s, frame in decodable(container, stream):
        if time_s is not None:
            yield time_s, frame


def _seen(time_s: float, frame: "VideoFrame") -> _Seen:
    scale = min(1.0, MAX_SIDE / max(frame.width, frame.height))
    size = {"width": max(2, round(frame.width * scale)), "height": max(2, round(frame.height * scale))}
    image = frame.reformat(**size, format="rgb24").to_image()  # type: ignore[no-untyped-call]  # PyAV's stubs
    if frame.rotation:
        image = image.rotate(frame.rotation, expand=True)
    return _Seen(time_s, image, image.convert("L").resize(_THUMBNAIL))


def _telling(seen: list[_Seen], n_frames: int) -> list[_Seen]:
    """Choose frames greedily by greatest difference from those chosen so far."""
    length_s = (seen[-1].time_s - seen[0].time_s) or 1.0
    distances = [float("inf")] * len(seen)
    chosen: list[int] = []
    while len(chosen) < min(n_frames, len(seen)):
        newest = max(range(len(seen)), key=distances.__getitem__)
        chosen.append(newest)
        distances = [
            min(distance, _difference(one, seen[newest], length_s))
            for distance, one in zip(distances, seen, strict=True)
        ]
    return [seen[index] for index in sorted(chosen)]


def _difference(one: _Seen, other: _Seen, length_s: float) -> float:
    from PIL import ImageChops, ImageStat

    grey: float = ImageStat.Stat(ImageChops.difference(one.thumbnail, other.thumbnail)).mean[0]
    return grey + _TIME_WEIGHT * abs(one.time_s - other.time_s) / length_s


def _jpeg(image: "Image") -> str:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    return base64.b64encode(stream.getvalue()).decode()
