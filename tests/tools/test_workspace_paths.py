"""Whatever text a model gives as a path: nothing outside is read or written, and nothing but a ToolError is raised."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memento.tools.errors import ToolError
from memento.tools.workspace import Workspace

SECRET = b"SECRET"
OWN = b"own"
SHELVED = b"shelved"

_NAMES = [
    *("", ".", "..", "...", "~", "~root", " ", "a", "b.txt", "deep", "new", "-rf", "CON", "C:", "a:stream", "$HOME"),
    *("to-file", "to-folder", "to-nothing", "to-root", "to-itself", "to-proc", "pipe"),
    *("secret.txt", "outside", "notes"),
    *("\0", "a\0b", "\n", "\ud800", "\u2024\u2024", "\uff0e\uff0e", "..\u200b", "%2e%2e", "x" * 256, "é", "e\u0301"),
    *("workspace", "proc", "self", "root", "etc", "passwd", "dev", "fd", "0"),
]
_SEPARATORS = ["/", "/", "/", "//", "\\", "/./", "\\\\?\\", "\uff0f", "\u2215", "file://", "/workspace/"]


@st.composite
def nasty_paths(draw: st.DrawFn) -> str:
    """Paths of names that mean something here, put together in all ways, and any other text."""
    parts = draw(st.lists(st.sampled_from(_NAMES) | st.text(max_size=3), min_size=1, max_size=6))
    glue = draw(st.lists(st.sampled_from(_SEPARATORS), min_size=len(parts), max_size=len(parts)))
    lead = draw(st.sampled_from(["", "", "", *_SEPARATORS]))
    path = "".join(part + separator for part, separator in zip(parts, glue, strict=True))
    return lead + path[: draw(st.integers(1, 600))]


class Place:
    """A workspace with links that lead out of it, a shelf with the same, and what lies outside."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.outside = root / "outside"
        self.workspace = Workspace(root / "run", shelves={"notes": root / "notes"})
        for folder in (self.outside / "deep", self.workspace.folder / "deep", root / "notes" / "deep"):
            folder.mkdir(parents=True)
        for name in ("secret.txt", "deep/secret.txt", "b.txt"):
            (self.outside / name).write_bytes(SECRET)
        for folder, content in ((self.workspace.folder, OWN), (root / "notes", SHELVED)):
            (folder / "b.txt").write_bytes(content)
            (folder / "deep" / "b.txt").write_bytes(content)
            for name, target in (
                ("to-file", self.outside / "secret.txt"),
                ("to-folder", self.outside),
                ("to-nothing", self.outside / "new"),
                ("to-root", Path("/")),
                ("to-itself", folder / "to-itself"),
                ("to-proc", Path("/proc/self/cwd")),
            ):
                (folder / name).symlink_to(target)
                (folder / "deep" / name).symlink_to(target)
            os.mkfifo(folder / "pipe")

    def forms(self, path: str) -> list[str]:
        """A path as it is, and led out of the workspace or into the shelf."""
        return [path, f"{self.outside}/{path}", f"/{self.outside}/{path}", f"../outside/{path}", f"notes/{path}"]

    def beyond(self) -> dict[str, bytes | None]:
        """Everything that no path may change: outside and on the shelf."""
        paths = sorted(path for folder in ("outside", "notes") for path in (self.root / folder).rglob("*"))
        found = {str(path): path.read_bytes() if path.is_file() and not path.is_symlink() else None for path in paths}
        return found | dict.fromkeys(sorted(os.listdir(self.root)))


@pytest.fixture(scope="module")
def new_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Place]]:
    here = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("cwd"))  # a relative path that leads out would show up here
    yield lambda: Place(tmp_path_factory.mktemp("place"))
    assert os.listdir() == []
    os.chdir(here)


@pytest.fixture(scope="module")
def place(new_place: Callable[[], Place]) -> Place:
    return new_place()


@settings(max_examples=200, deadline=None)
@example(path="to-folder/secret.txt")
@example(path="deep/to-root/etc/passwd")
@example(path="notes/to-file")
@example(path="notes/../../outside/secret.txt")
@example(path="\ud800")
@example(path="//etc/passwd")
@given(path=nasty_paths())
def test_nothing_outside_is_read_whatever_the_path(place: Place, path: str) -> None:
    for form in place.forms(path):
        try:
            content = place.workspace.read(form, max_bytes=1_000_000)
        except ToolError:
            continue
        assert content in (OWN, SHELVED)


@settings(max_examples=200, deadline=None)
@example(path="to-folder/new")
@example(path="to-nothing")
@example(path="deep/to-folder/secret.txt")
@example(path="notes/b.txt")
@example(path="\ud800")
@example(path="//etc/passwd")
@given(path=nasty_paths())
def test_nothing_outside_is_written_whatever_the_path(new_place: Callable[[], Place], path: str) -> None:
    place = new_place()
    before = place.beyond()
    for form in place.forms(path):
        try:
            written = place.workspace.write(form, b"written")
        except ToolError:
            continue
        assert (place.workspace.folder / written).resolve().is_relative_to(place.workspace.folder)
        assert place.workspace.read(written, max_bytes=10) == b"written"
    assert place.beyond() == before
