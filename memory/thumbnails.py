"""The packaged image encoder: a small thumbnail and a colour histogram of an image. No model, no download.

For screens and grid worlds, where the same place looks the same: it compares where which colours are, and tells nothing
of what a photo shows. The same image has the same row in every process.
"""

import io
import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memento.extras import optional_imports
from memento.memory.errors import EncoderUnavailable
from memento.memory.image_encoder import ThreadImageEncoder

_SIDE: Final = 16
"""Pixels of the thumbnail's width and height, whatever the image's proportions."""
_LEVELS: Final = 4
"""Of each colour channel in the histogram."""
_DIM: Final = 3 * _SIDE**2 + _LEVELS**3
_MAX_PIXELS: Final = 1 << 24
"""Of an image that is decoded: a file of a few kilobytes may say that it has billions."""
_NAME: Final = "thumbnail-16-histogram-4-1"
_FORMATS: Final = ("PNG", "JPEG", "WEBP")


def thumbnail_encoder() -> ThreadImageEncoder:
    """Make the encoder. Imports Pillow, which blocks.

    Raises:
        EncoderUnavailable: Pillow is not installed.
    """
    with optional_imports("pictures", "the packaged image encoder cannot be used", EncoderUnavailable):
        from PIL import Image, ImageOps

    def embed(images: list[bytes]) -> NDArray[np.float32]:
        return np.stack([_row(content, Image, ImageOps) for content in images])

    return ThreadImageEncoder(embed, name=_NAME, dim=_DIM)


def _row(content: bytes, image_module: Any, ops_module: Any) -> NDArray[np.float32]:
    """The unit row of an image; zeros where it cannot be decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", image_module.DecompressionBombWarning)
            with image_module.open(io.BytesIO(content), formats=_FORMATS) as image:
                if image.width * image.height > _MAX_PIXELS:
                    return np.zeros(_DIM, np.float32)
                upright = ops_module.exif_transpose(image).convert("RGBA")
                small = upright.resize((_SIDE, _SIDE), image_module.Resampling.BOX)
    except Exception:  # noqa: BLE001  a damaged file raises whatever its decoder meets
        return np.zeros(_DIM, np.float32)
    opaque = image_module.new("RGBA", small.size, "white")
    opaque.alpha_composite(small)
    pixels_XYC = np.asarray(opaque.convert("RGB"), np.float32) / 255
    layout = _unit(pixels_XYC.ravel() - pixels_XYC.mean())
    levels_XYC = np.minimum((pixels_XYC * _LEVELS).astype(np.int64), _LEVELS - 1)
    codes_XY = (levels_XYC * np.array([_LEVELS**2, _LEVELS, 1])).sum(2)
    colours = np.sqrt(np.bincount(codes_XY.ravel(), minlength=_LEVELS**3))
    return _unit(np.concatenate([layout, _unit(colours)]))


def _unit(values: NDArray[Any]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(values))
    return (values / length if length else values).astype(np.float32)
