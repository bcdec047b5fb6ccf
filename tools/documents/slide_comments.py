"""Comments on slides of a presentation, classic and threaded, with their authors."""

from collections.abc import Iterator
from typing import Any

from memento.tools.documents.equations import local_name


def comments(presentation: Any, slide: Any) -> Iterator[tuple[str, str]]:
    """Yield author and text of each comment on a slide.

    Args:
        presentation: of python-pptx.
        slide: one of its slides.
    """
    found = [comment for root in _roots(slide.part, "comments") for comment in root.iter() if _is_comment(comment)]
    authors = _authors(presentation) if found else {}
    for comment in found:
        yield authors.get(comment.get("authorId") or "", "somebody"), _words(comment)


def _roots(part: Any, kind: str) -> Iterator[Any]:
    from lxml import etree

    for relation in part.rels.values():
        if not relation.is_external and relation.reltype.rpartition("/")[2].lower() == kind.lower():
            parser = etree.XMLParser(resolve_entities=False)
            try:
                yield etree.fromstring(relation.target_part.blob, parser)
            except etree.XMLSyntaxError:
                continue


def _is_comment(element: Any) -> bool:
    return local_name(element) in ("cm", "reply") and element.get("authorId") is not None


def _authors(presentation: Any) -> dict[str, str]:
    found = {}
    for kind in ("commentAuthors", "authors"):
        for root in _roots(presentation.part, kind):
            found.update({one.get("id") or "": one.get("name") or "somebody" for one in root})
    return found


def _words(comment: Any) -> str:
    """Return the text of a comment without its replies."""
    pieces = []
    for child in comment:
        if local_name(child) == "text":
            pieces.append("".join(child.itertext()))
        elif local_name(child) == "txBody":
            pieces += [one.text or "" for one in child.iter() if local_name(one) == "t"]
    return " ".join("".join(pieces).split())
