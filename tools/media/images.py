"""Re-encodes an image as a small PNG or JPEG without metadata; runs in a confined child."""

import base64
import io
from typing import TYPE_CHECKING, BinaryIO, Final, TypedDict

from memento.tools.errors import ToolInputError

if TYPE_CHECKING:
    from PIL.Image import Exif, Image

MAX_PIXELS: Final = 50_000_000
MAX_SIDE: Final = 1_568
"""In pixels: models that see scale down what is larger."""

_FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_LOSSLESS: Final = frozenset({"PNG", "GIF", "BMP", "TIFF"})
_MAX_PNG_BYTES: Final = 1_500_000
_JPEG_QUALITY: Final = 88
_ORIENTATION: Final = 0x0112
_LYING: Final = frozenset({5, 6, 7, 8})
"""Values of that tag with which the picture is turned by a quarter."""


class EncodedPicture(TypedDict):
    """What the child returns."""

    content: str
    """Base64."""
    mime_type: str
    format: str
    """What the file really is."""
    width: int
    """Of the file's picture, in pixels, as it is to be seen."""
    height: int
    is_animated: bool


def encoded_picture(file: BinaryIO) -> EncodedPicture:
    """Decode an image, turn it upright, and encode it anew, at most 1,568 pixels on a side.

    Raises:
        ToolInputError: it is of no known kind, or has too many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # the limit below says what it is
    file.seek(0)
    try:
        image: Image.Image = Image.open(file, formats=_FORMATS)
    except UnidentifiedImageError:
        raise ToolInputError("it is not an image of a known format (PNG, JPEG, WebP, GIF, BMP, TIFF)") from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ToolInputError(f"it has {width:,} x {height:,} pixels, at most {MAX_PIXELS:,} in all can be looked at")
    kind = image.format or ""
    is_animated = bool(getattr(image, "is_animated", False))
    exif = image.getexif()
    if exif.get(_ORIENTATION) in _LYING:
        width, height = height, width
    content, mime_type = _encoded(_upright(image, exif), is_lossless=kind in _LOSSLESS)
    return {
        "content": base64.b64encode(content).decode(),
        "mime_type": mime_type,
        "format": kind,
        "width": width,
        "height": height,
        "is_animated": is_animated,
    }


def _upright(image: "Image", exif: "Exif") -> "Image":
    """Scale down first, as some decoders can while decoding; then apply the EXIF orientation."""
    from PIL import ImageOps

    if image.mode in {"P", "1"}:  # not scaled smoothly as they are
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    is_deep = image.mode.startswith(("I", "F"))
    image.thumbnail((MAX_SIDE, MAX_SIDE), reducing_gap=None if is_deep else 2.0)
    if is_deep:
        image = _eight_bits(image)
    image.getexif().update(exif)
    return ImageOps.exif_transpose(image)


def _eight_bits(image: "Image") -> "Image":
    """Stretch the occurring values to black and white: instruments use any part of their range."""
    low, high = (float(bound) for bound in image.getextrema())  # type: ignore[arg-type]  # it has one band
    scale = 255.0 / ((high - low) or 1.0)
    return image.convert("F").point(lambda value: value * scale - low * scale).convert("L")


def _encoded(image: "Image", *, is_lossless: bool) -> tuple[bytes, str]:
    from PIL import Image

    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGB", image.size, "white")
        image.paste(layer, mask=layer)
    elif image.mode not in {"L", "RGB"}:
        image = image.convert("RGB")
    image.info.clear()  # or profiles and comments would be written again
    if is_lossless and len(png := _saved(image, "PNG")) <= _MAX_PNG_BYTES:
        return png, "image/png"
    return _saved(image, "JPEG", quality=_JPEG_QUALITY), "image/jpeg"


def _saved(image: "Image", kind: str, **options: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
