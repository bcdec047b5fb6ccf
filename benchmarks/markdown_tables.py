"""Tables of Markdown, and how figures stand in them."""

from collections.abc import Sequence

from memento.memory.stats import Interval


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def share(one: Interval) -> str:
    """A share in [0, 1] with its interval."""
    return f"{one.value:.3f} [{one.low:.2f}, {one.high:.2f}]"


def difference(one: Interval, *, has_verdict: bool) -> str:
    """A difference of shares in points; bold where there is a verdict, and it is above or below 0."""
    told = f"{100 * one.value:+.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"
    return f"**{told}**" if has_verdict and (one.low > 0 or one.high < 0) else told
