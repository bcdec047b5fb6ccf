"""Streams the final answer into the chat token by token, while the planner's structured reply is being generated.

`stream_mode="messages"` gets the answer's text as chunks of one message, whose id the finished message in the state has
too. Of a reply that is rejected after its answer has begun (cut off, broken off, not valid), the chunks end with
`finish_reason: withdrawn`, a custom event `withdrawn` names their id, and the answer comes under another id.
"""

import contextvars
import uuid
from typing import Final

from langchain_core.callbacks import BaseCallbackManager, Callbacks
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables.config import ensure_config
from langgraph.graph.message import push_message
from langgraph.runtime import Runtime

from memento.memory.case import storable
from memento.nodes.context import Context
from memento.nodes.events import emit
from memento.nodes.message_texts import text_in
from memento.nodes.replies.answer_text import AnswerText
from memento.nodes.state import MementoState

WITHDRAWN: Final = "withdrawn"
"""`finish_reason` of the last chunk of an answer that was not the answer after all."""


class AnswerStream:
    """The answer of one step of the planner, in pieces, to those who stream messages."""

    def __init__(self, state: MementoState, runtime: Runtime[Context]) -> None:
        """Begin without a piece.

        Args:
            state: of the run.
            runtime: of the node.
        """
        self._prefix = _prefix(state)
        self._runtime = runtime
        self.is_wanted = _is_streaming(ensure_config().get("callbacks"))
        """Whether anybody streams messages."""
        # Pieces arrive within the model's call, whose configuration is not the node's.
        self._context = contextvars.copy_context()
        self._has_plan = True
        self._restart()

    def expect(self, *, has_plan: bool) -> None:
        """Say whether the next reply may be a plan."""
        self._has_plan = has_plan

    def begin(self) -> None:
        """Begin with a reply; what an earlier one has said is withdrawn."""
        self.withdraw()
        self._text = AnswerText(has_plan=self._has_plan)

    def take(self, piece: str) -> None:
        """Take the next piece of the reply."""
        if text := storable(self._text.feed(piece)):
            self._said += text
            self._send(AIMessageChunk(content=text, id=self._id))

    def finished(self, answer: str) -> AIMessage:
        """Return the answer's message for the state; what it says beyond the pieces is sent.

        Args:
            answer: the final one.
        """
        if not answer.startswith(self._said):
            self.withdraw()
        elif self._said:
            rest = answer.removeprefix(self._said)
            end = {"finish_reason": "stop"}
            self._send(AIMessageChunk(content=rest, id=self._id, response_metadata=end, chunk_position="last"))
        return AIMessage(answer, id=self._id)

    def withdraw(self) -> None:
        """Tell clients that the pieces so far are not the answer; nothing, where there are none."""
        if not self._said:
            return
        end = {"finish_reason": WITHDRAWN}
        self._send(AIMessageChunk(content="", id=self._id, response_metadata=end, chunk_position="last"))
        emit(self._runtime, {"event": "withdrawn", "message_id": self._id})
        self._restart()

    def _restart(self) -> None:
        self._said = ""
        self._id = f"{self._prefix}-{uuid.uuid4().hex[:12]}"
        self._text = AnswerText(has_plan=self._has_plan)

    def _send(self, chunk: AIMessageChunk) -> None:
        self._context.run(push_message, chunk, state_key=None)


def answer_in(state: MementoState, answer: str) -> list[AIMessage]:
    """Return the update for the messages of a run that has this answer; empty where they have it already."""
    prefix = _prefix(state)
    kept = [one for one in state["messages"] if isinstance(one, AIMessage) and (one.id or "").startswith(prefix)]
    if kept and text_in(kept[-1]) == answer:
        return []
    # An id of this run's own, so that a repeat replaces the message instead of adding a second.
    return [AIMessage(answer, id=kept[-1].id if kept else prefix)]


def _prefix(state: MementoState) -> str:
    # A run that began with an earlier release may have no id.
    return f"answer-{state['run'].get('id') or state['event_id'] or state['messages'][-1].id}"


def _is_streaming(callbacks: Callbacks) -> bool:
    """Whether messages are streamed in chunks: by LangGraph's own callback, which has no public name.

    Its second kind (`stream_events`) takes a message's events from models only, and gets the answer in one piece.
    """
    given = callbacks.handlers if isinstance(callbacks, BaseCallbackManager) else callbacks or []
    kinds = [{kind.__name__ for kind in type(one).__mro__} for one in given]
    is_any = any("StreamMessagesHandler" in names for names in kinds)
    return is_any and not any("StreamMessagesHandlerV2" in names for names in kinds)
