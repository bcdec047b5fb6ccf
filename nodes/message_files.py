"""Files inside chat messages (images and others), as chat hosts send them.

Only bytes that are in the message itself are taken. An address in it is never opened: whoever wrote the message would
make this machine ask for anything.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from langchain_core.messages import BaseMessage

from memento.nodes.message_texts import TEXTS, kind_of

MAX_FILES: Final = 20
MAX_FILE_BYTES: Final = 25_000_000
MAX_BYTES: Final = 50_000_000
"""Of all files of a message together."""

_MAX_NAME_CHARS: Final = 80
_KINDS: Final = MappingProxyType(
    {
        "image": "image",
        "image_url": "image",
        "input_image": "image",
        "audio": "audio",
        "input_audio": "audio",
        "video": "video",
        "file": "file",
        "input_file": "file",
        "document": "file",
        "media": "file",
        "text-plain": "file",
    }
)
"""Types of content blocks, LangChain's and providers', and what their files are called when they have no name."""

_MAX_TYPE_CHARS: Final = 40

# Where the blocks of LangChain (two versions), OpenAI (two APIs), Anthropic, Google and agent-chat-ui keep things.
_NESTED: Final = ("source", "image_url", "file", "input_audio")
_NAMING: Final = ("metadata", "extras")
_CONTENTS: Final = ("base64", "data", "file_data", "url", "image_url", "file_uri")
_MIME_TYPES: Final = ("mime_type", "mimeType", "media_type")
_NAMES: Final = ("filename", "file_name", "name", "title")

_SUFFIXES: Final = MappingProxyType(
    {
        "application/json": ".json",
        "application/pdf": ".pdf",
        "application/vnd.ms-excel": ".xls",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
        "application/zip": ".zip",
        "audio/flac": ".flac",
        "audio/m4a": ".m4a",
        "audio/mp3": ".mp3",
        "audio/mp4": ".m4a",
        "audio/mpeg": ".mp3",
        "audio/ogg": ".ogg",
        "audio/wav": ".wav",
        "audio/webm": ".webm",
        "audio/x-wav": ".wav",
        "image/bmp": ".bmp",
        "image/gif": ".gif",
        "image/jpeg": ".jpg",
        "image/jpg": ".jpg",
        "image/png": ".png",
        "image/svg+xml": ".svg",
        "image/tiff": ".tiff",
        "image/webp": ".webp",
        "text/csv": ".csv",
        "text/html": ".html",
        "text/markdown": ".md",
        "text/plain": ".txt",
        "video/mp4": ".mp4",
        "video/quicktime": ".mov",
        "video/webm": ".webm",
    }
)


class MessageFile(NamedTuple):
    """A file from a message."""

    name: str
    """Safe as the name of a file: letters, digits, `.`, `-`, `_`; different from the others' of the message."""
    content: bytes


class MessageFiles(NamedTuple):
    """The files of a message."""

    files: list[MessageFile]
    notices: list[str]
    """What was left out, and why, for the user."""


class _Refused(Exception):
    """A block whose file is left out; the message is a notice."""


def files_in(message: BaseMessage) -> MessageFiles:
    """Extract the files of a message. Decodes megabytes: call it in a thread.

    Args:
        message: with content blocks of LangChain, OpenAI, Anthropic or Google. What is neither text nor a file that can
            be read is named in a notice.
    """
    files: list[MessageFile] = []
    notices: list[str] = [f"a part of the message was left out: its type is {kind}" for kind in _left_out(message)]
    taken: set[str] = set()
    n_left = MAX_BYTES
    for number, block in enumerate(_blocks(message), 1):
        try:
            if len(files) == MAX_FILES:
                raise _Refused(f"only the first {MAX_FILES} files of the message were taken")
            content, mime_type = _content(block, min(n_left, MAX_FILE_BYTES))
        except _Refused as refusal:
            notices.append(str(refusal))
            continue
        n_left -= len(content)
        default = f"{_KINDS[block['type']]}-{number}"
        files.append(MessageFile(_name(_named(block), default, mime_type, taken), content))
    return MessageFiles(files, list(dict.fromkeys(notices)))


def first_image(message: BaseMessage) -> bytes | None:
    """Return the content of the first image of a message; None where it has none, or only addresses of images.

    Decodes megabytes: call it in a thread.
    """
    for block in _blocks(message):
        if _KINDS[kind_of(block)] == "image":
            try:
                return _content(block, MAX_FILE_BYTES)[0]
            except _Refused:  # the notices of `files_in` tell it
                continue
    return None


def suffix_of(mime_type: str) -> str:
    """Return the file suffix of a MIME type, ignoring parameters; empty when it is unknown."""
    return _SUFFIXES.get(mime_type.partition(";")[0].strip().lower(), "")


def _blocks(message: BaseMessage) -> Iterator[Mapping[str, Any]]:
    if isinstance(message.content, list):
        for block in message.content:
            if isinstance(block, dict) and kind_of(block) in _KINDS:
                yield block


def _left_out(message: BaseMessage) -> list[str]:
    """Return what is neither taken as text nor as a file, by its type."""
    if isinstance(message.content, str):
        return []
    kinds = [_left_out_of(block) for block in message.content if isinstance(block, dict)]
    return list(dict.fromkeys(kind for kind in kinds if kind))


def _left_out_of(block: Mapping[str, Any]) -> str:
    kind = kind_of(block)
    if kind in TEXTS:
        return "citation" if block.get("annotations") or block.get("citations") else ""
    if kind in _KINDS:
        return ""
    named = "".join(sign for sign in kind[:_MAX_TYPE_CHARS] if sign.isalnum() or sign in "-_. ")
    return named.strip() or "unknown"


def _content(block: Mapping[str, Any], max_bytes: int) -> tuple[bytes, str]:
    """Decode the content of a block.

    Returns:
        The content, and its MIME type, empty when the block does not say.
    """
    layers = [block, *(layer for key in _NESTED if isinstance(layer := block.get(key), dict))]
    mime_type = _first(layers, _MIME_TYPES).lower()
    if sound := _first(layers, ("format",)):
        mime_type = mime_type or f"audio/{sound.lower()}"
    written = _first(layers, _CONTENTS)
    is_text = layers[-1] is not block and layers[-1].get("type") == "text"  # Anthropic's plain text
    if text := written if is_text else _first(layers, ("text",)):
        return _limited(text.encode("utf-8", "replace"), max_bytes), mime_type or "text/plain"
    if not written:
        raise _Refused(f"a file of the message was left out: its {block['type']} block holds no content")
    if written[:5].lower() == "data:":
        head, _, written = written[5:].partition(",")
        declared, *parameters = head.lower().split(";")
        mime_type = declared or mime_type
        if "base64" not in parameters:
            return _limited(unquote_to_bytes(written[: 3 * max_bytes + 1]), max_bytes), mime_type
    elif "://" in written[:20]:
        raise _Refused(
            f"what lies at {_shown(written)} was not fetched: addresses in a message are not opened; send the file"
        )
    return _decoded(written, max_bytes), mime_type


def _decoded(written: str, max_bytes: int) -> bytes:
    if len(written) // 4 * 3 > max_bytes + 1_000:
        raise _too_large(len(written) // 4 * 3)
    plain = re.sub(r"\s+", "", written).translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        content = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _Refused("a file of the message was left out: it is damaged (not base64)") from None
    return _limited(content, max_bytes)


def _limited(content: bytes, max_bytes: int) -> bytes:
    if len(content) > max_bytes:
        raise _too_large(len(content))
    if not content:
        raise _Refused("a file of the message was left out: it is empty")
    return content


def _too_large(n_bytes: int) -> _Refused:
    return _Refused(
        f"a file of {n_bytes:,} bytes was left out: a message may bring {MAX_FILE_BYTES:,} bytes in one file and "
        f"{MAX_BYTES:,} in all"
    )


def _first(layers: list[Mapping[str, Any]], keys: tuple[str, ...]) -> str:
    """Return the first text under any of these keys, the innermost first."""
    found = (layer.get(key) for layer in reversed(layers) for key in keys)
    return next((value for value in found if isinstance(value, str) and value), "")


def _named(block: Mapping[str, Any]) -> str:
    layers = [block, *(layer for key in (*_NESTED, *_NAMING) if isinstance(layer := block.get(key), dict))]
    return _first(layers, _NAMES)


def _name(given: str, default: str, mime_type: str, taken: set[str]) -> str:
    """Make a safe file name from what the sender calls the file."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFKC", given))[-1]
    stem, dot, suffix = re.sub(r"[^\w.-]+", "_", last).strip("._- ").rpartition(".")
    if not dot:
        stem, suffix = suffix, ""
    suffix = f".{suffix[:10]}" if suffix else suffix_of(mime_type)
    stem = stem[: _MAX_NAME_CHARS - len(suffix)] or default
    name, number = f"{stem}{suffix}", 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}{suffix}"
    taken.add(name.casefold())
    return name


def _shown(url: str) -> str:
    """Shorten an address for a notice: query and user info may hold a key."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"[:200]
    except ValueError:
        return "an address"
