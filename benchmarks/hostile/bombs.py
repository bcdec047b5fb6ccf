"""Little that becomes much: compressed streams made without ever having what they unpack to."""

import struct
import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

MEGABYTE: Final = 1_000_000


class Packed(NamedTuple):
    """A deflate stream."""

    content: bytes
    n_bytes: int
    """What it unpacks to."""
    crc: int


def repeated(block: bytes, n_times: int, *, before: bytes = b"", after: bytes = b"") -> Packed:
    """Pack a block that is repeated; packed only once, for it is flushed before and after."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(before) + packer.flush(zlib.Z_FULL_FLUSH)
    middle = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.compress(after) + packer.flush()
    crc = zlib.crc32(before)
    for _ in range(n_times):
        crc = zlib.crc32(block, crc)
    return Packed(
        start + middle * n_times + end, len(before) + len(block) * n_times + len(after), zlib.crc32(after, crc)
    )


class Entry(NamedTuple):
    """A member of a ZIP archive, whatever it says of itself."""

    name: str
    packed: Packed
    claimed: int | None = None
    """Size that it states instead of its own."""
    flags: int = 0
    mode: int = 0o100644


def zip_of(entries: Sequence[Entry], *, is_overlapping: bool = False) -> bytes:
    """Write a ZIP archive; overlapping members all have the bytes of the first one."""
    written, directory, place = bytearray(), bytearray(), 0
    for number, entry in enumerate(entries):
        name, packed = entry.name.encode(), entry.packed
        sizes = (packed.crc, len(packed.content), packed.n_bytes if entry.claimed is None else entry.claimed)
        if not (is_overlapping and number):
            place = len(written)
            written += struct.pack("<4s5H3I2H", b"PK\3\4", 20, entry.flags, 8, 0, 0, *sizes, len(name), 0)
            written += name + packed.content
        directory += struct.pack(
            "<4s6H3I5H2I",
            b"PK\1\2",
            0x031E,
            20,
            entry.flags,
            8,
            0,
            0,
            *sizes,
            len(name),
            0,
            0,
            0,
            0,
            entry.mode << 16,
            place,
        )
        directory += name
    n_entries = min(len(entries), 0xFFFF)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, n_entries, n_entries, len(directory), len(written), 0)
    return bytes(written + directory + end)


def gzip_of(packed: Packed) -> bytes:
    """Write a gzip file."""
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + packed.content + struct.pack("<2I", packed.crc, packed.n_bytes % 2**32)
