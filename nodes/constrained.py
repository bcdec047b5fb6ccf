"""Tool calling by constrained decoding, for models without it: actions are JSON that the server enforces.

Tiny models behind llama.cpp never emit native tool calls, whatever the chat template says, yet obey a JSON schema while
decoding. So the model is shown its tools as text and answers one object, which becomes a tool call or the answer:

    {"action": "search", "arguments": {"query": "..."}}  ->  AIMessage(tool_calls=[...])
    {"action": "answer", "text": "..."}                  ->  AIMessage("...")
"""

import json
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, NoReturn

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage, merge_message_runs
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_openai_function, convert_to_openai_tool
from pydantic import BaseModel, Field

from memento.nodes.bounded_schema import bounded_schema
from memento.nodes.errors import InvalidReply, NoCompletion
from memento.nodes.replies.json_objects import json_objects
from memento.nodes.replies.streaming import as_chunk, counting, is_streaming
from memento.nodes.replies.thoughts import without_thoughts
from memento.nodes.replies.within_errors import reply_within

_REQUIRE_A_TOOL = frozenset({"any", "required", "True"})


class _Request(NamedTuple):
    """A request to the inner model, and how to read its reply."""

    messages: list[BaseMessage]
    kwargs: dict[str, Any]
    answer_action: str | None = None
    """The action that stands for an answer; None when the reply is not an action at all."""
    tool_names: tuple[str, ...] = ()


class ConstrainedChatModel(BaseChatModel):
    """Adds tool calls and bounded structured output to a chat model that only obeys `response_format`.

    The inner model is asked directly, so one call counts once in callbacks. Half an action is never streamed: only
    calls without tools are.
    """

    disable_streaming: bool | Literal["tool_calling"] = "tool_calling"
    inner: BaseChatModel
    max_text: int = Field(default=400, ge=1)
    """Longest string in any reply that is JSON, in characters."""
    max_items: int = Field(default=8, ge=1)
    """Longest list in any reply that is JSON."""

    @property
    def _llm_type(self) -> str:
        return f"constrained-{self.inner._llm_type}"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools; `tool_choice` is "auto", "any" or "required", "none", or one tool's name.

        Other options (`strict`, `parallel_tool_calls`) are about native calls and are left out.
        """
        offered = [convert_to_openai_tool(tool) for tool in tools]
        bound = {key: kwargs[key] for key in ("stop", "response_format") if key in kwargs}
        return self.bind(tools=offered, tool_choice=tool_choice, **bound)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Return objects of `schema` by constrained decoding; `method` is ignored."""
        function = convert_to_openai_function(schema)
        model = self.bind(response_format=self._response_format(function["name"], function.get("parameters", {})))
        parser: Runnable[Any, Any] = RunnableLambda(lambda raw: _parse(raw, schema))
        if not include_raw:
            return model | parser
        kept = RunnablePassthrough.assign(parsed=lambda got: _parse(got["raw"], schema), parsing_error=lambda _: None)
        failed = RunnablePassthrough.assign(parsed=lambda _: None)
        return {"raw": model} | kept.with_fallbacks([failed], exception_key="parsing_error")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, kwargs)
        try:
            result = await self.inner._agenerate(request.messages, stop, None, **request.kwargs)
        except Exception as error:
            _refuse_unparsed(error, request)
            raise
        return _read(result, request)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        request = self._request(messages, kwargs)
        if request.answer_action is not None or not is_streaming(self.inner):
            result = await self._agenerate(messages, stop, run_manager, **kwargs)
            for generation in result.generations:
                yield ChatGenerationChunk(message=as_chunk(generation.message))
            return
        async for chunk in counting(self.inner)._astream(request.messages, stop, None, **request.kwargs):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, kwargs)
        try:
            result = self.inner._generate(request.messages, stop, None, **request.kwargs)
        except Exception as error:
            _refuse_unparsed(error, request)
            raise
        return _read(result, request)

    def _request(self, messages: list[BaseMessage], kwargs: dict[str, Any]) -> _Request:
        rest = dict(kwargs)
        choice = _chosen(rest.pop("tool_choice", None))
        tools = [tool["function"] for tool in rest.pop("tools", None) or [] if "function" in tool]
        if choice not in (None, "auto", "none", *_REQUIRE_A_TOOL):
            tools = [tool for tool in tools if tool["name"] == choice]
        plain = _without_tool_roles(messages)
        if not tools or choice == "none":
            return _Request(plain, rest)
        names = tuple(tool["name"] for tool in tools)
        answer = next(name for name in ("answer", "final_answer", "reply_to_user") if name not in names)
        may_answer = choice in (None, "auto")
        actions = [_action(tool["name"], "arguments", tool.get("parameters", {})) for tool in tools]
        if may_answer:
            actions.append(_action(answer, "text", {"type": "string"}))
        rest["response_format"] = self._response_format("action", {"anyOf": actions})
        menu = HumanMessage(_menu(tools, answer if may_answer else None))
        return _Request(merge_message_runs([*plain, menu], chunk_separator="\n\n"), rest, answer, names)

    def _response_format(self, name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        bounded = bounded_schema(schema, max_text=self.max_text, max_items=self.max_items)
        return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": bounded}}


def _chosen(tool_choice: Any) -> str | None:
    if isinstance(tool_choice, Mapping):
        return str(tool_choice.get("function", tool_choice).get("name", "any"))
    return None if tool_choice in (None, False) else str(tool_choice)


def _action(name: str, key: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = {"action": {"const": name}, key: schema or {"type": "object", "properties": {}}}
    return {"type": "object", "properties": properties, "required": ["action", key]}


def _menu(tools: list[dict[str, Any]], answer: str | None) -> str:
    """List the actions by signature, without an example object: small models copy examples word for word."""
    lines = ['Choose the next action. Reply with one JSON object: {"action": name, "arguments": {...}}. The actions:']
    for tool in tools:
        properties = tool.get("parameters", {}).get("properties", {})
        signature = ", ".join(f"{name}: {_type_name(schema)}" for name, schema in properties.items())
        lines.append(f"- {tool['name']}({signature}): {tool.get('description', '').strip()}")
    if answer:
        lines.append(f'Or, when you know the answer: {{"action": "{answer}", "text": your answer}}')
    return "\n".join(lines)


def _type_name(schema: Mapping[str, Any]) -> str:
    kind = " or ".join(map(json.dumps, schema["enum"])) if "enum" in schema else str(schema.get("type", "any"))
    return f"{kind} ({schema['description']})" if schema.get("description") else kind


def _without_tool_roles(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Rewrite tool calls and results as plain turns: the inner chat template has no role for them."""
    told: list[BaseMessage] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            outcome = "failed" if message.status == "error" else "returned"
            told.append(HumanMessage(f"The action {message.name or ''} {outcome}:\n{message.text}"))
        elif isinstance(message, AIMessage) and message.tool_calls:
            calls = [json.dumps({"action": c["name"], "arguments": c["args"]}) for c in message.tool_calls]
            told.append(AIMessage("\n".join(calls)))
        else:
            told.append(message)
    return merge_message_runs(told, chunk_separator="\n\n")


def _read(result: ChatResult, request: _Request) -> ChatResult:
    """Parse the inner model's JSON into a tool call or an answer; replies that are not an action are refused."""
    if not result.generations:
        raise NoCompletion("the server answered, but not with a completion (it gave no choices)")
    message = result.generations[0].message
    if request.answer_action is None or not isinstance(message, AIMessage):
        return result
    chosen = next(json_objects(without_thoughts(message.text)), None)
    if chosen is None:
        _refuse("it holds no complete JSON object", message)
    action = chosen.get("action")
    if action == request.answer_action:
        update: dict[str, Any] = {"content": str(chosen.get("text", ""))}
    elif action in request.tool_names:
        arguments = chosen.get("arguments")
        call = {"name": action, "args": arguments if isinstance(arguments, dict) else {}, "type": "tool_call"}
        update = {"content": "", "tool_calls": [{**call, "id": f"call_{uuid.uuid4().hex[:16]}"}]}
    else:
        _refuse(f"unknown action {action!r}", message)
    # `parsed` is the client's own reading of the same JSON and would be shown beside the answer.
    extra = {key: value for key, value in message.additional_kwargs.items() if key != "parsed"}
    done = message.model_copy(update={**update, "additional_kwargs": extra})
    # How it ended is told beside the message: without that it would be taken for one that broke off.
    ended = result.generations[0].generation_info
    return ChatResult(generations=[ChatGeneration(message=done, generation_info=ended)], llm_output=result.llm_output)


def _refuse_unparsed(error: Exception, request: _Request) -> None:
    # Only for actions: `StructuredCaller` reads the client's own exception, which also counts the tokens.
    if request.answer_action is not None and (reply := reply_within(error)) is not None:
        raise InvalidReply("it is not a complete action", reply.text) from error


def _parse(raw: AIMessage, schema: dict[str, Any] | type) -> Any:
    found = next(json_objects(without_thoughts(raw.text)), None)
    if found is None:
        _refuse("it holds no complete JSON object", raw)
    return schema.model_validate(found) if isinstance(schema, type) and issubclass(schema, BaseModel) else found


def _refuse(reason: str, message: AIMessage) -> NoReturn:
    raise InvalidReply(reason, message.text)
