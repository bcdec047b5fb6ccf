"""Styles and tracked deletions of an OpenDocument file that affect its text."""

from collections import Counter
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from memento.tools.documents.equations import local_name
from memento.tools.documents.ooxml_package import attribute


class Styles:
    """Styles that change what a text means, and the text of tracked deletions."""

    def __init__(self, roots: Sequence[Element]) -> None:
        """Read styles and tracked changes.

        Args:
            roots: of the parts that have any.
        """
        self.raised: dict[str, str] = {}
        """By style: `^` or `_`."""
        self.hidden: set[str] = set()
        self.deleted: dict[str, list[Element]] = {}
        """Paragraphs, by the key of the place where they were."""
        self.changes: Counter[str] = Counter()
        for root in roots:
            for style in _all(root, "style"):
                self._read(style)
            for region in _all(root, "changed-region"):
                self._read_changes(region)

    def _read(self, style: Element) -> None:
        for properties in style:
            position = attribute(properties, "text-position").split()
            if position and position[0].rstrip("%") != "0":
                is_low = position[0] == "sub" or position[0].startswith("-")
                self.raised[attribute(style, "name")] = "_" if is_low else "^"
            if attribute(properties, "display") == "none" or attribute(properties, "visibility") == "hidden":
                self.hidden.add(attribute(style, "name"))

    def _read_changes(self, region: Element) -> None:
        for change in region:
            kind = local_name(change)
            if kind in ("insertion", "deletion"):
                self.changes[kind] += 1
            if kind == "deletion":
                self.deleted[attribute(region, "id")] = [one for one in change if local_name(one) in ("p", "h")]


def _all(root: Element, name: str) -> Iterator[Element]:
    return (one for one in root.iter() if local_name(one) == name)
