"""What is written in chat messages, in the content blocks of any host."""

from collections.abc import Mapping
from typing import Any, Final

from langchain_core.messages import BaseMessage

TEXTS: Final = frozenset({"text", "input_text", "output_text"})
"""Types of content blocks that are what was written, LangChain's and OpenAI's."""


def text_in(message: BaseMessage) -> str:
    """Return all that is written in a message; `message.text` lacks the blocks of OpenAI's Responses API."""
    if isinstance(message.content, str):
        return message.content
    return "".join(block if isinstance(block, str) else _written(block) for block in message.content)


def kind_of(block: Mapping[str, Any]) -> str:
    """Return the type of a content block; it may be anything, since a host's client wrote it."""
    return str(block.get("type", "text"))


def _written(block: Mapping[str, Any]) -> str:
    text = block.get("text", "") if kind_of(block) in TEXTS else ""
    return text if isinstance(text, str) else ""
