"""Parts of an Office Open XML package, and the relationships between them."""

import posixpath
from collections.abc import Iterator
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, ParseError
from zipfile import ZipFile

MAX_PART_BYTES: Final = 30_000_000
"""Larger parts are not parsed as a whole."""


class Relation(NamedTuple):
    """A relationship from one part to another."""

    key: str
    kind: str
    """The last piece of its type, such as `hyperlink`."""
    target: str
    """The name of another part, or an address."""
    is_external: bool


def relations(archive: ZipFile, part: str) -> list[Relation]:
    """Read the relationships of a part."""
    folder, name = posixpath.split(part)
    root = parsed(archive, f"{folder}/_rels/{name}.rels")
    found = []
    for one in () if root is None else root:
        target, is_external = one.get("Target") or "", one.get("TargetMode") == "External"
        if not is_external:
            target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
        found.append(Relation(one.get("Id") or "", (one.get("Type") or "").rpartition("/")[2], target, is_external))
    return found


def parsed(archive: ZipFile, part: str) -> Element | None:
    """Parse a part; None when it is missing, damaged or too large."""
    try:
        if archive.getinfo(part).file_size > MAX_PART_BYTES:
            return None
        return parsed_bytes(archive.read(part))
    except KeyError:
        return None


def parsed_bytes(content: bytes) -> Element | None:
    """Parse XML; None when it is damaged or defines entities."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(content)
    except (ParseError, DefusedXmlException):
        return None
    return root


def without_fallbacks(element: Element) -> Iterator[Element]:
    """Yield all elements below one, skipping fallback content that repeats it for older programs."""
    waiting = [element]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(child for child in reversed(one) if not str(child.tag).endswith("}Fallback"))


def attribute(element: Element, name: str) -> str:
    """Read an attribute regardless of namespace; empty when it is missing."""
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")
