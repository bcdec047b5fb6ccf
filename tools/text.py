"""Sanitises text for models: strips control characters; truncates visibly."""

from typing import Final

MAX_LINE_CHARS: Final = 500
_HEAD_SHARE: Final = 0.7
_CONTROLS: Final = {code: None for code in [*range(32), 127] if chr(code) not in "\n\t"}


def without_controls(text: str) -> str:
    """Remove control characters except tabs and line ends."""
    return text.translate(_CONTROLS)


def one_line(text: object) -> str:
    """Put a text on one line of at most 500 characters."""
    return cut(" ".join(str(text).split()), MAX_LINE_CHARS)


def cut(text: str, max_chars: int) -> str:
    """Truncate a text at its end."""
    return text if len(text) <= max_chars else f"{text[:max_chars].rstrip()} … [cut]"


def without_middle(text: str, max_chars: int, *, remark: str = "") -> str:
    """Truncate a text in the middle, keeping most of its beginning and some of its end.

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
