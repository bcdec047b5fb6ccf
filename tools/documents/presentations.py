"""PowerPoint presentations (pptx): slides with tables, charts, equations, links, notes and comments."""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from memento.tools.documents.document import Document, DocumentPart, PartRange, clean
from memento.tools.documents.equations import linear, local_name, raised
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.slide_comments import comments
from memento.tools.documents.tables import table
from memento.tools.errors import ToolInputError

_MAX_GROUPS: Final = 20
"""Groups of shapes within groups."""
_COUNTED: Final = {"ole": "embedded object", "chartex": "chart", "ink": "piece of ink", "slicer": "slicer"}
"""What a frame holds that is not shown, by the end of its kind."""
_SHAPES: Final = {"cxnSp": "connector", "contentPart": "piece of ink"}
_MEDIA: Final = {"videoFile": "video", "audioFile": "sound", "wavAudioFile": "sound", "media": "video"}


def pptx(file: BinaryIO) -> Document:
    """Read a presentation slide by slide, with tables, chart values, notes and comments."""
    from pptx import Presentation

    presentation = Presentation(file)
    slides = presentation.slides
    if not len(slides):
        raise ToolInputError("the presentation has no slides")
    left_out = LeftOut()
    return Document("slide", _slides(presentation, left_out), left_out, len(slides))


def _slides(presentation: Any, left_out: LeftOut) -> Iterator[DocumentPart]:
    for number, slide in enumerate(presentation.slides, 1):
        rewrite(slide.element)
        texts = ["(hidden slide)"] if slide.element.get("show") == "0" else []
        texts += [text for shape in _in_order(slide.shapes) for text in _shape(shape, left_out)]
        n_pictures = sum(1 for _ in _pictures(slide))
        if n_pictures:
            texts.append(f"[{n_pictures} picture{'s' if n_pictures > 1 else ''}]")
            left_out.add("picture", n_pictures)
        texts += [f"[picture: {words}]" for words in _picture_words(slide)]
        notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        if notes is not None and notes.text.strip():
            texts.append(f"Notes: {notes.text.strip()}")
        texts += [f"[comment by {author}: {text}]" for author, text in comments(presentation, slide)]
        yield DocumentPart(number, clean("\n".join(texts)).replace("\v", "\n"))


def rewrite(slide: Any) -> None:
    """Rewrite elements that python-pptx does not read (newer shapes, equations, exponents) as plain runs.

    Args:
        slide: the XML of a slide, changed in place.
    """
    for element in [one for one in slide.iter() if local_name(one) == "AlternateContent"]:
        parent = element.getparent()
        forms = [*(one for one in element if local_name(one) == "Choice"), *element]
        if parent is not None and forms:
            for child in list(forms[0]):
                element.addprevious(child)
            parent.remove(element)
    for equation in [one for one in slide.iter() if local_name(one) == "oMath"]:
        inner, holder = equation, equation.getparent()
        while holder is not None and local_name(holder) != "p":
            inner, holder = holder, holder.getparent()
        if holder is not None:
            _replace_by_run(holder, inner, linear(equation))
    for properties in [one for one in slide.iter() if local_name(one) == "rPr" and one.get("baseline")]:
        _raise(properties)


def _replace_by_run(paragraph: Any, element: Any, text: str) -> None:
    space = paragraph.tag.rpartition("}")[0] + "}"
    run = paragraph.makeelement(f"{space}r")
    words = run.makeelement(f"{space}t")
    words.text = text
    run.append(words)
    paragraph.replace(element, run)


def _raise(properties: Any) -> None:
    baseline = properties.get("baseline").removesuffix("%")
    for words in properties.getparent():
        if local_name(words) == "t" and words.text and words.text.strip() and baseline.strip("-0.") != "":
            words.text = raised("", words.text, "_" if baseline.startswith("-") else "^")


def _in_order(shapes: Any, depth: int = 0) -> Iterator[Any]:
    """Yield shapes in reading order, the title first, groups flattened."""
    for shape in sorted(shapes, key=lambda shape: (not _is_title(shape), shape.top or 0, shape.left or 0)):
        if hasattr(shape, "shapes"):
            if depth < _MAX_GROUPS:
                yield from _in_order(shape.shapes, depth + 1)
        else:
            yield shape


def _is_title(shape: Any) -> bool:
    return bool(shape.is_placeholder and shape.placeholder_format.idx == 0)


def _shape(shape: Any, left_out: LeftOut) -> Iterator[str]:
    for element in shape.element.iter():
        if (name := local_name(element)) in _MEDIA and name != "media":
            left_out.add(_MEDIA[name])
    if shape.has_text_frame:
        text = _frame_text(shape.text_frame)
        if text:
            yield f"# {text}" if _is_title(shape) else text
        elif not shape.is_placeholder:
            left_out.add("drawing")
    elif getattr(shape, "has_table", False) and shape.has_table:
        yield table(_cells(shape.table))
    elif getattr(shape, "has_chart", False) and shape.has_chart:
        yield from _chart(shape.chart, left_out)
    elif (kind := local_name(shape.element)) == "graphicFrame":
        yield from _frame(shape, left_out)
    elif kind != "pic":
        left_out.add(_SHAPES.get(kind, "drawing"))


def _frame_text(frame: Any) -> str:
    """Render the paragraphs of a frame, link addresses behind their words."""
    return "\n".join(_paragraph(one) for one in frame.paragraphs).strip()


def _paragraph(paragraph: Any) -> str:
    addresses = []
    for run in paragraph.runs:
        try:
            address = run.hyperlink.address
        except (KeyError, AttributeError):
            continue
        if address and address not in paragraph.text:
            addresses.append(address)
    return f"{paragraph.text}{''.join(f' ({address})' for address in dict.fromkeys(addresses))}"


def _cells(found: Any) -> list[list[str]]:
    """Return the cells of a table; a merged cell's text is repeated in every place it covers."""
    cells = [[_frame_text(cell.text_frame) for cell in row.cells] for row in found.rows]
    for top, row in enumerate(found.rows):
        for left, cell in enumerate(row.cells):
            if cell.is_merge_origin:
                is_alone = cell.span_width == len(row.cells)
                for place in range(top, min(top + cell.span_height, len(cells))):
                    for column in range(left, min(left + cell.span_width, len(cells[place]))):
                        cells[place][column] = "" if is_alone and column > left else cells[top][left]
    return cells


def _frame(shape: Any, left_out: LeftOut) -> Iterator[str]:
    """Render the words of a diagram (SmartArt); count other frames as left out."""
    contents = next((one for one in shape.element.iter() if local_name(one) == "graphicData"), None)
    kind = (contents.get("uri") or "").rpartition("/")[2] if contents is not None else ""
    words = _diagram(shape, contents) if kind == "diagram" else []
    if words:
        yield f"Diagram: {' | '.join(words)}"
    else:
        left_out.add(_COUNTED.get(kind, "diagram" if kind == "diagram" else "drawing"))


def _diagram(shape: Any, contents: Any) -> list[str]:
    from lxml import etree

    ids = next((one for one in contents if local_name(one) == "relIds"), None)
    key = "" if ids is None else next((value for name, value in ids.items() if name.endswith("}dm")), "")
    try:
        root = etree.fromstring(shape.part.related_part(key).blob, etree.XMLParser(resolve_entities=False))
    except (KeyError, etree.XMLSyntaxError):
        return []
    points = (one for one in root.iter() if local_name(one) == "pt")
    texts = ("".join(words.text or "" for words in point.iter() if local_name(words) == "t") for point in points)
    return [text for text in texts if text.strip()]


def _chart(chart: Any, left_out: LeftOut) -> Iterator[str]:
    if chart.has_title and chart.chart_title.has_text_frame:
        yield f"Chart: {chart.chart_title.text_frame.text}"
    for plot in chart.plots:
        series = list(plot.series)
        try:
            columns = [list(one.iter_values()) if hasattr(one, "iter_values") else list(one.values) for one in series]
            names = [str(one) for one in plot.categories]
        except (AttributeError, ValueError, TypeError):
            left_out.add("chart")
            continue
        if not names:  # of points, each series has its own
            columns = [column for one in series for column in (_points(chart, one, "xVal"), list(one.iter_values()))]
            heads = [head for one in series for head in (f"{one.name} x", f"{one.name} y")]
        else:
            heads = [one.name for one in series]
        n_rows = max(map(len, [names, *columns]))
        rows = [
            [names[n] if n < len(names) else "", *(f"{one[n]}" if n < len(one) else "" for one in columns)]
            for n in range(n_rows)
        ]
        yield table([["", *heads], *rows])


def _points(chart: Any, series: Any, name: str) -> list[str]:
    own = (one for one in chart.element.iter() if local_name(one) == "ser" and one.idx.val == series.index)
    found = next((one for one in next(own, ()) if local_name(one) == name), None)
    return [] if found is None else [one.text or "" for one in found.iter() if local_name(one) == "v"]


def slide_pictures(file: BinaryIO, wanted: PartRange) -> Iterator[tuple[str, bytes]]:
    """Yield the encoded pictures of the slides asked for, each with its place."""
    from pptx import Presentation

    for number, slide in enumerate(Presentation(file).slides, 1):
        if wanted.covers(DocumentPart(number)):
            yield from ((f"slide {number}", picture) for picture in _pictures(slide))


def _pictures(slide: Any) -> Iterator[bytes]:
    for shape in _in_order(slide.shapes):
        try:
            yield shape.image.blob
        except (AttributeError, ValueError, KeyError):  # no picture, or one that lies elsewhere
            continue


def _picture_words(slide: Any) -> Iterator[str]:
    """Yield the alternative texts of pictures, except mere file names."""
    for shape in _in_order(slide.shapes):
        if local_name(shape.element) == "pic":
            about = next((one for one in shape.element.iter() if local_name(one) == "cNvPr"), None)
            words = (about.get("descr") or "").strip() if about is not None else ""
            if " " in words:
                yield words
