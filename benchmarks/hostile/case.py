"""What a hostile case is."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from memento.tools.documents.extract_archive import make_extract_archive
from memento.tools.documents.read_document import make_read_document
from memento.tools.errors import ToolError
from memento.tools.workspace import Workspace

KEPT: Final = "what lies in another folder"

Cases: TypeAlias = "Iterator[Case]"
Tool = Literal["read_document", "read_document with pictures", "extract_archive"]


class Case(NamedTuple):
    """A document, and what must come of it."""

    name: str
    path: str
    """Its name in the workspace."""
    content: bytes | Callable[[Path], None]
    """What is in it, or what makes it at a path."""
    expected: str
    """Pattern that the error, or the text, must have somewhere; after `!`, one that it must not have."""
    is_error: bool | None = True
    """None: both are right, a clear error and what text there is."""
    tool: Tool = "read_document"
    is_heavy: bool = False
    """Takes seconds; left to the benchmark."""

    def is_right(self, said: str, *, is_error: bool | None) -> bool:
        """Judge what came of it."""
        if KEPT in said or "root:x:0" in said or (self.is_error is not None and self.is_error != is_error):
            return False
        if self.expected.startswith("!"):
            return not re.search(self.expected[1:], said)
        return bool(re.search(self.expected, said, re.DOTALL))

    def lay_out(self, root: Path) -> Path:
        """Put it into a workspace below an empty folder, with something beside it that is to stay as it is.

        Returns:
            The workspace's folder.
        """
        (root / "kept.txt").write_text(KEPT)
        path = root / "run" / self.path
        path.parent.mkdir()
        if callable(self.content):
            self.content(path)
        else:
            path.write_bytes(self.content)
        return path.parent


def later(build: Callable[[], bytes]) -> Callable[[Path], None]:
    """Put off the making of a large content until its case is tried."""

    def make(path: Path) -> None:
        path.write_bytes(build())

    return make


def is_touched(root: Path) -> bool:
    """Tell whether anything outside the workspace is other than `lay_out` left it."""
    return sorted(path.name for path in root.iterdir()) != ["kept.txt", "run"] or (
        (root / "kept.txt").read_text() != KEPT
    )


async def tried(case_path: str, tool: str, workspace: Workspace) -> tuple[str, bool]:
    """Use a tool on a file; give its text, or its error, and which of the two it is."""
    try:
        if tool == "extract_archive":
            return await make_extract_archive()(case_path, workspace=workspace), False
        read = make_read_document(look=_seen)
        return await read(case_path, pictures="pictures" in tool, workspace=workspace), False
    except ToolError as error:
        return str(error), True


async def _seen(question: str, pictures: object) -> str:
    del question, pictures
    return "what was seen"
