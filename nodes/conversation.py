"""What a conversation asks for: chats and hosts that hand over give the graph messages instead of a task."""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from memento.nodes.message_texts import text_in


def open_question(messages: Sequence[AnyMessage]) -> HumanMessage | None:
    """Return the newest human message that no final AI text follows; None where there is none.

    A host that hands over leaves messages of its own behind the question: the call of its hand-off tool, that tool's
    result, instructions. They do not answer it. Where several agents had their turn, the newest of them decides: one
    that was answered before the host handed over again is open once more.
    """
    newest: AIMessage | None = None
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            return None if newest is not None and _is_final(newest) else message
        if isinstance(message, AIMessage) and newest is None:
            newest = message
    return None


def _is_final(message: AIMessage) -> bool:
    return not message.tool_calls and not message.invalid_tool_calls and bool(text_in(message).strip())
