"""Word documents and presentations."""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from memento.tools.documents.document import Document, Part, Wanted, clean
from memento.tools.documents.tables import table
from memento.tools.errors import ToolInputError

_MAX_GROUPS: Final = 20
"""Groups of shapes within groups."""


def docx(file: BinaryIO) -> Document:
    """Read a Word document as lines of Markdown; mammoth's HTML keeps the tables that its Markdown loses."""
    import mammoth
    from markdownify import markdownify

    n_pictures = 0

    def left_out(_: Any) -> dict[str, str]:
        nonlocal n_pictures
        n_pictures += 1
        return {"src": "", "alt": f"picture {n_pictures}"}

    # From memory: mammoth takes the name of an open file, here a number, for a path.
    copy = io.BytesIO(file.read())
    page = mammoth.convert_to_html(copy, convert_image=mammoth.images.img_element(left_out))
    text = clean(markdownify(page.value, heading_style="ATX", bullets="-", table_infer_header=True, escape_misc=False))
    document = lines(text)
    if n_pictures:
        document.notes.append(f"it has {n_pictures} pictures")
    return document


def lines(text: str) -> Document:
    """Make a document of a text, line by line; runs of blank lines become one."""
    found: list[str] = []
    for line in text.strip().split("\n"):
        stripped = line.rstrip()
        if stripped or (found and found[-1]):
            found.append(stripped)
    return Document("line", [Part(number, line) for number, line in enumerate(found, 1)], len(found))


def pptx(file: BinaryIO) -> Document:
    """Read a presentation slide by slide, with tables, the figures of charts, and notes."""
    from pptx import Presentation

    slides = Presentation(file).slides
    if not len(slides):
        raise ToolInputError("the presentation has no slides")
    return Document("slide", _slides(slides), len(slides))


def _slides(slides: Any) -> Iterator[Part]:
    for number, slide in enumerate(slides, 1):
        texts = [text for shape in _in_order(slide.shapes) for text in _shape(shape)]
        n_pictures = sum(1 for _ in _pictures(slide))
        if n_pictures:
            texts.append(f"[{n_pictures} picture{'s' if n_pictures > 1 else ''}]")
        notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        if notes is not None and notes.text.strip():
            texts.append(f"Notes: {notes.text.strip()}")
        yield Part(number, clean("\n".join(texts)).replace("\v", "\n"))


def _in_order(shapes: Any, depth: int = 0) -> Iterator[Any]:
    """Yield shapes as a person reads them, the title first, those of groups one by one."""
    for shape in sorted(shapes, key=lambda shape: (not _is_title(shape), shape.top or 0, shape.left or 0)):
        if hasattr(shape, "shapes"):
            if depth < _MAX_GROUPS:
                yield from _in_order(shape.shapes, depth + 1)
        else:
            yield shape


def _is_title(shape: Any) -> bool:
    return bool(shape.is_placeholder and shape.placeholder_format.idx == 0)


def _shape(shape: Any) -> Iterator[str]:
    if shape.has_text_frame and shape.text_frame.text.strip():
        text = shape.text_frame.text.strip()
        yield f"# {text}" if _is_title(shape) else text
    elif getattr(shape, "has_table", False) and shape.has_table:
        yield table([[cell.text for cell in row.cells] for row in shape.table.rows])
    elif getattr(shape, "has_chart", False) and shape.has_chart:
        yield from _chart(shape.chart)


def _chart(chart: Any) -> Iterator[str]:
    if chart.has_title and chart.chart_title.has_text_frame:
        yield f"Chart: {chart.chart_title.text_frame.text}"
    for plot in chart.plots:
        series = list(plot.series)
        rows = zip(plot.categories, *(one.values for one in series), strict=False)
        yield table([["", *(one.name for one in series)], *([f"{value}" for value in row] for row in rows)])


def slide_pictures(file: BinaryIO, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    """Yield the encoded pictures of the slides asked for, each with its place."""
    from pptx import Presentation

    for number, slide in enumerate(Presentation(file).slides, 1):
        if wanted.covers(Part(number)):
            yield from ((f"slide {number}", picture) for picture in _pictures(slide))


def _pictures(slide: Any) -> Iterator[bytes]:
    for shape in _in_order(slide.shapes):
        try:
            yield shape.image.blob
        except (AttributeError, ValueError, KeyError):  # no picture, or one that lies elsewhere
            continue
