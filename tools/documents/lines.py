"""Plain text as a document of lines."""

from memento.tools.documents.document import Document, DocumentPart
from memento.tools.documents.left_out import LeftOut


def lines(text: str, left_out: LeftOut) -> Document:
    """Split a text into a document of lines; runs of blank lines become one."""
    found: list[str] = []
    for line in text.strip().split("\n"):
        stripped = line.rstrip()
        if stripped or (found and found[-1]):
            found.append(stripped)
    return Document("line", [DocumentPart(number, line) for number, line in enumerate(found, 1)], left_out, len(found))
