"""Reads a response body within a limit on its decompressed size."""

import asyncio
import io
import zlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final, NamedTuple

from memento.tools.errors import ToolUnavailable

if TYPE_CHECKING:
    import httpx2

ACCEPTED: Final = "gzip"
"""The only encoding to ask for: zlib can be told to unpack no more than so many bytes."""

PIECE_BYTES: Final = 128 * 1024
"""Unpacked at once: a thousandfold bomb takes no more memory than that before it is noticed."""

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS


class Body(NamedTuple):
    """A body that was read."""

    content: bytes
    is_cut: bool
    """Whether there was more."""


async def read_body(response: "httpx2.Response", *, max_bytes: int) -> Body:
    """Read at most so many decompressed bytes of a streamed response.

    Raises:
        ToolUnavailable: the body is damaged, or packed in a way that was not asked for.
        httpx2.TransportError: the connection broke.
    """
    content = io.BytesIO()  # hands over what it holds without a copy
    async for piece in _unpacked(response):
        content.write(piece)
        if content.tell() > max_bytes:
            content.truncate(max_bytes)
            return Body(content.getvalue(), is_cut=True)
    return Body(content.getvalue(), is_cut=False)


async def _unpacked(response: "httpx2.Response") -> AsyncIterator[bytes]:
    """Yield the body as it arrives, or decompressed in a thread in pieces of at most `PIECE_BYTES`."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower() or "identity"
    if encoding == "identity":
        async for raw in response.aiter_raw():
            yield raw
        return
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise ToolUnavailable("the response has an unsupported content encoding; try another page", is_outage=False)
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    async for raw in response.aiter_raw():
        packed = raw
        while packed:
            try:
                piece = await asyncio.to_thread(unpacker.decompress, packed, PIECE_BYTES)
            except zlib.error:
                damaged = "the response is damaged; try once more, or another page"
                raise ToolUnavailable(damaged, is_outage=False) from None
            yield piece
            packed = unpacker.unconsumed_tail
        if unpacker.eof:  # what follows would be kept, and never be looked at
            return
