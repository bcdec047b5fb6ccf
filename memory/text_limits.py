"""Length limits of stored texts: longer ones are truncated in the middle, with a note of how much."""

from typing import Final

MAX_STATE_CHARS: Final = 100_000
"""Maximum length of a task and of a query, which are cut alike, so that a task still finds itself."""
MAX_ACTION_CHARS: Final = 50_000
MAX_ANSWER_CHARS: Final = 50_000
MAX_LESSON_CHARS: Final = 10_000

_HEAD_SHARE: Final = 0.7
_NOTE_CHARS: Final = 60


def bounded(text: str, max_chars: int) -> str:
    """The text, or its beginning and its end, at most `max_chars` together with a note of what is missing.

    A text that was bounded once stays as it is when it is bounded again.
    """
    if len(text) <= max_chars:
        return text
    n_kept = max_chars - _NOTE_CHARS
    n_head = int(n_kept * _HEAD_SHARE)
    end = text[len(text) - n_kept + n_head :]
    return f"{text[:n_head]}\n[… {len(text) - n_kept:,} characters left out …]\n{end}"
