"""Whether the reply of a chat model comes in one piece or as a stream, and how to ask for it."""

import weakref
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from pydantic import BaseModel


def unstreamed(model: BaseChatModel) -> dict[str, Any]:
    """Return call arguments that disable streaming; empty for models that do not need it.

    OpenAI's package drops the words of a refusal from streams, and warns about every object that it parses in one.
    """
    return {"stream": False} if _is_openai(model) else {}


def counting(model: BaseChatModel) -> BaseChatModel:
    """Return a model whose streams count their tokens: OpenAI's protocol does so only when asked."""
    return model.model_copy(update={"stream_usage": True}) if _is_openai(model) else model


def is_streaming(model: BaseChatModel) -> bool:
    """Whether a model's class gives replies in pieces."""
    kind = type(model)
    return kind._astream is not BaseChatModel._astream or kind._stream is not BaseChatModel._stream


def as_chunk(message: BaseMessage) -> AIMessageChunk:
    """Return a whole reply as the only piece of a stream."""
    return AIMessageChunk(**message.model_dump(exclude={"type"}), chunk_position="last")


class Streams:
    """Knows which models give structured replies in pieces.

    Models of other providers stream by themselves when somebody streams the run's messages. OpenAI's do so when asked,
    and are not asked again once their server refused it, or did not count the tokens of a stream.
    """

    def __init__(self) -> None:
        """Start without knowledge."""
        # By identity, since chat models compare by value and cannot be hashed.
        self._forgone: set[int] = set()

    def is_optional(self, model: BaseChatModel) -> bool:
        """Whether a reply of this model comes in one piece unless a stream is asked for."""
        return _is_openai(model)

    def may_stream(self, model: BaseChatModel) -> bool:
        """Whether to ask this model for a stream, or to take the one that it gives."""
        return not _is_openai(model) or (_streams_by_forms(model) and id(model) not in self._forgone)

    def forgo(self, model: BaseChatModel) -> None:
        """Ask this model for no further stream."""
        if id(model) not in self._forgone:
            weakref.finalize(model, self._forgone.discard, id(model))  # the id may be given to another model
            self._forgone.add(id(model))

    def options(self, model: BaseChatModel) -> dict[str, Any]:
        """Return call arguments for a stream; empty for models that stream by themselves."""
        return {"stream": True} if _is_openai(model) else {}

    def by_schema(self, model: BaseChatModel, schema: type[BaseModel]) -> dict[str, Any] | None:
        """Return call arguments for a stream that OpenAI's server holds to a schema; None for other models.

        The same goes over the wire as without a stream. OpenAI's package warns about the object that it makes of a
        stream where it is given the class itself.
        """
        if not _is_openai(model):
            return None
        from openai import pydantic_function_tool

        parameters = pydantic_function_tool(schema)["function"]["parameters"]
        form = {"name": schema.__name__, "schema": parameters, "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": form}, **self.options(model)}


def _is_openai(model: BaseChatModel) -> bool:
    return any(base.__name__ == "BaseChatOpenAI" for base in type(model).__mro__)


def _streams_by_forms(model: BaseChatModel) -> bool:
    """Whether a model takes OpenAI's own forms (others only derive from its class), and may stream."""
    is_off = bool(model.disable_streaming) or (
        "streaming" in model.model_fields_set and not getattr(model, "streaming", True)
    )
    return type(model).with_structured_output.__module__.startswith("langchain_openai.") and not is_off
