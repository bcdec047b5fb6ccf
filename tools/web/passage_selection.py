"""Shortens a long text to the passages that match a query, in the text's order."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from memento.tools.files.passages import passages, without_breaks
from memento.tools.files.ranking import match_scores

PASSAGE_CHARS: Final = 250
"""Two or three sentences: longer ones leave room for fewer, and the answer is missed more often."""

GAP: Final = "[…]\n"
"""Stands where something was left out."""

_OPENING_SHARE: Final = 8


def compressed(text: str, query: str, budget: int) -> str:
    """Shorten a text to passages that match a query; a text within the budget is returned whole. Blocks.

    The first lines stay, then the passages that match best, in the order of the text, with `[…]` in the gaps. When
    nothing matches, or nothing is asked, the start of the text is what stays.

    Args:
        text: of any language; paragraphs are best apart by blank lines.
        query: keywords or a question.
        budget: characters of the result, gaps included.
    """
    if len(text) <= budget:
        return text
    pieces = [passage.text for passage in passages(text, max_chars=PASSAGE_CHARS)]
    scores = match_scores(pieces, query)
    if not scores:
        return beginning(text, budget)
    shown = [without_breaks(piece).rstrip(" \t") for piece in pieces]
    costs = [len(piece) + len(GAP) + 1 for piece in shown]
    opening = [index for index, cost in enumerate(accumulate(costs)) if not index or cost <= budget // _OPENING_SHARE]
    kept: set[int] = set()
    room = budget - len(GAP)
    for index in [*opening, *sorted(scores, key=lambda index: (-scores[index], index))]:
        if index not in kept and costs[index] <= room:
            kept.add(index)
            room -= costs[index]
    return _joined(shown, sorted(kept)) if kept else beginning(text, budget)


def beginning(text: str, budget: int) -> str:
    """Truncate a text at the end of a line or a word near the limit."""
    if len(text) <= budget:
        return text
    head = text[:budget]
    for end in (head.rfind("\n"), head.rfind(" ")):
        if end > budget * 3 // 4:
            return head[:end].rstrip()
    return head.rstrip()


def _joined(pieces: Sequence[str], kept: Sequence[int]) -> str:
    parts: list[str] = []
    following = 0
    for index in kept:
        if index > following:
            parts.append(GAP)
        parts.append(pieces[index] if pieces[index].endswith("\n") else f"{pieces[index]}\n")
        following = index + 1
    if following < len(pieces):
        parts.append(GAP)
    return "".join(parts).rstrip()
