"""File type detection: by content first, by name second."""

import os
from typing import BinaryIO, Final, NamedTuple
from zipfile import BadZipFile, ZipFile

from memento.tools.documents.document import BY_CODE
from memento.tools.errors import ToolInputError
from memento.tools.files.text_files import decoded

HEAD_BYTES: Final = 8_192
MAX_MEMBERS: Final = 20_000
MAX_UNPACKED_BYTES: Final = 400_000_000
"""Of an archive, and of an office file, which is one."""

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

NAMES: Final = {
    "pdf": "PDF",
    "docx": "Word document",
    "pptx": "presentation",
    "xlsx": "Excel workbook",
    "xlsb": "binary Excel workbook",
    "xls": "old Excel workbook",
    "ods": "OpenDocument spreadsheet",
    "odt": "OpenDocument text",
    "odp": "OpenDocument presentation",
    "rtf": "RTF document",
    "csv": "table",
    "json": "JSON",
    "jsonl": "JSON lines",
    "xml": "XML",
    "html": "HTML page",
    "text": "text",
    "zip": "ZIP archive",
    "tar": "TAR archive",
    "gz": "compressed file",
}
"""What each kind that can be read is called."""

_BY_SUFFIX: Final = {
    **{f".{kind}": kind for kind in NAMES if kind != "text"},
    ".txt": "text",
    ".md": "text",
    ".log": "text",
    ".rst": "text",
    ".docm": "docx",
    ".dotx": "docx",
    ".pptm": "pptx",
    ".ppsx": "pptx",
    ".potx": "pptx",
    ".xlsm": "xlsx",
    ".xltx": "xlsx",
    ".xla": "xls",
    ".tsv": "csv",
    ".tab": "csv",
    ".ndjson": "jsonl",
    ".htm": "html",
    ".xhtml": "html",
    ".tgz": "tar",
    ".tbz2": "tar",
    ".txz": "tar",
    ".bz2": "gz",
    ".xz": "gz",
    ".jsonld": "json",
    ".geojson": "json",
    ".ipynb": "json",
    ".svg": "xml",
    ".rss": "xml",
    ".kml": "xml",
}
_BY_MAGIC: Final = (
    (b"{\\rtf", "rtf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gz"),
    (b"BZh91AY&SY", "gz"),
    (b"\xfd7zXZ\0", "gz"),
)
_BY_MEMBER: Final = (
    ("word/", "docx"),
    ("ppt/", "pptx"),
    ("xl/workbook.bin", "xlsb"),
    ("xl/", "xlsx"),
)
_BY_MIME_TYPE: Final = {
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
}
_ELSEWHERE: Final = (
    ((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*"), "a picture; use view_image"),
    ((b"ID3", b"\xff\xfb", b"OggS", b"fLaC"), "sound; use transcribe_audio"),
    ((b"\x1aE\xdf\xa3",), "a video; use watch_video"),
    ((b"7z\xbc\xaf\x27\x1c", b"Rar!"), "a 7z or RAR archive, which cannot be opened here; ask for a ZIP"),
    ((b"SQLite format 3\0",), f"an SQLite database; {BY_CODE}"),
    ((b"PAR1",), f"a Parquet table; {BY_CODE}"),
)


class Kind(NamedTuple):
    """A detected file type."""

    name: str
    """A key of `NAMES`."""
    note: str = ""
    """Something to tell when its name promises another kind."""


def kind_of(file: BinaryIO, name: str) -> Kind:
    """Detect a file's type; the file is left at its start.

    Raises:
        ToolInputError: it is nothing that can be read as text, and what can be done instead.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    suffix = os.path.splitext(name)[1].lower()
    promised = _BY_SUFFIX.get(suffix, "")
    kind = _by_content(file, head, promised) or _plain(head, promised)
    file.seek(0)
    if promised and promised != kind and {promised, kind} != {"tar", "gz"}:
        return Kind(kind, f"its name ends in {suffix}, but by its content it is this: {NAMES[kind]}")
    return Kind(kind)


def _by_content(file: BinaryIO, head: bytes, promised: str) -> str:
    if head.lstrip().startswith(b"%PDF-") or (promised == "pdf" and b"%PDF-" in head[:1024]):
        return "pdf"
    if head.startswith(_OLE):
        return _ole(file, promised)
    for starts, what in _ELSEWHERE:
        if head.startswith(starts) and b"\0" in head:
            raise ToolInputError(f"this is {what}")
    if head[4:8] == b"ftyp":
        raise ToolInputError("this is a video or sound; use watch_video or transcribe_audio")
    if head[:4] == b"RIFF":
        what = {b"WAVE": "sound; use transcribe_audio", b"WEBP": "a picture; use view_image"}.get(head[8:12], "")
        raise ToolInputError(f"this is {what or 'a video; use watch_video'}")
    for start, kind in _BY_MAGIC:
        if head.startswith(start):
            return _zipped(file) if kind == "zip" else kind
    return "tar" if head[257:262] == b"ustar" else ""


def _ole(file: BinaryIO, promised: str) -> str:
    """Tell old binary Office formats apart by the names of their streams."""
    file.seek(0)
    content = file.read()
    for stream in ("Workbook", "Book"):
        if stream.encode("utf-16-le") in content:
            return "xls"
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise ToolInputError("it is protected by a password; ask for a copy without one")
    if promised == "xls":  # damaged, as its reader will say
        return "xls"
    raise ToolInputError("it is in an old binary Office format; ask for it as docx, pptx or pdf")


def _zipped(file: BinaryIO) -> str:
    file.seek(0)
    try:
        archive = ZipFile(file)
    except (BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise ToolInputError(f"it is damaged or incomplete ({error})") from None
    names = set(archive.namelist())
    if "mimetype" in names and archive.getinfo("mimetype").file_size < HEAD_BYTES:
        kind = _BY_MIME_TYPE.get(archive.read("mimetype").decode("ascii", "replace").strip(), "")
    elif "[Content_Types].xml" in names:
        kind = next((kind for start, kind in _BY_MEMBER if any(name.startswith(start) for name in names)), "")
    else:
        kind = ""
    if not kind:
        return "zip"
    refuse_bomb(archive)
    return kind


def refuse_bomb(archive: ZipFile) -> None:
    """Refuse an office file that would unpack to an implausible size (zip bomb).

    The sizes are those it states; no more than what is stated is ever unpacked of a member.

    Raises:
        ToolInputError: it does.
    """
    members = archive.infolist()
    n_bytes = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or n_bytes > MAX_UNPACKED_BYTES:
        raise ToolInputError(f"it is not read: it would unpack to {len(members):,} files of {n_bytes:,} bytes together")


def _plain(head: bytes, promised: str) -> str:
    """Tell text formats apart."""
    text = decoded(head, is_cut=True)
    if text is None:
        raise ToolInputError(f"it is not text, nor a document of a known format; {BY_CODE}")
    if not head.strip():
        return promised if promised in ("csv", "text") else "text"
    start = text.text.lstrip().lower()
    if start.startswith(("<!doctype html", "<html")):
        return "html"
    if start.startswith("<?xml"):
        return "html" if "<html" in start else "xml"
    if promised in ("csv", "jsonl", "html", "xml"):
        return "text" if promised == "xml" and not start.startswith("<") else promised
    if promised in ("xls", "xlsx", "ods"):  # what some programs export under these names
        return "csv"
    if promised == "json":
        return "json" if start[0] in '[{"-0123456789tfn' else "text"
    return "text"
