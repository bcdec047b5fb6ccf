"""Joins a reply that was cut off with its continuation."""

from typing import Final

_LEAST_OVERLAP: Final = 12
_MOST_OVERLAP: Final = 400
_SAME_START: Final = 60


def joined(first: str, second: str) -> str:
    """Join both pieces; text that the second repeats is dropped."""
    first, second = first.rstrip("\n"), second.strip("\n")
    start = first.lstrip()[:_SAME_START]
    if not start or (len(second) >= len(first) and second.lstrip().startswith(start)):
        return second.strip()  # it began again
    for n in range(min(len(first), len(second), _MOST_OVERLAP), _LEAST_OVERLAP - 1, -1):
        if first.endswith(second[:n]):
            return (first + second[n:]).strip()
    is_new_sentence = first[-1:] in ".!?:;," and second[:1].isalnum()
    return f"{first}{' ' if is_new_sentence else ''}{second}".strip()
