"""Messages that ask a chat model for an object as text, and that ask again for one that could not be used."""

import json
from functools import lru_cache
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import BaseModel, ValidationError

_QUOTED_CHARS: Final = 2000


def with_schema(messages: list[BaseMessage], schema: type[BaseModel]) -> list[BaseMessage]:
    """Return the messages with the schema in the last user message.

    Never in the system's: weak chat templates drop a second system message or refuse it.
    """
    request = _request(schema)
    last = messages[-1] if messages else None
    if not isinstance(last, HumanMessage):
        return [*messages, HumanMessage(request)]
    if isinstance(last.content, str):
        content: str | list[str | dict[Any, Any]] = f"{last.content}\n\n{request}"
    else:
        content = [*last.content, {"type": "text", "text": request}]
    return [*messages[:-1], last.model_copy(update={"content": content})]


def correction(raw: AIMessage, problem: str, schema: type[BaseModel]) -> list[BaseMessage]:
    """Return a reply that cannot be used and the complaint about it; an empty one, too: roles must alternate."""
    shown = said_by(raw)[:_QUOTED_CHARS] or "(empty reply)"
    return [AIMessage(shown), HumanMessage(f"That reply cannot be used: {problem}\n\n{_request(schema)}")]


def refused_with(text: str) -> str:
    """Return the problem with a refusal."""
    return f"the model refused: {text[:_QUOTED_CHARS] or 'it does not say why'}"


def faults_of(error: ValidationError) -> str:
    """Return the faults of an object, for the model."""
    faults = [f"{'.'.join(map(str, fault['loc'])) or 'object'}: {fault['msg']}" for fault in error.errors()[:5]]
    return "; ".join(faults)


def said_by(raw: AIMessage) -> str:
    """Return what a reply says, or the arguments of its call."""
    return raw.text or (json.dumps(raw.tool_calls[0]["args"], ensure_ascii=False) if raw.tool_calls else "")


@lru_cache(maxsize=32)  # making a schema takes milliseconds, and there are a handful of them
def _request(schema: type[BaseModel]) -> str:
    as_json = json.dumps(schema.model_json_schema(), ensure_ascii=False, separators=(",", ":"))
    return f"Reply with one JSON object and nothing else. It must match this JSON schema:\n{as_json}"
