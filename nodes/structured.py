"""Structured output from any chat model, by the strictest method its server supports.

Servers differ: some enforce a JSON schema while decoding, some only offer tool calls, some know neither. The strictest
way is tried first; when the server refuses the form of the request, the next is tried and what worked is remembered.

    json_schema  ->  function_calling  ->  plain text with the schema in the last user message
"""

import weakref
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.constants import TAG_NOSTREAM
from pydantic import BaseModel, ValidationError

from memento.nodes.errors import (
    ContentFiltered,
    InvalidReply,
    ModelError,
    ModelRejected,
    NoCompletion,
    brief_reason,
    is_context_overflow,
)
from memento.nodes.object_requests import correction, faults_of, refused_with, said_by, with_schema
from memento.nodes.redaction import Redact
from memento.nodes.replies.call_model import model_reply, on_live_connection, raise_named
from memento.nodes.replies.json_objects import json_objects
from memento.nodes.replies.model_reply import WHY_UNFINISHED, ModelReply
from memento.nodes.replies.pieces_seen import PiecesSeen, ReplyReader, is_read_by
from memento.nodes.replies.streaming import Streams, counting, unstreamed

T = TypeVar("T", bound=BaseModel)
Method = Literal["json_schema", "function_calling", "plain"]

_METHODS: tuple[Method, ...] = ("json_schema", "function_calling", "plain")
# What servers answer when they do not know `response_format` or `tools`; 404 and 501 come from routers and gateways.
_FORM_REFUSED = frozenset({400, 404, 405, 415, 422, 501})
_MAX_ATTEMPTS = 2


class StructuredReply(NamedTuple, Generic[T]):
    """A model's reply parsed into the requested class."""

    value: T
    raw: AIMessage
    attempts: int
    usage: UsageMetadata | None
    """Tokens of all attempts together; None when the server does not count them."""


class _Reading(NamedTuple, Generic[T]):
    """A parsed reply: its value, or the problem with it."""

    raw: AIMessage
    value: T | None = None
    problem: str = ""


class StructuredCaller:
    """Asks chat models for objects; remembers, per model and schema, which method worked.

    One instance serves every model of the process: what it knows of a model goes away with the model.
    """

    def __init__(self, *, redact: Redact = str) -> None:
        """Start without remembered methods.

        Args:
            redact: takes secrets out of what providers say.
        """
        self._redact = redact
        # By identity, since chat models compare by value and cannot be hashed.
        self._methods: dict[tuple[int, type[BaseModel]], Method] = {}
        self._streams = Streams()

    async def ask(
        self,
        model: BaseChatModel,
        schema: type[T],
        messages: Sequence[BaseMessage],
        *,
        config: RunnableConfig | None = None,
        reader: ReplyReader | None = None,
        known_as: type[BaseModel] | None = None,
        max_attempts: int = _MAX_ATTEMPTS,
    ) -> StructuredReply[T]:
        """Ask for one object, and again with the error when the reply is invalid.

        Args:
            model: any chat model.
            schema: the pydantic class of the object.
            messages: the conversation; the model's last turn is the reply.
            config: callbacks, tags and metadata of the call.
            reader: is given the first reply in pieces while it is generated, where the model streams; the second one
                comes in one piece, for a stream loses the words of a refusal.
            known_as: class under which it is remembered what worked, where `schema` is made for this call alone.
            max_attempts: replies that may be asked for.

        Raises:
            InvalidReply: the last reply does not fit the schema either (cut off, refused, empty, not JSON).
            ModelUnavailable: the model cannot be reached now.
            ModelRejected: the provider refuses the call in every form, or what is asked.
            ModelFailed: the model's class has a fault of its own.
        """
        asked = list(messages)
        usage: UsageMetadata | None = None
        reading: _Reading[T]
        for attempt in range(1, max_attempts + 1):
            reading = await self._ask_once(
                model, schema, asked, config, reader if attempt == 1 else None, known_as or schema
            )
            usage = add_usage(usage, reading.raw.usage_metadata) if reading.raw.usage_metadata else usage
            if reading.value is not None:
                return StructuredReply(reading.value, reading.raw, attempt, usage)
            asked = [*messages, *correction(reading.raw, reading.problem, schema)]
        spent = StructuredReply[Any](None, reading.raw, max_attempts, usage)
        raise InvalidReply(reading.problem, said_by(reading.raw), spent=spent)

    async def _ask_once(
        self,
        model: BaseChatModel,
        schema: type[T],
        messages: list[BaseMessage],
        config: RunnableConfig | None,
        reader: ReplyReader | None,
        known_as: type[BaseModel],
    ) -> _Reading[T]:
        known = self._methods.get((id(model), known_as), _METHODS[0])
        for method in _METHODS[_METHODS.index(known) :]:
            try:
                reading = await self._in_pieces(model, schema, messages, method, config, reader)
            except NotImplementedError:
                continue  # a model class without structured output or without tools
            except ModelError as error:
                if method != "plain" and _is_form_refused(error):
                    continue
                raise
            self._remember(model, known_as, method)
            return reading
        raise AssertionError("the plain way either answers or raises")

    async def _in_pieces(
        self,
        model: BaseChatModel,
        schema: type[T],
        messages: list[BaseMessage],
        method: Method,
        config: RunnableConfig | None,
        reader: ReplyReader | None,
    ) -> _Reading[T]:
        """Make one call with one method, in pieces where somebody reads them and the server gives them."""
        if reader is None or not self._streams.may_stream(model):
            return await self._read(model, schema, messages, method, config)
        reader.begin()
        try:
            reading = await self._read(model, schema, messages, method, config, reader)
        except ModelError as error:
            # Some servers, or accounts of a server, refuse streams, or answer with no stream.
            is_refused = isinstance(error, NoCompletion) or _is_form_refused(error)
            if not self._streams.is_optional(model) or not is_refused:
                raise
            reader.begin()
            reading = await self._read(model, schema, messages, method, config)
            self._streams.forgo(model)
            return reading
        if self._streams.is_optional(model) and reading.raw.usage_metadata is None:
            self._streams.forgo(model)  # budgets need the tokens that only a reply in one piece may have
        return reading

    async def _read(
        self,
        model: BaseChatModel,
        schema: type[T],
        messages: list[BaseMessage],
        method: Method,
        config: RunnableConfig | None,
        reader: ReplyReader | None = None,
    ) -> _Reading[T]:
        """Make one call with one method."""
        ask: Callable[[], Awaitable[Any]]
        config = _kept_out_of_chats(
            is_read_by(PiecesSeen(reader, is_call=method == "function_calling"), config) if reader else config
        )
        options = self._streams.options(model) if reader else {}
        model = counting(model) if reader else model
        if method == "plain":
            ask = partial(model.ainvoke, with_schema(messages, schema), config, **options)
        else:
            try:
                form = self._streams.by_schema(model, schema) if reader and method == "json_schema" else None
                options = options or unstreamed(model)
                structured = model.with_structured_output(schema, method=method, include_raw=True, **options)
            except (ValueError, TypeError) as error:  # providers that do not know this `method`
                raise NotImplementedError(str(error)) from error
            except Exception as error:
                if isinstance(error, NotImplementedError):
                    raise
                raise_named(error, self._redact)
            ask = partial(_with_raw, structured, messages, config)
            if form is not None:
                ask = partial(model.ainvoke, messages, config, **form)
        try:
            return _interpret(await model_reply(on_live_connection(ask), redact=self._redact), schema)
        except InvalidReply as error:
            return _Reading(AIMessage(error.raw), problem=brief_reason(error))

    def _remember(self, model: BaseChatModel, schema: type[BaseModel], method: Method) -> None:
        # Per schema too: a server may refuse one schema (an open dict, in strict mode) and take the next.
        key = (id(model), schema)
        if key not in self._methods:
            weakref.finalize(model, self._methods.pop, key, None)  # the id may be given to another model
        self._methods[key] = method


def _kept_out_of_chats(config: RunnableConfig | None) -> RunnableConfig:
    """Keep a call out of `stream_mode="messages"`: an object is no message to show in a chat."""
    given: RunnableConfig = config or {}
    return {**given, "tags": [*(given.get("tags") or []), TAG_NOSTREAM]}


def _is_form_refused(error: ModelError) -> bool:
    """Whether the server refuses the method rather than the content of the request."""
    cause = error.__cause__ or error.__context__  # where the provider's words are hidden, it is the context alone
    if isinstance(cause, NotImplementedError):
        return True
    is_form = isinstance(error, ModelRejected) and error.status in _FORM_REFUSED
    said = cause if isinstance(cause, Exception) else error
    return is_form and not isinstance(error, ContentFiltered) and not is_context_overflow(said)


async def _with_raw(structured: Runnable[Any, Any], messages: list[BaseMessage], config: RunnableConfig | None) -> Any:
    answer = await structured.ainvoke(messages, config)
    if not isinstance(answer, dict) or not isinstance(answer.get("raw"), AIMessage):
        raise NotImplementedError("it does not return its raw reply")
    return answer


def _interpret(reply: ModelReply, schema: type[T]) -> _Reading[T]:
    """Find the object: parsed by the client, in the reply's tool call, or anywhere in its text."""
    raw = reply.message
    if reply.ending == "refusal":
        return _Reading(raw, problem=refused_with(reply.text))
    # An object that is whole shows that a stream without a finish reason was whole, too.
    if reply.is_unfinished and reply.ending != "unended":
        advice = "; answer more briefly" if reply.ending == "length" else ""
        return _Reading(raw, problem=f"{WHY_UNFINISHED[reply.ending]}{advice}")
    if isinstance(reply.parsed, schema):
        return _Reading(raw, reply.parsed)
    problem = reply.problem or ("it holds no complete JSON object" if reply.text else "it is empty")
    for number, candidate in enumerate([*(call["args"] for call in raw.tool_calls), *json_objects(raw.text)]):
        # Models without tool support write the call they were asked for as text.
        inner = candidate.get("arguments", candidate.get("parameters"))
        for found in (candidate, inner) if isinstance(inner, dict) else (candidate,):
            try:
                return _Reading(raw, schema.model_validate(found))
            except ValidationError as error:
                if number == 0 and found is candidate:
                    problem = faults_of(error)
    return _Reading(raw, problem=problem)
