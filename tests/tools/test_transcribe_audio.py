"""Speech to text: what is sent to what hears, whole or in pieces, and what hostile recordings come to."""

import asyncio
import io
import os
import sys
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from memento.tools.errors import ToolInputError, ToolUnavailable
from memento.tools.media.audio import sound_pieces
from memento.tools.media.media_file import media_file
from memento.tools.media.port import Transcribe
from memento.tools.media.transcribe_audio import AS_IT_IS_BYTES, MAX_BYTES, make_transcribe_audio, transcript
from memento.tools.workspace import Workspace
from tests.media_files import sound, video, wav


class Ears:
    """Remembers what it was sent, and says how long that was."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []

    async def __call__(self, name: str, content: bytes) -> str:
        self.heard.append((name, content))
        return f"{await asyncio.to_thread(seconds_of, content):.0f} s of speech"


def seconds_of(content: bytes) -> float:
    with av.open(io.BytesIO(content), "r") as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "run")


async def hear(workspace: Workspace, content: bytes, *, name: str = "a", ears: Transcribe | None = None) -> str:
    await asyncio.to_thread(workspace.write, name, content)
    return await make_transcribe_audio(ears or Ears())(name, workspace=workspace)


def padded(content: bytes) -> bytes:
    """So long that it is not sent as it is."""
    return content + bytes(AS_IT_IS_BYTES)


@pytest.mark.parametrize(
    ("muxer", "encoder", "name"),
    [
        ("wav", "pcm_s16le", "sound.wav"),
        ("mp3", "libmp3lame", "sound.mp3"),
        ("ipod", "aac", "sound.m4a"),
        ("mp4", "aac", "sound.mp4"),
        ("ogg", "libopus", "sound.ogg"),
        ("flac", "flac", "sound.flac"),
        ("webm", "libopus", "sound.webm"),
    ],
)
async def test_a_short_recording_is_sent_as_it_is_under_the_name_of_its_kind(
    workspace: Workspace, muxer: str, encoder: str, name: str
) -> None:
    ears, content = Ears(), await asyncio.to_thread(lambda: sound(1, muxer=muxer, encoder=encoder))
    assert await hear(workspace, content, name="memo.txt", ears=ears) == "1 s of speech"
    assert ears.heard == [(name, content)]


@pytest.mark.parametrize(("muxer", "encoder"), [("adts", "aac"), ("matroska", "flac"), ("avi", "pcm_s16le")])
async def test_a_recording_is_sent_as_mp3_when_services_do_not_know_its_kind(
    workspace: Workspace, muxer: str, encoder: str
) -> None:
    ears, content = Ears(), await asyncio.to_thread(lambda: sound(2, muxer=muxer, encoder=encoder))
    assert await hear(workspace, content, ears=ears) == "2 s of speech"
    assert [name for name, _ in ears.heard] == ["sound.mp3"]


async def test_the_sound_of_a_video_is_heard(workspace: Workspace) -> None:
    clip = await asyncio.to_thread(lambda: video([("red", 2)], muxer="matroska", has_sound=True))
    assert await hear(workspace, clip) == "2 s of speech"


@pytest.mark.slow
async def test_a_long_recording_is_transcribed_in_order_with_times(workspace: Workspace) -> None:
    class SlowAtFirst(Ears):
        async def __call__(self, name: str, content: bytes) -> str:
            number = len(self.heard)
            text = await super().__call__(name, content)
            await asyncio.sleep(0.2 if number == 0 else 0)
            return text

    recording = await asyncio.to_thread(lambda: wav(620, rate=4_000))
    text = await hear(workspace, recording, ears=SlowAtFirst())
    assert text == "[0:00] 600 s of speech\n\n[10:00] 20 s of speech"


@pytest.mark.parametrize(
    ("muxer", "encoder", "demuxer"),
    [
        ("wav", "pcm_s16le", "wav"),
        ("mp3", "libmp3lame", "mp3"),
        ("ipod", "aac", "mov"),
        ("ogg", "libopus", "ogg"),
        ("flac", "flac", "flac"),
        ("webm", "libopus", "matroska"),
    ],
)
def test_no_sound_is_lost_or_doubled_when_a_recording_is_cut(muxer: str, encoder: str, demuxer: str) -> None:
    file = io.BytesIO(sound(21, muxer=muxer, encoder=encoder))
    seconds = []
    for start_s in (0.0, 10.0, 20.0):
        cut = sound_pieces(file, demuxer=demuxer, start_s=start_s, end_s=start_s + 10, piece_s=5.0, max_duration_s=60.0)
        seconds += [seconds_of(b64decode(piece)) for piece in cut["pieces"]]
        assert cut["is_over"] is (start_s == 20.0)
    assert len(seconds) == 5
    assert seconds[:4] == pytest.approx([5.0] * 4, abs=0.3)
    assert sum(seconds) == pytest.approx(21.0, abs=0.6)


async def test_only_a_stretch_is_heard_when_one_is_asked_for(workspace: Workspace) -> None:
    await asyncio.to_thread(workspace.write, "a.wav", wav(9))
    async with media_file(workspace, "a.wav", max_bytes=MAX_BYTES) as file:
        assert await transcript(file, Ears(), start_s=3.0, end_s=5.0) == "2 s of speech"


async def test_the_model_is_told_when_nothing_is_said(workspace: Workspace) -> None:
    async def silence(name: str, content: bytes) -> str:
        return " "

    assert "Nothing was said in a" in await hear(workspace, wav(1), ears=silence)


async def test_the_failure_of_one_piece_comes_through(workspace: Workspace) -> None:
    async def deaf(name: str, content: bytes) -> str:
        raise ToolUnavailable("nothing hears")

    for content in (wav(1), padded(wav(1))):
        with pytest.raises(ToolUnavailable, match="nothing hears"):
            await hear(workspace, content, ears=deaf)


async def test_a_longer_recording_is_sent_as_it_is_where_it_cannot_be_cut(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = await asyncio.to_thread(lambda: wav(120))
    assert len(recording) > AS_IT_IS_BYTES
    monkeypatch.setitem(sys.modules, "av", None)
    sent = []

    async def ears(name: str, content: bytes) -> str:
        sent.append((name, content))
        return "speech"

    assert await hear(workspace, recording, ears=ears) == "speech"
    assert sent == [("sound.wav", recording)]


def test_the_extra_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = io.BytesIO(wav(1))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ToolUnavailable, match=r"pip install 'memento-langgraph\[media\]'"):
        sound_pieces(recording, demuxer="wav", start_s=0, end_s=9, piece_s=9, max_duration_s=9)


def ten_hours() -> bytes:
    """A FLAC whose header claims ten hours, with two seconds of sound."""
    content = bytearray(sound(2, muxer="flac", encoder="flac"))
    # STREAMINFO: the lowest 36 bits of these 8 bytes are the number of samples.
    fields = int.from_bytes(content[18:26], "big") >> 36 << 36 | 16_000 * 36_000
    content[18:26] = fields.to_bytes(8, "big")
    return bytes(content)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: padded(ten_hours()), "10.0 h long, at most 3 h"),
        (lambda: padded(b"ID3" + os.urandom(2_000)), "damaged|no sound"),
        (lambda: padded(sound(2, muxer="ipod", encoder="aac")[:2_000]), "damaged"),
        (lambda: padded(b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff"), "damaged|no sound|too much"),
        (lambda: padded(video([("red", 1)])), "no audio track"),
        (lambda: padded(b"\x1a\x45\xdf\xa3" + b"\xff" * 5_000), "damaged"),
        (lambda: b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/secret\n#EXT-X-ENDLIST\n", "neither sound nor video"),
        (lambda: b"ffconcat version 1.0\nfile '/etc/passwd'\n", "neither sound nor video"),
        (lambda: b"\x89PNG\r\n\x1a\n", "neither sound nor video"),
        (lambda: b"\xff", "neither sound nor video"),
        (lambda: b"", "0 bytes"),
    ],
)
async def test_a_clear_error_names_the_file_when_the_recording_is_hostile(
    workspace: Workspace, make: Callable[[], bytes], message: str
) -> None:
    with pytest.raises(ToolInputError, match=message) as caught:
        await hear(workspace, await asyncio.to_thread(make))
    assert str(caught.value).startswith("a")


async def test_sound_before_the_damage_is_heard_when_a_recording_is_truncated(workspace: Workspace) -> None:
    def make() -> bytes:
        whole = sound(20, muxer="matroska", encoder="flac")
        return whole[: len(whole) // 2]

    seconds = float((await hear(workspace, await asyncio.to_thread(make))).split()[0])
    assert 7 <= seconds <= 12


async def test_the_model_is_told_to_fetch_it_first_when_it_gives_an_address(workspace: Workspace) -> None:
    with pytest.raises(ToolInputError, match="fetch it into the workspace first"):
        await make_transcribe_audio(Ears())("https://example.org/a.mp3", workspace=workspace)
