"""Pictures of situations: checks of what is given, media type, content hash, and the task key of text and picture."""

import base64
import binascii
import hashlib
from typing import Final, Literal, NamedTuple

from memento.memory.case import question_hash
from memento.memory.errors import InvalidInput

MAX_PICTURE_BYTES: Final = 1 << 20
MAX_PICTURE_CHARS: Final = -(-MAX_PICTURE_BYTES // 3) * 4
"""Of the largest picture in base64."""

PictureType = Literal["image/png", "image/jpeg", "image/webp"]

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"


class CasePicture(NamedTuple):
    """A picture of a case's situation."""

    hash: str
    """Content address: 32 hex digits of the content's SHA-256."""
    media_type: PictureType
    content: bytes

    @property
    def base64(self) -> str:
        """The content in base64."""
        return base64.b64encode(self.content).decode()


def picture_of(given: bytes | str) -> CasePicture | None:
    """Check a picture; None where nothing is given.

    Its media type is read from its first bytes. Whether the rest can be decoded is the image encoder's to say.

    Args:
        given: the content of a PNG, JPEG or WebP file, or the same in base64.

    Raises:
        InvalidInput: another type, larger than `MAX_PICTURE_BYTES`, not base64, not of a supported format.
    """
    content = _decoded(given) if isinstance(given, str) else given
    if not isinstance(content, bytes):
        raise InvalidInput(
            f"`picture` must be the bytes of an image, or a text with them in base64, not {type(given).__name__}"
        )
    if not content:
        return None
    if len(content) > MAX_PICTURE_BYTES:
        raise _too_large(len(content))
    return CasePicture(picture_hash(content), _media_type(content), content)


def picture_hash(content: bytes) -> str:
    """Content address of a picture: 32 hex digits."""
    return hashlib.sha256(content).hexdigest()[:32]


def picture_key(task: str, picture: str) -> str:
    """The key of a task that is told by a text and a picture, where it is given no key of its own.

    Args:
        task: its text.
        picture: hash of its picture.
    """
    return f"picture:{picture}:{question_hash(task)}"


def _decoded(text: str) -> bytes:
    if len(text) > MAX_PICTURE_CHARS:
        raise _too_large(len(text) // 4 * 3)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("`picture` is a text that is not base64; give the bytes of the image") from error


def _media_type(content: bytes) -> PictureType:
    if content.startswith(_PNG):
        return "image/png"
    if content.startswith(_JPEG):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise InvalidInput("the picture is not a PNG, JPEG or WebP image; convert it to one of these")


def _too_large(n_bytes: int) -> InvalidInput:
    return InvalidInput(
        f"the picture has {n_bytes:,} bytes, and at most {MAX_PICTURE_BYTES:,} are kept; give a smaller copy"
    )
