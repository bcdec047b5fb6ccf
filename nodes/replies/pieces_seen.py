"""Callback that passes a chat model's reply on in pieces while it is generated: its text, or its call's arguments."""

from typing import Any, Protocol
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, merge_configs


class ReplyReader(Protocol):
    """Is given a reply while it is generated."""

    def begin(self) -> None:
        """Begin with a reply; pieces of an earlier one belong to a reply that cannot be used."""
        ...

    def take(self, piece: str) -> None:
        """Take the next piece."""
        ...


class PiecesSeen(BaseCallbackHandler):
    """Passes on the pieces of the first reply of one call."""

    ignore_agent = ignore_chain = ignore_custom_event = ignore_retriever = True
    run_inline = True
    """In the order in which they come."""

    def __init__(self, reader: ReplyReader, *, is_call: bool) -> None:
        """Begin without a piece.

        Args:
            reader: is given them.
            is_call: the object is asked for as a call: what the reply says beside it is not passed on.
        """
        self._reader = reader
        self._is_call = is_call
        self._reply: UUID | None = None
        self._call: int | str | None = None

    def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: GenerationChunk | ChatGenerationChunk | None = None,
        run_id: UUID,
        **kwargs: Any,
    ) -> None:
        """Pass a piece on."""
        self._reply = self._reply or run_id
        message = getattr(chunk, "message", None)
        if run_id != self._reply or not isinstance(message, AIMessageChunk):
            return
        if piece := self._arguments(message) if self._is_call else message.text:
            self._reader.take(piece)

    def _arguments(self, message: AIMessageChunk) -> str:
        """The arguments of the reply's first call; providers number calls from any position of the reply's blocks."""
        chunks = message.tool_call_chunks
        if self._call is None and chunks:
            self._call = chunks[0]["index"]
        return "".join(call["args"] or "" for call in chunks if call["index"] == self._call)


def is_read_by(seen: PiecesSeen, config: RunnableConfig | None) -> RunnableConfig:
    """Return the configuration of a call whose pieces are passed on, beside all callbacks that it has."""
    given: RunnableConfig = config or {}
    callbacks = given.get("callbacks") or ensure_config().get("callbacks")
    return {**given, "callbacks": merge_configs({"callbacks": callbacks}, {"callbacks": [seen]})["callbacks"]}
