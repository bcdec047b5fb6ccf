"""Looking at pictures: what reaches the model that sees, and what hostile pictures come to."""

import asyncio
import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from memento.tools.errors import ToolInputError, ToolUnavailable
from memento.tools.media.images import MAX_PIXELS, MAX_SIDE
from memento.tools.media.port import Picture
from memento.tools.media.view_image import MAX_BYTES, make_view_image
from memento.tools.workspace import Workspace


class Eyes:
    """Remembers what it was shown."""

    def __init__(self, answer: str = "a cat") -> None:
        self.answer = answer
        self.seen: list[tuple[str, list[Picture]]] = []

    async def __call__(self, question: str, pictures: Sequence[Picture]) -> str:
        self.seen.append((question, list(pictures)))
        return self.answer

    @property
    def image(self) -> Image.Image:
        return Image.open(io.BytesIO(self.seen[-1][1][0].content))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "run")


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


async def view(workspace: Workspace, content: bytes, *, name: str = "a.png", question: str = "") -> tuple[str, Eyes]:
    await asyncio.to_thread(workspace.write, name, content)
    eyes = Eyes()
    return await make_view_image(eyes)(name, question, workspace=workspace), eyes


@pytest.mark.parametrize(
    ("kind", "mode", "mime_type"),
    [
        ("PNG", "RGB", "image/png"),
        ("PNG", "RGBA", "image/png"),
        ("PNG", "P", "image/png"),
        ("PNG", "I;16", "image/png"),
        ("JPEG", "RGB", "image/jpeg"),
        ("JPEG", "CMYK", "image/jpeg"),
        ("WEBP", "RGBA", "image/jpeg"),
        ("GIF", "P", "image/png"),
        ("BMP", "RGB", "image/png"),
        ("TIFF", "F", "image/png"),
        ("TIFF", "1", "image/png"),
    ],
)
async def test_the_model_is_shown_a_png_or_jpeg_whatever_the_file_is(
    workspace: Workspace, kind: str, mode: str, mime_type: str
) -> None:
    text, eyes = await view(workspace, encoded(Image.new(mode, (40, 30)), kind), question="what?")
    assert text == f"a.png ({kind}, 40 x 30 pixels)\n\na cat"
    question, [picture] = eyes.seen[0]
    assert (question, picture.mime_type) == ("what?", mime_type)
    assert (eyes.image.size, Image.MIME[eyes.image.format or ""]) == ((40, 30), mime_type)


async def test_a_description_is_asked_for_when_there_is_no_question(workspace: Workspace) -> None:
    _, eyes = await view(workspace, encoded(Image.new("L", (4, 4)), "PNG"), question=" ")
    assert "Describe" in eyes.seen[0][0]


async def test_a_large_picture_is_scaled_down_and_told_in_full(workspace: Workspace) -> None:
    text, eyes = await view(workspace, encoded(Image.new("RGB", (4000, 1000), "red"), "JPEG"))
    assert "4000 x 1000" in text
    assert eyes.image.size == (MAX_SIDE, 392)
    assert eyes.image.getpixel((100, 100))[0] > 250  # type: ignore[index]


@pytest.mark.slow
async def test_a_detailed_picture_is_sent_as_jpeg_when_its_png_would_be_large(workspace: Workspace) -> None:
    _, eyes = await view(workspace, encoded(Image.effect_noise((1500, 1500), 90).convert("RGB"), "PNG"))
    assert eyes.seen[0][1][0].mime_type == "image/jpeg"


async def test_the_picture_is_upright_and_nothing_that_cameras_add_is_sent(workspace: Workspace) -> None:
    lying = Image.new("RGB", (60, 40), "white")
    ImageDraw.Draw(lying).rectangle((0, 0, 9, 9), fill="red")
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera of Ada"
    exif.get_ifd(0x8825)[1] = "N"
    for kind in ("JPEG", "PNG"):
        options = {"exif": exif, "icc_profile": b"profile of Ada", "comment": b"from Ada"}
        text, eyes = await view(workspace, encoded(lying, kind, **options))
        assert "40 x 60" in text
        red, _, blue = eyes.image.convert("RGB").getpixel((35, 4))  # type: ignore[misc]
        assert red > 200 > 100 > blue
        assert b"Ada" not in eyes.seen[0][1][0].content
        assert b"Exif" not in eyes.seen[0][1][0].content
        assert not eyes.image.getexif()


async def test_what_is_transparent_is_white(workspace: Workspace) -> None:
    see_through = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    for content in (encoded(see_through, "PNG"), encoded(see_through.quantize(), "GIF", transparency=0)):
        _, eyes = await view(workspace, content)
        assert eyes.image.getpixel((1, 1)) == (255, 255, 255)


async def test_an_instrument_s_range_is_spread_over_black_to_white(workspace: Workspace) -> None:
    measured = Image.new("I;16", (20, 10), 30_000)
    measured.paste(30_200, (10, 0, 20, 10))
    _, eyes = await view(workspace, encoded(measured, "PNG"))
    assert (eyes.image.getpixel((2, 5)), eyes.image.getpixel((17, 5))) == (0, 255)


async def test_the_first_frame_is_seen_when_it_is_an_animation(workspace: Workspace) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    text, eyes = await view(workspace, encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert "first frame of an animation" in text
    assert eyes.image.convert("RGB").getpixel((4, 4)) == (255, 0, 0)


async def test_the_content_counts_when_the_suffix_is_wrong(workspace: Workspace) -> None:
    text, _ = await view(workspace, encoded(Image.new("RGB", (4, 4)), "JPEG"), name="notes.txt")
    assert "(JPEG, 4 x 4" in text


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims any size: a decompression bomb."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (png_claiming(100_000, 100_000), f"at most {MAX_PIXELS:,}"),
        (png_claiming(2**31 - 1, 2**31 - 1), "at most|damaged"),
        (png_claiming(0, 10), "damaged|not an image"),
        (png_claiming(7_000, 7_000), "damaged"),  # few pixels enough, but most of them are missing
        (encoded(Image.effect_noise((300, 300), 50), "PNG")[:-5_000], "damaged"),
        (encoded(Image.effect_noise((300, 300), 50), "JPEG")[:5_000], "damaged"),
        (encoded(Image.effect_noise((300, 300), 50), "WEBP")[:5_000], "damaged|not an image"),
        (
            b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
            "not an image of a known",
        ),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n", "not an image of a known"),
        (b"GIF89a" + b"\xff" * 500, "damaged|not an image|at most"),
        (b"II*\0" + b"\x08\0\0\0" * 100, "damaged|not an image"),
        (b"\0" * 1_000, "not an image of a known"),
        (b"", "0 bytes"),
    ],
)
async def test_a_clear_error_names_the_file_when_the_picture_is_hostile(
    workspace: Workspace, content: bytes, message: str
) -> None:
    with pytest.raises(ToolInputError, match=message) as caught:
        await view(workspace, content)
    assert str(caught.value).startswith("a.png")


async def test_a_picture_is_refused_unread_when_the_file_is_too_large(workspace: Workspace) -> None:
    def make() -> None:
        workspace.folder.mkdir()
        with (workspace.folder / "large.png").open("wb") as stream:
            stream.truncate(MAX_BYTES + 1)

    await asyncio.to_thread(make)
    with pytest.raises(ToolInputError, match="50,000,001 bytes"):
        await make_view_image(Eyes())("large.png", workspace=workspace)


@pytest.mark.parametrize("path", ["https://example.org/a.png", "file:///etc/passwd", "data:image/png;base64,AAAA"])
async def test_the_model_is_told_to_fetch_it_first_when_it_gives_an_address(workspace: Workspace, path: str) -> None:
    with pytest.raises(ToolInputError, match="fetch it into the workspace first"):
        await make_view_image(Eyes())(path, workspace=workspace)


@pytest.mark.parametrize("path", ["missing.png", "../a.png", "/etc/passwd", ""])
async def test_no_other_file_is_looked_at(workspace: Workspace, path: str) -> None:
    with pytest.raises(ToolInputError):
        await make_view_image(Eyes())(path, workspace=workspace)


async def test_the_failure_of_the_model_that_sees_comes_through(workspace: Workspace) -> None:
    async def blind(question: str, pictures: Sequence[Picture]) -> str:
        raise ToolUnavailable("nothing sees")

    await asyncio.to_thread(workspace.write, "a.png", encoded(Image.new("L", (4, 4)), "PNG"))
    with pytest.raises(ToolUnavailable, match="nothing sees"):
        await make_view_image(blind)("a.png", workspace=workspace)
