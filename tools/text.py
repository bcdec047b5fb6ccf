"""Text as a model may be shown it: without what steers a terminal, and cut so that it can be seen."""

from typing import Final

MAX_LINE_CHARS: Final = 500
_HEAD_SHARE: Final = 0.7
_CONTROLS: Final = {code: None for code in [*range(32), 127] if chr(code) not in "\n\t"}


def without_controls(text: str) -> str:
    """Take out control characters, but for tabs and the ends of lines."""
    return text.translate(_CONTROLS)


def one_line(text: object) -> str:
    """Bring a text on one line of at most 500 characters."""
    return cut(" ".join(str(text).split()), MAX_LINE_CHARS)


def cut(text: str, max_chars: int) -> str:
    """Cut a text at its end."""
    return text if len(text) <= max_chars else f"{text[:max_chars].rstrip()} … [cut]"


def without_middle(text: str, max_chars: int, *, remark: str = "") -> str:
    """Cut a text in its middle: most is kept of its beginning, the rest of its end.

    Args:
        text: of any length.
        max_chars: so many are kept.
        remark: said where the others were.
    """
    if len(text) <= max_chars:
        return text
    n_head = int(max_chars * _HEAD_SHARE)
    end = text[len(text) - max_chars + n_head :]
    return f"{text[:n_head]}\n[... {len(text) - max_chars:,} characters left out{remark} ...]\n{end}"
