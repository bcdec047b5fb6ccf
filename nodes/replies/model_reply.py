"""A parsed reply of a chat model: text without chain of thought, tool calls, and how it ended."""

from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple

from langchain_core.messages import AIMessage, BaseMessage

from memento.nodes.replies.endings import Ending, ending_of, refusal_in
from memento.nodes.replies.sanitise import unreadable
from memento.nodes.replies.text_calls import text_calls
from memento.nodes.replies.thoughts import message_without_thoughts

WHY_UNFINISHED: Final[dict[Ending, str]] = {
    "length": "it was cut off by the token limit",
    "filter": "the provider's content filter stopped it",
    "interrupted": "it broke off before its end",
    "unended": "it broke off before its end",
}
"""Endings of replies of which a part is missing, in words."""


class ModelReply(NamedTuple):
    """A parsed reply."""

    message: AIMessage
    """Without thoughts in its text; calls that it made as text are calls."""
    ending: Ending
    problem: str = ""
    """What to tell a model whose reply is neither an answer nor a call."""
    parsed: Any = None
    """The object that the client has made of it, where one was asked for."""
    written: str = ""
    """What of its text became its calls."""

    @property
    def text(self) -> str:
        """The text, including that of a refusal."""
        return self.message.text.strip()

    @property
    def is_unfinished(self) -> bool:
        """Whether part of it is missing."""
        return self.ending in WHY_UNFINISHED

    @property
    def is_empty(self) -> bool:
        """Whether it has neither text nor calls."""
        return not (self.message.tool_calls or self.message.invalid_tool_calls or self.text)


def read_reply(message: AIMessage, tools: Collection[str] = ()) -> ModelReply:
    """Parse a reply.

    Args:
        message: as the model's class gave it.
        tools: names of the tools that it was offered.
    """
    ending, refusal = ending_of(message), refusal_in(message)
    message = message_without_thoughts(message)
    if refusal and not message.text.strip():
        message = message.model_copy(update={"content": refusal})
    if message.tool_calls or message.invalid_tool_calls:
        # Of a stream that was cut off, LangChain completes the last call's arguments as if they had been whole.
        is_cut = ending in WHY_UNFINISHED and ending != "unended"
        return ModelReply(unreadable(message) if is_cut else message, ending)
    if ending == "bad_call":
        return ModelReply(message, "", "The provider could not read that tool call. Make it again, in simpler form.")
    found = text_calls(message.text, tools) if not refusal else None
    if found is None or not (found.calls or found.problem):
        return ModelReply(message, ending)
    if not found.calls:
        return ModelReply(message, ending, found.problem)
    called = message.model_copy(update={"content": found.text, "tool_calls": found.calls})
    return ModelReply(called, "", written=found.written)


def is_quoted(written: str, material: Iterable[BaseMessage]) -> bool:
    """Whether a text-written call also appears in what the model was shown (possibly an injection from a page)."""
    plain = "".join(written.split())
    return any(plain in "".join(message.text.split()) for message in material if not isinstance(message, AIMessage))
