"""Fits long conversations into the model's context window: trims old results, then summarises the beginning.

Only what the model is shown is shortened. The agent's state keeps every message, for its budgets and its results.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from langchain.agents.middleware import ClearToolUsesEdit
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately

from memento.nodes.agent.notes import CLEARED
from memento.nodes.agent.work import Summary, Work
from memento.nodes.fences import fence

Summarise = Callable[[str], Awaitable[str]]
"""Gives the summary of a protocol; an empty one when there is none to be had."""

_UNKNOWN_TOKENS: Final = 100_000
_FULL_SHARE: Final = 0.7
_KEPT_RESULTS: Final = 3
_KEPT_TURNS: Final = 2
_LINE_CHARS: Final = 2_000
_CHARS_PER_TOKEN: Final = 2
"""At the least, in most languages: what is shorter needs no counting."""


def window_tokens(model: BaseChatModel) -> int:
    """Return the model's context window, as far as LangChain knows it."""
    known = (model.profile or {}).get("max_input_tokens")
    return known if isinstance(known, int) and known > 0 else _UNKNOWN_TOKENS


async def fitted(
    messages: Sequence[BaseMessage], work: Work, *, n_tokens: int, summarise: Summarise
) -> list[BaseMessage]:
    """Return the conversation as it is shown to a model.

    Args:
        messages: all of it, from the question on.
        work: keeps the summary.
        n_tokens: the model's window.
        summarise: asked when taking out old results does not suffice.
    """
    full = int(n_tokens * _FULL_SHARE)
    view = _summarised(messages, work.summary)
    if not _is_longer(view, full):
        return view
    view = _cleared(view)
    if not _is_longer(view, full):
        return view
    n_first = _n_first(messages)
    if n_first > (work.summary.n_messages if work.summary else 1):
        text = await summarise(_protocol(messages[:n_first], work.summary, max_chars=full))
        work.summary = Summary(text or "(lost: it was too long)", n_first)
    return _cleared(_summarised(messages, work.summary))


def shrunk(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return the question and the last turn without long results, after a context overflow."""
    last = max((n for n, message in enumerate(messages) if isinstance(message, AIMessage)), default=len(messages))
    return [*messages[:1], *map(_short, messages[max(1, last) :])]


def _short(message: BaseMessage) -> BaseMessage:
    if len(message.text) <= _LINE_CHARS or isinstance(message, HumanMessage):
        return message
    text = CLEARED if isinstance(message, ToolMessage) else message.text[:_LINE_CHARS]
    return message.model_copy(update={"content": text})


def _is_longer(messages: Sequence[BaseMessage], n_tokens: int) -> bool:
    n_chars = sum(len(m.content) if isinstance(m.content, str) else len(str(m.content)) for m in messages)
    n_chars += sum(len(str(c["args"])) for m in messages if isinstance(m, AIMessage) for c in m.tool_calls)
    if n_chars < n_tokens * _CHARS_PER_TOKEN:
        return False
    return count_tokens_approximately(messages, use_usage_metadata_scaling=True) > n_tokens


def _cleared(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    view = list(messages)
    ClearToolUsesEdit(trigger=0, keep=_KEPT_RESULTS, placeholder=CLEARED).apply(view, count_tokens=lambda _: 1)  # type: ignore[arg-type]
    return view


def _summarised(messages: Sequence[BaseMessage], summary: Summary | None) -> list[BaseMessage]:
    if summary is None:
        return list(messages)
    question = messages[0]
    told = f"{question.text}\n\nWhat you have done so far, shortened:\n\n{fence('summary', summary.text)}"
    return [HumanMessage(told, id=question.id), *messages[summary.n_messages :]]


def _n_first(messages: Sequence[BaseMessage]) -> int:
    """Count the messages before the last turns; a turn begins with the model's message."""
    turns = [n for n, message in enumerate(messages) if isinstance(message, AIMessage)]
    return turns[-_KEPT_TURNS] if len(turns) > _KEPT_TURNS else 1


def _protocol(messages: Sequence[BaseMessage], summary: Summary | None, *, max_chars: int) -> str:
    lines = [f"Earlier: {summary.text}"] if summary else []
    for message in messages[summary.n_messages if summary else 1 :]:
        lines.append(f"{message.type}: {message.text[:_LINE_CHARS]}")
        if isinstance(message, AIMessage):
            lines += [f"called {call['name']} with {str(call['args'])[:_LINE_CHARS]}" for call in message.tool_calls]
    task = messages[0].text
    return f"{task}\n\n{fence('history', chr(10).join(lines)[-max_chars:])}"
