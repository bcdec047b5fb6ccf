"""Real pictures, sound and video for tests, made on the spot."""

import io
import wave
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from PIL import Image, ImageDraw

COLOURS = ("red", "lime", "blue", "yellow", "magenta", "cyan", "white", "black")


def wav(seconds: float, *, rate: int = 16_000) -> bytes:
    """A tone that climbs, so that no two moments are alike."""
    times = np.arange(int(seconds * rate)) / rate
    samples = (8_000 * np.sin(2 * np.pi * (200 + 2 * times) * times)).astype("<i2")
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return stream.getvalue()


def sound(seconds: float, *, muxer: str, encoder: str, rate: int = 16_000, bit_rate: int | None = None) -> bytes:
    """The same tone in another format."""
    stream = io.BytesIO()
    with av.open(stream, "w", format=muxer) as target, av.open(io.BytesIO(wav(seconds, rate=rate)), "r") as source:
        track = target.add_stream(encoder, rate=rate, layout="mono")
        if bit_rate:
            track.bit_rate = bit_rate
        for frame in source.decode(audio=0):
            target.mux(track.encode(frame))
        target.mux(track.encode(None))
    return stream.getvalue()


def video(
    scenes: Sequence[tuple[str, float]],
    *,
    muxer: str = "mp4",
    encoder: str = "libx264",
    size: tuple[int, int] = (160, 120),
    fps: int = 10,
    keyframe_every: int = 50,
    has_sound: bool = False,
) -> bytes:
    """A video of plain colours with a running number, and perhaps a tone.

    Args:
        scenes: colour and length in seconds of each.
        muxer: FFmpeg's name of the container.
        encoder: and of the codec.
        size: in pixels.
        fps: frames a second.
        keyframe_every: frames.
        has_sound: with the tone of `wav`.
    """
    stream = io.BytesIO()
    with av.open(stream, "w", format=muxer) as target:
        track = target.add_stream(encoder, rate=fps)
        track.width, track.height = size
        track.pix_fmt = "yuv420p"
        track.gop_size = keyframe_every
        tone = (
            target.add_stream("aac" if muxer == "mp4" else "libopus", rate=16_000, layout="mono") if has_sound else None
        )
        number = 0
        for colour, seconds in scenes:
            for _ in range(round(seconds * fps)):
                image = Image.new("RGB", size, colour)
                ImageDraw.Draw(image).text((5, 5), str(number), fill="gray")
                frame = av.VideoFrame.from_image(image)
                frame.pts, frame.time_base = number, Fraction(1, fps)
                target.mux(track.encode(frame))
                number += 1
        target.mux(track.encode(None))
        if tone is not None:
            with av.open(io.BytesIO(wav(number / fps)), "r") as source:
                for part in source.decode(audio=0):
                    target.mux(tone.encode(part))
            target.mux(tone.encode(None))
    return stream.getvalue()
