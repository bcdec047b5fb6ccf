"""Image encoders: the interface, an adapter for blocking functions, and how one is configured.

Any object with `name`, `dim` and `async embed(images)` serves. Built in is `"thumbnail"`, see `thumbnails`.
"""

import asyncio
import importlib
import struct
import threading
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memento.memory.errors import EncoderUnavailable, InvalidInput
from memento.memory.places import MAX_ENCODER_NAME
from memento.memory.reasons import brief_reason

THUMBNAIL: Final = "thumbnail"
"""Name of the packaged image encoder."""

IMAGE_PREFIX: Final = "image:"
"""Before the names of image encoders, where vectors and indexes of texts have names, too."""

_MAX_NAME: Final = MAX_ENCODER_NAME - len(IMAGE_PREFIX)
_FORMS: Final = (
    f"give an object with name, dim and async embed(images), {THUMBNAIL!r} for the packaged one, or the import path of "
    "an object or of a function that makes one, such as 'package.module:name'"
)


@runtime_checkable
class ImageEncoder(Protocol):
    """Interface of an image encoder."""

    name: str
    """Identifies the model and its version: vectors of different names are never compared."""
    dim: int

    async def embed(self, images: list[bytes]) -> NDArray[np.float32]:
        """Rows of shape (len(images), dim), float32, of PNG, JPEG and WebP images as they are in their files.

        Must not block the event loop. An image that cannot be decoded has a row of zeros, and is never found.
        """
        ...


class ThreadImageEncoder:
    """An `ImageEncoder` of a blocking function, which is called in a thread, once at a time."""

    def __init__(self, embed: Callable[[list[bytes]], ArrayLike], *, name: str, dim: int) -> None:
        """Wrap a function.

        Args:
            embed: images to rows, as `ImageEncoder.embed` says.
            name: of the model and its version.
            dim: length of a row.
        """
        self.name, self.dim = name, dim
        self._function, self._lock = embed, threading.Lock()

    async def embed(self, images: list[bytes]) -> NDArray[np.float32]:
        """Call the function."""
        return await asyncio.to_thread(self._embedded, images)

    def _embedded(self, images: list[bytes]) -> NDArray[np.float32]:
        with self._lock:
            return np.asarray(self._function(images), np.float32)


def check_image_encoder(given: Any) -> None:
    """Check the `image_encoder` argument of `CaseMemory.open`; imports nothing.

    Raises:
        InvalidInput: it is none of the forms.
    """
    if given is None or given == THUMBNAIL:
        return
    if isinstance(given, str):
        module, _, name = given.partition(":")
        if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
            raise InvalidInput(f"{given[:80]!r} names no image encoder; {_FORMS}")
    elif isinstance(given, type) or not isinstance(given, ImageEncoder):
        kind = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
        raise InvalidInput(f"this is not an image encoder: {kind}; {_FORMS}")
    else:
        _checked(given)


def load_image_encoder(given: ImageEncoder | str) -> ImageEncoder:
    """Make the image encoder of what `check_image_encoder` has passed. Blocks: it may import a package.

    Raises:
        InvalidInput: the import path leads to something else.
        EncoderUnavailable: it cannot be imported or made, or its packages are missing.
    """
    if not isinstance(given, str):
        return given
    if given == THUMBNAIL:
        from memento.memory.thumbnails import thumbnail_encoder

        return thumbnail_encoder()
    module, _, names = given.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for name in names.split("."):
            found = getattr(found, name)
        made = found if isinstance(found, ImageEncoder) and not isinstance(found, type) else found()
    except Exception as error:  # whatever a host's module raises
        reason = f"{type(error).__name__}: {brief_reason(error)}"
        raise EncoderUnavailable(f"the image encoder {given!r} cannot be made: {reason}") from error
    if not isinstance(made, ImageEncoder):
        raise InvalidInput(f"{given!r} leads to {type(made).__name__}, which is no image encoder; {_FORMS}")
    return _checked(made)


def _checked(encoder: ImageEncoder) -> ImageEncoder:
    name, dim = encoder.name, encoder.dim
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= _MAX_NAME:
        raise InvalidInput(f"an image encoder's name is a text of 1 to {_MAX_NAME} characters, not {name!r:.80}")
    if isinstance(dim, bool) or not isinstance(dim, int | np.integer) or dim < 1:
        raise InvalidInput(f"the dim of image encoder {name!r} is a number of 1 or more, not {dim!r}")
    return encoder


async def embedded(encoder: ImageEncoder, images: Sequence[bytes]) -> NDArray[np.float32]:
    """Rows of images, of any length; any failure of the encoder is raised as `EncoderUnavailable`."""
    try:
        rows = np.asarray(await encoder.embed(list(images)), np.float32)
    except EncoderUnavailable:
        raise
    except Exception as error:
        reason = brief_reason(error)
        raise EncoderUnavailable(f"image encoder {encoder.name!r} failed: {type(error).__name__}: {reason}") from error
    if rows.shape != (len(images), encoder.dim):
        raise EncoderUnavailable(
            f"image encoder {encoder.name!r} answered with shape {rows.shape} for {len(images)} images, and its dim is "
            f"{encoder.dim}"
        )
    if not np.isfinite(rows).all():
        raise EncoderUnavailable(f"image encoder {encoder.name!r} answered with numbers that are not finite")
    return rows


def sample_image() -> bytes:
    """A PNG image of 8 by 8 black pixels, which every image encoder can decode."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(8 * (1 + 3 * 8)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
