"""Ports for vision and transcription: two functions that the host provides."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple


class Picture(NamedTuple):
    """An encoded picture."""

    content: bytes
    mime_type: str
    """image/png, image/jpeg, image/webp or image/gif."""


Look = Callable[[str, Sequence[Picture]], Awaitable[str]]
"""Asks a model that sees: a question and pictures, in order; gives its answer.

Raises ToolUnavailable when there is no such model or it does not answer.
"""

Transcribe = Callable[[str, bytes], Awaitable[str]]
"""Turns speech into text: a file name with its suffix, and its content.

Raises ToolUnavailable when there is nothing that hears or it does not answer.
"""
