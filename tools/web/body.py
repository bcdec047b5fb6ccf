"""The body of an answer, within a limit that counts what it unpacks to."""

import zlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final, NamedTuple

from memento.tools.errors import ToolUnavailable

if TYPE_CHECKING:
    import httpx2

ACCEPTED: Final = "gzip"
"""The only encoding to ask for: zlib can be told to unpack no more than so many bytes."""

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS


class Body(NamedTuple):
    """What was read."""

    content: bytes
    is_cut: bool
    """Whether there was more."""


async def read_body(response: "httpx2.Response", *, max_bytes: int) -> Body:
    """Read at most so many unpacked bytes of a streamed answer.

    Raises:
        ToolUnavailable: the body is damaged, or packed in a way that was not asked for.
        httpx2.TransportError: the connection broke.
    """
    content = bytearray()
    async for piece in _unpacked(response, max_bytes + 1):
        content += piece
        if len(content) > max_bytes:
            return Body(bytes(content[:max_bytes]), is_cut=True)
    return Body(bytes(content), is_cut=False)


async def _unpacked(response: "httpx2.Response", max_piece: int) -> AsyncIterator[bytes]:
    """Yield the body in pieces, none of which is longer than `max_piece`."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower() or "identity"
    if encoding == "identity":
        async for raw in response.aiter_raw():
            yield raw
        return
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise ToolUnavailable("the answer is packed in a way that was not asked for; try another page")
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    async for raw in response.aiter_raw():
        packed = raw
        while packed:
            try:
                piece = unpacker.decompress(packed, max_piece)
            except zlib.error:
                raise ToolUnavailable("the answer is damaged; try once more, or another page") from None
            yield piece
            packed = unpacker.unconsumed_tail
