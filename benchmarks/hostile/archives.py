"""Archives: paths that lead elsewhere, links, devices, bombs."""

import bz2
import io
import lzma
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.hostile.bombs import MEGABYTE, Entry, gzip_of, repeated, zip_of
from benchmarks.hostile.case import Case, Cases, later
from benchmarks.hostile.made_documents import tarred, zipped

_UNPACK: Final = "extract_archive"
ZEROS: Final = b"\0" * MEGABYTE
_LEFT_OUT: Final = r"Unpacked 1 files into .*good\.txt.*Left out: 1 x {}"


def archives() -> Cases:
    """Yield the cases."""
    yield from _paths()
    yield from _links()
    yield from _bombs()
    yield from _damaged()


def _paths() -> Cases:
    for name, path, why in (
        ("path with dots", "../evil.txt", "a path that leads outside"),
        ("path with dots inside", "a/../../../evil.txt", "a path that leads outside"),
        ("absolute path", "/tmp/evil.txt", "an absolute path"),  # noqa: S108
        ("Windows path", "C:\\evil.txt", "an absolute path"),
        ("backslashes", "..\\..\\evil.txt", "a path that leads outside"),
        ("hidden file", ".ssh/authorized_keys", "hidden"),
        ("deep path", "a/" * 1_000 + "evil.txt", "folders too deep"),
        ("long name", "e" * 5_000 + ".txt", "a name that cannot be used"),
        ("control characters", "evil\x1b[31m.txt", "a name that cannot be used"),
    ):
        members = {path: "evil", "good.txt": "good"}
        expected = _LEFT_OUT.format(why)
        yield Case(f"zip: {name}", "a.zip", zipped(members), expected, is_error=False, tool=_UNPACK)
        content = tarred({key: value.encode() for key, value in members.items()}, "w:gz")
        yield Case(f"tar: {name}", "a.tar.gz", content, expected, is_error=False, tool=_UNPACK)
    twice = zip_of([Entry(name, repeated(b"x", 1)) for name in ("good.txt", "GOOD.txt")])
    expected = _LEFT_OUT.format("a name that was there before")
    yield Case("zip: one name twice", "a.zip", twice, expected, is_error=False, tool=_UNPACK)


def _links() -> Cases:
    link = zip_of([Entry("link", repeated(b"/etc/passwd", 1), mode=0o120777), Entry("good.txt", repeated(b"x", 1))])
    yield Case("zip: link", "a.zip", link, _LEFT_OUT.format("a link"), is_error=False, tool=_UNPACK)
    for name, kind, target, why in (
        ("link", tarfile.SYMTYPE, "/etc/passwd", "a link"),
        ("hard link", tarfile.LNKTYPE, "../../kept.txt", "a link"),
        ("device", tarfile.CHRTYPE, "", "a device"),
        ("pipe", tarfile.FIFOTYPE, "", "a device"),
    ):
        entry = tarfile.TarInfo("evil")
        entry.type, entry.linkname = kind, target
        yield Case(f"tar: {name}", "a.tar", _tar([entry]), _LEFT_OUT.format(why), is_error=False, tool=_UNPACK)
    folder, below = tarfile.TarInfo("d"), tarfile.TarInfo("d/evil.txt")
    folder.type, folder.linkname = tarfile.SYMTYPE, "../.."
    expected = r"Unpacked 2 files.*Left out: 1 x a link"
    yield Case("tar: file below a link", "a.tar", _tar([folder, below]), expected, is_error=False, tool=_UNPACK)
    yield Case("workspace: link to a secret", "link.txt", lambda path: path.symlink_to("../kept.txt"), "link")
    yield Case("workspace: pipe", "pipe.txt", _pipe, "not a file")


def _tar(entries: Sequence[tarfile.TarInfo]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for entry in [*entries, tarfile.TarInfo("good.txt")]:
            archive.addfile(entry)
    return stream.getvalue()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _bombs() -> Cases:
    yield from _zip_bombs()
    yield from _stream_bombs()


def _zip_bombs() -> Cases:
    honest, lying = later(lambda: _bomb(2_000)), later(lambda: _bomb(2_000, claimed=1_000))
    yield Case("zip bomb: listed", "a.zip", honest, "2,000,000,000 bytes", is_error=False, is_heavy=True)
    yield Case("zip bomb: unpacked", "a.zip", honest, "too much to unpack", tool=_UNPACK, is_heavy=True)
    expected = "Left out: 1 x damaged"
    yield Case("zip bomb: it says it is small", "a.zip", lying, expected, is_error=False, tool=_UNPACK, is_heavy=True)
    yield Case("zip bomb: within the size, not the ratio", "a.zip", _bomb(90), "grows from", tool=_UNPACK)
    same = repeated(ZEROS, 10)
    overlapping = zip_of([Entry(f"{n}", same) for n in range(2_000)], is_overlapping=True)
    yield Case("zip bomb: overlapping", "a.zip", overlapping, "1999 x damaged", is_error=False, tool=_UNPACK)
    nothing = repeated(b"", 0)
    many = zip_of([Entry(f"{n}", nothing) for n in range(60_000)])
    yield Case("zip: 60,000 members", "a.zip", many, "more than 20,000 files", tool=_UNPACK)
    nested = later(lambda: zipped(dict.fromkeys((f"{n}.zip" for n in range(16)), _bomb(4_000))))
    yield Case("zip bomb: nested", "a.zip", nested, "Unpacked 16 files", is_error=False, tool=_UNPACK, is_heavy=True)


def _bomb(n_megabytes: int, claimed: int | None = None) -> bytes:
    return zip_of([Entry("bomb", repeated(ZEROS, n_megabytes), claimed)])


def _stream_bombs() -> Cases:
    gzip = later(lambda: gzip_of(repeated(ZEROS, 2_000)))
    yield Case("gzip bomb: listed", "a.gz", gzip, "size unknown", is_error=False, is_heavy=True)
    header = tarfile.TarInfo("bomb")
    header.size = 2_000 * MEGABYTE
    tar = later(lambda: gzip_of(repeated(ZEROS, 2_000, before=header.tobuf())))
    yield Case("tar.gz bomb: listed", "a.tar.gz", tar, "unpacks to more than", is_heavy=True)
    for name, path, content in (
        ("gzip", "a.gz", gzip),
        ("tar.gz", "a.tar.gz", tar),
        ("bzip2", "a.bz2", later(lambda: bz2.compress(ZEROS * 120))),
        ("xz", "a.xz", later(lambda: lzma.compress(ZEROS * 120, preset=1))),
    ):
        yield Case(f"{name} bomb: unpacked", path, content, "unpacks to more than", tool=_UNPACK, is_heavy=True)


def _damaged() -> Cases:
    zip_file = zipped({"a.txt": "some text", "b.txt": os.urandom(5_000)})
    yield Case("zip: truncated", "a.zip", zip_file[:-40], "damaged", tool=_UNPACK)
    broken = zip_file.replace(b"a.txt", b"a.txu", 1)
    yield Case("zip: two names of one member", "a.zip", broken, "Left out: 1 x damaged", is_error=False, tool=_UNPACK)
    tar = tarred({"a.txt": os.urandom(50_000)})
    yield Case("tar.gz: truncated", "a.tar.gz", tar[:-20_000], "damaged", tool=_UNPACK)
    header = tarfile.TarInfo("huge")
    header.size = 8**11
    lying = header.tobuf() + b"x" * 1_024
    yield Case("tar: it says it has 8 GB", "a.tar", lying, "damaged", tool=_UNPACK)
    secret = zip_of([Entry("a.txt", repeated(b"x", 1), flags=1), Entry("good.txt", repeated(b"x", 1))])
    expected = _LEFT_OUT.format("protected by a password")
    yield Case("zip: protected by a password", "a.zip", secret, expected, is_error=False, tool=_UNPACK)
