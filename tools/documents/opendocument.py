"""OpenDocument texts and presentations (odt, odp): tables, notes, comments, tracked changes, equations, headers."""

from typing import BinaryIO
from xml.etree.ElementTree import Element
from zipfile import ZipFile

from memento.tools.documents.document import Document, DocumentPart, clean
from memento.tools.documents.equations import local_name
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.lines import lines
from memento.tools.documents.ooxml_package import attribute, parsed
from memento.tools.documents.opendocument_text import Writer
from memento.tools.errors import ToolInputError


def odt(file: BinaryIO) -> Document:
    """Read a text document as lines of Markdown."""
    left_out = LeftOut()
    with ZipFile(file) as archive:
        content, styles = opened(archive)
        writer = Writer(archive, [content, *styles], left_out)
        around = {what: _around(writer, what, styles) for what in ("header", "footer")}
        blocks = [*around["header"], *writer.blocks(body(content)), *around["footer"]]
    document = lines(clean("\n".join(blocks)), left_out)
    document.notes += writer.notes()
    return document


def odp(file: BinaryIO) -> Document:
    """Read a presentation slide by slide."""
    left_out = LeftOut()
    with ZipFile(file) as archive:
        content, styles = opened(archive)
        writer = Writer(archive, [content, *styles], left_out)
        slides = [element for element in body(content).iter() if local_name(element) == "page"]
        parts = [
            DocumentPart(number, clean("\n".join(_slide(writer, slide)))) for number, slide in enumerate(slides, 1)
        ]
    return Document("slide", parts, left_out, len(parts))


def _slide(writer: Writer, slide: Element) -> list[str]:
    hidden = ["(hidden slide)"] if writer.is_hidden_slide(attribute(slide, "style-name")) else []
    return [*hidden, *writer.blocks(slide)]


def opened(archive: ZipFile) -> tuple[Element, list[Element]]:
    """Parse a document's content and, where present, its styles.

    Raises:
        ToolInputError: there is no document in it that can be read.
    """
    from defusedxml.ElementTree import fromstring

    try:
        content: Element = fromstring(archive.read("content.xml"))
    except (KeyError, RuntimeError):
        raise ToolInputError("it is damaged, or protected by a password") from None
    styles = parsed(archive, "styles.xml")
    return content, [] if styles is None else [styles]


def body(content: Element) -> Element:
    """Return the body element of a document."""
    return next((element for element in content.iter() if local_name(element) == "body"), content)


def _around(writer: Writer, what: str, styles: list[Element]) -> list[str]:
    """Render the headers or footers of all page styles, equal ones once."""
    found = [one for root in styles for one in root.iter() if local_name(one).removesuffix("-left") == what]
    texts = dict.fromkeys(" / ".join(line for line in writer.blocks(one) if line) for one in found)
    return [line for text in texts if text for line in (f"[{what}: {text}]", "")]
