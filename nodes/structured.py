"""Asking any chat model for one pydantic object, in the strictest way its server understands.

Servers differ: some enforce a JSON schema while decoding, some only offer tool calls, some know neither. The strictest
way is tried first; when the server refuses the form of the request, the next is tried and what worked is remembered.

    json_schema  ->  function_calling  ->  plain text with the schema in the last user message
"""

import json
import weakref
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.runnables import RunnableConfig
from pydantic import BaseModel, ValidationError

from memento.nodes.errors import InvalidReply, ModelRejected, as_model_error, brief_reason, is_context_overflow
from memento.nodes.redaction import Redact, shown_error

T = TypeVar("T", bound=BaseModel)
Method = Literal["json_schema", "function_calling", "plain"]

_METHODS: tuple[Method, ...] = ("json_schema", "function_calling", "plain")
# What servers answer when they do not know `response_format` or `tools`; 404 and 501 come from routers and gateways.
_FORM_REFUSED = frozenset({400, 404, 405, 415, 422, 501})
_CUT_OFF = "it was cut off by the token limit; answer more briefly"
_UNFINISHED = {"length": _CUT_OFF, "max_tokens": _CUT_OFF, "content_filter": "the provider's content filter stopped it"}
_MAX_ATTEMPTS = 2
_QUOTED_CHARS = 2000
_MAX_OBJECTS = 20


class StructuredReply(NamedTuple, Generic[T]):
    """What a model answered, in the form asked for."""

    value: T
    raw: AIMessage
    attempts: int
    usage: UsageMetadata | None
    """Tokens of all attempts together; None when the server does not count them."""


class _Reading(NamedTuple, Generic[T]):
    """One reply: either its value, or the problem with it."""

    raw: AIMessage
    value: T | None = None
    problem: str = ""


class StructuredCaller:
    """Asks chat models for objects; remembers, per model and schema, which way of asking worked.

    One instance serves every model of the process: what it knows of a model goes away with the model.
    """

    def __init__(self, *, redact: Redact = str) -> None:
        """Know nothing yet.

        Args:
            redact: takes secrets out of what providers say.
        """
        self._redact = redact
        # By identity, since chat models compare by value and cannot be hashed.
        self._methods: dict[tuple[int, type[BaseModel]], Method] = {}

    async def ask(
        self,
        model: BaseChatModel,
        schema: type[T],
        messages: Sequence[BaseMessage],
        *,
        config: RunnableConfig | None = None,
    ) -> StructuredReply[T]:
        """Asks for one object, and once more with the error when the reply is not one.

        Args:
            model: any chat model.
            schema: the pydantic class of the object.
            messages: the conversation; the model's last turn is the reply.
            config: callbacks, tags and metadata of the call.

        Raises:
            InvalidReply: the second reply does not fit the schema either (cut off, refused, empty, not JSON).
            ModelUnavailable: the model cannot be reached now.
            ModelRejected: the provider refuses the call in every form.
        """
        asked = list(messages)
        usage: UsageMetadata | None = None
        reading: _Reading[T]
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            reading = await self._ask_once(model, schema, asked, config)
            usage = add_usage(usage, reading.raw.usage_metadata) if reading.raw.usage_metadata else usage
            if reading.value is not None:
                return StructuredReply(reading.value, reading.raw, attempt, usage)
            asked = [*messages, *_correction(reading, schema)]
        raise InvalidReply(reading.problem, _visible(reading.raw))

    async def _ask_once(
        self, model: BaseChatModel, schema: type[T], messages: list[BaseMessage], config: RunnableConfig | None
    ) -> _Reading[T]:
        known = self._methods.get((id(model), schema), _METHODS[0])
        for method in _METHODS[_METHODS.index(known) :]:
            try:
                reading = await _read(model, schema, messages, method, config)
            except NotImplementedError:
                continue  # a model class without structured output or without tools
            except Exception as error:
                refused = as_model_error(error)
                if refused is None:
                    raise
                is_form = isinstance(refused, ModelRejected) and refused.status in _FORM_REFUSED
                if is_form and method != "plain" and not is_context_overflow(error):
                    continue
                shown = shown_error(refused, error, self._redact)
                raise shown from (error if shown is refused else None)
            self._remember(model, schema, method)
            return reading
        raise AssertionError("the plain way either answers or raises")

    def _remember(self, model: BaseChatModel, schema: type[BaseModel], method: Method) -> None:
        # Per schema too: a server may refuse one schema (an open dict, in strict mode) and take the next.
        key = (id(model), schema)
        if key not in self._methods:
            weakref.finalize(model, self._methods.pop, key, None)  # the id may be given to another model
        self._methods[key] = method


async def _read(
    model: BaseChatModel, schema: type[T], messages: list[BaseMessage], method: Method, config: RunnableConfig | None
) -> _Reading[T]:
    """One call in one form; raises what the provider raises, except for replies that came but cannot be used."""
    try:
        if method == "plain":
            return _interpret(await model.ainvoke(_with_schema(messages, schema), config), schema)
        try:
            structured = model.with_structured_output(schema, method=method, include_raw=True)
        except (ValueError, TypeError) as error:  # providers that do not know this `method`
            raise NotImplementedError(str(error)) from error
        answer = await structured.ainvoke(messages, config)
    except InvalidReply as error:
        return _Reading(AIMessage(error.raw), problem=brief_reason(error))
    except Exception as error:
        raw = reply_within(error)
        if raw is None:
            raise
        return _interpret(raw, schema)
    if not isinstance(answer, dict) or not isinstance(answer.get("raw"), AIMessage):
        raise NotImplementedError(f"{type(model).__name__} does not return its raw reply")
    if isinstance(answer.get("parsed"), schema):
        return _Reading(answer["raw"], answer["parsed"])
    return _interpret(answer["raw"], schema)


def _interpret(raw: AIMessage, schema: type[T]) -> _Reading[T]:
    """Finds the object in a reply that no parser has accepted: in its tool call, or anywhere in its text."""
    if refusal := raw.additional_kwargs.get("refusal"):
        return _Reading(raw, problem=f"the model refused: {str(refusal)[:200]}")
    ended = raw.response_metadata.get("finish_reason") or raw.response_metadata.get("stop_reason")
    if ended in _UNFINISHED:
        return _Reading(raw, problem=_UNFINISHED[ended])
    problem = "it holds no complete JSON object" if raw.text.strip() else "it is empty"
    for number, candidate in enumerate([*(call["args"] for call in raw.tool_calls), *json_objects(raw.text)]):
        # Models without tool support write the call they were asked for as text.
        inner = candidate.get("arguments", candidate.get("parameters"))
        for found in (candidate, inner) if isinstance(inner, dict) else (candidate,):
            try:
                return _Reading(raw, schema.model_validate(found))
            except ValidationError as error:
                if number == 0 and found is candidate:
                    problem = _explain(error)
    return _Reading(raw, problem=problem)


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """Yields the outermost JSON objects of a text, whatever surrounds them (fences, prose, a chain of thought)."""
    text = text.rpartition("</think>")[2]
    decoder = json.JSONDecoder(strict=False)  # small models put raw newlines into strings
    start = text.find("{")
    for _ in range(_MAX_OBJECTS):
        if start < 0:
            return
        try:
            found, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip()):
                return  # cut off: an inner object would pass for the whole
            end = start + 1
        else:
            yield found
        start = text.find("{", end)


def _with_schema(messages: list[BaseMessage], schema: type[BaseModel]) -> list[BaseMessage]:
    # In the user's turn, never in the system's: weak chat templates drop a second system turn or refuse it.
    request = _request(schema)
    last = messages[-1] if messages else None
    if not isinstance(last, HumanMessage):
        return [*messages, HumanMessage(request)]
    if isinstance(last.content, str):
        content: str | list[str | dict[Any, Any]] = f"{last.content}\n\n{request}"
    else:
        content = [*last.content, {"type": "text", "text": request}]
    return [*messages[:-1], last.model_copy(update={"content": content})]


def _correction(reading: _Reading[Any], schema: type[BaseModel]) -> list[BaseMessage]:
    # The model's turn is kept even when empty: many templates demand that the roles alternate.
    shown = _visible(reading.raw)[:_QUOTED_CHARS] or "(empty reply)"
    complaint = f"That reply cannot be used: {reading.problem}\n\n{_request(schema)}"
    return [AIMessage(shown), HumanMessage(complaint)]


@lru_cache(maxsize=32)  # making a schema takes milliseconds, and there are a handful of them
def _request(schema: type[BaseModel]) -> str:
    as_json = json.dumps(schema.model_json_schema(), ensure_ascii=False, separators=(",", ":"))
    return f"Reply with one JSON object and nothing else. It must match this JSON schema:\n{as_json}"


def _explain(error: ValidationError) -> str:
    faults = [f"{'.'.join(map(str, fault['loc'])) or 'object'}: {fault['msg']}" for fault in error.errors()[:5]]
    return "; ".join(faults)


def reply_within(error: Exception) -> AIMessage | None:
    """The reply an SDK could not parse and therefore raised (cut off, filtered, not JSON); None for other errors."""
    completion, response = getattr(error, "completion", None), getattr(error, "response", None)
    if completion is None and not isinstance(error, ValidationError):
        return None
    try:
        body = completion.model_dump() if completion is not None else response.json()  # type: ignore[union-attr]
        choice, usage = body["choices"][0], body.get("usage")
        content, finish_reason = choice["message"].get("content") or "", choice.get("finish_reason")
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        return AIMessage("")  # another SDK's shape: what it raised is all we know
    counted = usage and UsageMetadata(
        input_tokens=usage.get("prompt_tokens") or 0,
        output_tokens=usage.get("completion_tokens") or 0,
        total_tokens=usage.get("total_tokens") or 0,
    )
    return AIMessage(content, usage_metadata=counted, response_metadata={"finish_reason": finish_reason})


def _visible(raw: AIMessage) -> str:
    return raw.text or (json.dumps(raw.tool_calls[0]["args"], ensure_ascii=False) if raw.tool_calls else "")
