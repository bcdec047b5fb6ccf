"""What a conversation asks for: chats and hosts that hand over give the graph messages instead of a task."""

import re
from collections.abc import Sequence
from typing import Final

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from memento.memory.case import storable
from memento.nodes.message_texts import text_in
from memento.nodes.prompt_budgets import all_shortened
from memento.nodes.shown_steps import is_step
from memento.nodes.state import EarlierMessage

CONVERSATION_TOKENS: Final = 2_000
"""Of all that was said before, as it is shown to models."""

_MAX_MESSAGES: Final = 12
_LEAST_WORDS: Final = 8
"""A shorter text behind others is taken for a follow-up."""
_MOST_CHARS: Final = 1_000
"""A longer text is taken to say all that it needs."""
_WORDS: Final = re.compile(r"[^\W\d_]+")
_FIRST: Final = frozenset({"also", "and", "but", "else", "instead", "no", "ok", "okay", "or", "so", "then", "yes"})
"""Words that go on with what was said, as the first of a text."""
_REFERRING: Final = frozenset(
    {
        *("he", "him", "his", "she", "her", "hers", "it", "its", "they", "them", "their", "theirs"),
        *("that", "this", "these", "those", "there", "one", "ones", "same", "former", "latter"),
        *("above", "again", "before", "earlier", "previous", "previously", "you", "your"),
    }
)
"""Words that may stand for what was said."""


def open_question(messages: Sequence[AnyMessage]) -> HumanMessage | None:
    """Return the newest human message that no final AI text follows; None where there is none.

    A host that hands over leaves messages of its own behind the question: the call of its hand-off tool, that tool's
    result, instructions. They do not answer it, nor do the steps that a run has shown. Where several agents had their
    turn, the newest of them decides: one that was answered before the host handed over again is open once more.
    """
    newest: AIMessage | None = None
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            return None if newest is not None and _is_final(newest) else message
        if isinstance(message, AIMessage) and newest is None and not is_step(message):
            newest = message
    return None


def _is_final(message: AIMessage) -> bool:
    return not message.tool_calls and not message.invalid_tool_calls and bool(text_in(message).strip())


def said_before(messages: Sequence[AnyMessage], question: HumanMessage) -> list[EarlierMessage]:
    """Return what people and assistants said beside the question, oldest first, shortened to `CONVERSATION_TOKENS`."""
    said: list[EarlierMessage] = []
    for message in messages:
        if message is question or is_step(message) or not (text := storable(text_in(message).strip())):
            continue
        if isinstance(message, HumanMessage):
            said.append({"by": "person", "text": text})
        elif isinstance(message, AIMessage) and _is_final(message):
            said.append({"by": "assistant", "text": text})
    newest = said[-_MAX_MESSAGES:]
    texts = all_shortened([one["text"] for one in newest], CONVERSATION_TOKENS)
    return [{"by": one["by"], "text": text} for one, text in zip(newest, texts, strict=True)]


def is_follow_up(messages: Sequence[AnyMessage], question: HumanMessage) -> bool:
    """Whether a question comes after others and may need them to be understood.

    Tells by its words, in English, and by its length: what is short, or refers to something, may need them.
    """
    is_first = not any(isinstance(one, HumanMessage) for one in messages[: _index(messages, question)])
    text = text_in(question).strip()
    if is_first or not text or len(text) > _MOST_CHARS:
        return False
    return len(_WORDS.findall(text)) < _LEAST_WORDS or refers_back(text)


def refers_back(text: str) -> bool:
    """Whether a text has words, in English, that may stand for what was said before it."""
    words = [word.casefold() for word in _WORDS.findall(text)]
    return bool(words) and (words[0] in _FIRST or not _REFERRING.isdisjoint(words))


def _index(messages: Sequence[AnyMessage], question: HumanMessage) -> int:
    return next(number for number, message in enumerate(messages) if message is question)
