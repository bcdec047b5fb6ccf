"""Lists and unpacks archives (zip, tar, gzip, office files); runs in a confined child."""

import base64
import bz2
import gzip
import lzma
import os
import stat
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import IO, Any, BinaryIO, Final, NamedTuple, TypedDict
from zipfile import BadZipFile, ZipFile, ZipInfo

from memento.tools.documents.document import Document, DocumentPart, clean
from memento.tools.documents.file_types import MAX_MEMBERS, MAX_UNPACKED_BYTES, kind_of
from memento.tools.documents.left_out import LeftOut
from memento.tools.errors import ToolInputError
from memento.tools.file_names import shown

MAX_DEPTH: Final = 10

_CHUNK_BYTES: Final = 1_000_000
_MAX_NAME_CHARS: Final = 200
_ENCRYPTED: Final = 0x1
_TAR_BLOCK: Final = 512
_DAMAGED: Final = (BadZipFile, tarfile.TarError, lzma.LZMAError, EOFError, OSError, ValueError, NotImplementedError)


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    n_bytes: int | None
    """What the archive says; None when it does not."""
    n_packed: int | None
    problem: str
    """Why it cannot be unpacked; empty when it can."""
    content: IO[bytes] | None
    """To be read before the next member is asked for."""


class Piece(TypedDict):
    """A range of bytes of a member."""

    number: int
    content: str
    """Base64."""
    is_last: bool
    problem: str
    """Why there is no more of it."""


class Listed(TypedDict):
    """A member as listed by the child."""

    name: str
    n_bytes: int | None
    n_packed: int | None
    problem: str


def archive(file: BinaryIO, name: str, kind: str) -> Document:
    """List an archive as a document, one line per member."""
    parts, n_bytes = [], 0
    for number, member in enumerate(_members(file, name, kind), 1):
        size = "size unknown" if member.n_bytes is None else f"{member.n_bytes:,} bytes"
        n_bytes += member.n_bytes or 0
        parts.append(
            DocumentPart(number, f"- {shown(member.name)} ({size}{', ' if member.problem else ''}{member.problem})")
        )
    size = f", {n_bytes:,} bytes unpacked" if n_bytes else ""
    return Document("line", parts, LeftOut(), notes=[f"files in it: {len(parts)}{size}; extract_archive gets at them"])


def contents(file: BinaryIO, *, name: str) -> list[Listed]:
    """List the members of an archive in order.

    Raises:
        ToolInputError: it is not an archive, is damaged, or has implausibly many members.
    """
    kind = kind_of(file, name).name
    if kind not in ("zip", "tar", "gz", "docx", "pptx", "xlsx", "xlsb", "odt", "ods", "odp"):
        raise ToolInputError("it is not an archive; use read_document to read it")
    found = _members(file, name, kind)
    return [{"name": m.name, "n_bytes": m.n_bytes, "n_packed": m.n_packed, "problem": m.problem} for m in found]


def pieces(file: BinaryIO, *, name: str, wanted: Sequence[int], first: int, offset: int, max_bytes: int) -> list[Piece]:
    """Unpack the chosen members, up to a limited number of bytes.

    Args:
        file: the archive.
        name: its name.
        wanted: positions of the members to unpack, as `contents` numbers them.
        first: position to begin with.
        offset: bytes of that one to pass over.
        max_bytes: bytes to return, together.

    Returns:
        At most that many bytes, in order; empty when there is nothing left.
    """
    chosen, found = frozenset(wanted), list[Piece]()
    for number, member in enumerate(_members(file, name, kind_of(file, name).name)):
        if number < first or number not in chosen or member.content is None:
            continue
        piece = _piece(member.content, number, offset if number == first else 0, max_bytes)
        found.append(piece)
        max_bytes -= len(piece["content"]) * 3 // 4
        if max_bytes <= 0 or not piece["is_last"]:
            break
    return found


def _piece(content: IO[bytes], number: int, offset: int, max_bytes: int) -> Piece:
    try:
        while offset:
            passed = len(content.read(min(offset, _CHUNK_BYTES)))
            if not passed:
                break
            offset -= passed
        some = content.read(max_bytes)
        is_last = len(some) < max_bytes or not content.read(1)
    except (*_DAMAGED, RuntimeError) as error:
        return {"number": number, "content": "", "is_last": True, "problem": f"damaged ({type(error).__name__})"}
    return {"number": number, "content": base64.b64encode(some).decode(), "is_last": is_last, "problem": ""}


def _members(file: BinaryIO, name: str, kind: str) -> Iterator[Member]:
    file.seek(0)
    try:
        if kind == "tar":
            found = _of_tar(file)
        elif kind == "gz":
            found = _of_stream(file, name)
        else:
            found = _of_zip(ZipFile(file))
        for number, member in enumerate(found):
            if number >= MAX_MEMBERS:
                raise ToolInputError(f"it has more than {MAX_MEMBERS:,} files, which is too many; nothing was unpacked")
            yield member
    except ToolInputError:
        raise
    except _DAMAGED as error:
        raise ToolInputError(f"the archive is damaged or incomplete ({error})") from None


def _of_zip(archive: ZipFile) -> Iterator[Member]:
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        problem = _zip_problem(entry) or _name_problem(entry.filename)
        try:
            content = None if problem else archive.open(entry)
        except (*_DAMAGED, RuntimeError):
            problem, content = "damaged", None
        yield Member(entry.filename, entry.file_size, entry.compress_size, problem, content)
        if content is not None:
            content.close()


def _zip_problem(entry: ZipInfo) -> str:
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link"
    return "protected by a password" if entry.flag_bits & _ENCRYPTED else ""


def _of_tar(file: Any) -> Iterator[Member]:
    with tarfile.open(fileobj=file, mode="r|") as archive:
        for entry in archive:
            if entry.isdir():
                continue
            problem = "" if entry.isreg() else "a link" if entry.issym() or entry.islnk() else "a device"
            problem = problem or _name_problem(entry.name)
            yield Member(entry.name, entry.size, None, problem, None if problem else archive.extractfile(entry))


def _of_stream(file: BinaryIO, name: str) -> Iterator[Member]:
    """Read a compressed stream: a single file, or a TAR archive."""
    stream = _unpacking(file)
    head = stream.read(_TAR_BLOCK)
    unpacked = _Capped(stream, head)
    if head[257:262] == b"ustar":
        yield from _of_tar(unpacked)
    else:
        inner = os.path.splitext(os.path.basename(name))[0] or "content"
        yield Member(inner, None, os.fstat(file.fileno()).st_size, "", unpacked)  # type: ignore[arg-type]  # it is only read


def _unpacking(file: BinaryIO) -> IO[bytes]:
    magic = file.read(3)
    file.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]  # read as any stream
    return bz2.BZ2File(file) if magic == b"BZh" else lzma.LZMAFile(file)


class _Capped:
    """A decompressed stream that raises once it exceeds a limit."""

    def __init__(self, stream: IO[bytes], head: bytes) -> None:
        self._stream = stream
        self._head = head
        self._left = MAX_UNPACKED_BYTES

    def read(self, n_bytes: int) -> bytes:
        content = self._head[:n_bytes]
        self._head = self._head[n_bytes:]
        content += self._stream.read(n_bytes - len(content))
        self._left -= len(content)
        if self._left < 0:
            raise ToolInputError(f"it unpacks to more than {MAX_UNPACKED_BYTES:,} bytes; it is not read")
        return content


def _name_problem(name: str) -> str:
    """Say why a member's name is unsafe: only names that stay inside the folder on every system are used."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ":" in path.parts[0]:
        return "an absolute path"
    if ".." in path.parts:
        return "a path that leads outside"
    if len(path.parts) > MAX_DEPTH:
        return "folders too deep"
    if any(part.startswith(".") for part in path.parts) or path.parts[0] == "__MACOSX":
        return "hidden"
    if any(len(part) > _MAX_NAME_CHARS for part in path.parts) or clean(name) != name or "\n" in name:
        return "a name that cannot be used"
    return ""
