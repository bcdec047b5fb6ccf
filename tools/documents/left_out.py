"""Counts, by name, what a converter does not show of a document, so that no loss is silent."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

_PLURALS: Final = {
    "list of allowed values": "lists of allowed values",
    "link to another workbook": "links to other workbooks",
    "piece of ink": "pieces of ink",
    "table whose merged cells are not all filled in": "tables whose merged cells are not all filled in",
    "text box": "text boxes",
    "value of a formula that was never computed": "values of formulas that were never computed",
}


@dataclass
class LeftOut:
    """Counter of content that is not in the converted text; every converter adds to its document's."""

    counts: Counter[str] = field(default_factory=Counter)
    """By the name of one such thing, in the order first met."""

    def add(self, name: str, n: int = 1) -> None:
        """Count things that are not shown.

        Args:
            name: of one of them, such as `picture`.
            n: how many; none is fine.
        """
        if n > 0:
            self.counts[name] += n

    def told(self) -> str:
        """Render the counts: `not shown: 3 comments, 1 equation`; empty when all is shown."""
        if not self.counts:
            return ""
        return f"not shown: {', '.join(_counted(name, n) for name, n in self.counts.items())}"


def _counted(name: str, n: int) -> str:
    return f"{n:,} {name if n == 1 else _PLURALS.get(name, f'{name}s')}"
