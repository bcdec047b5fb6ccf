"""The answer streams token by token into chats, from a provider that generates it in small pieces."""

import asyncio
import json
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from langchain_core._api import LangChainBetaWarning
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case_memory import CaseMemory
from memento.nodes.answer_stream import WITHDRAWN
from memento.nodes.constrained import ConstrainedChatModel
from tests.graph.test_workflow import multiply, on, state_of
from tests.node_parts import a_memory, answer, plan, scripted
from tests.provider_server import Answer, Trickle, Wire, body, completion, served, trickle

TASK: Any = {"task": "Where is the capital?", "reference": "Paris is the capital."}
REPLY = answer("Paris is the capital.")
REFUSED = {"error": {"message": "not supported", "type": "invalid_request_error", "param": "stream", "code": "x"}}


def in_pieces(text: str, n: int = 5) -> list[str]:
    return [text[at : at + n] for at in range(0, len(text), n)]


class Seen(NamedTuple):
    """What a client got."""

    messages: list[tuple[BaseMessage, str]]
    """With the node that each came from."""
    events: list[Any]

    @property
    def said(self) -> list[AIMessage]:
        return [message for message, _ in self.messages if isinstance(message, AIMessage)]

    def texts(self) -> dict[str | None, str]:
        """What each message says, by its id."""
        found: dict[str | None, str] = {}
        for message in self.said:
            found[message.id] = found.get(message.id, "") + message.text
        return found


def graph_of(memory: CaseMemory, url: str, **options: Any) -> MementoGraph:
    model = ChatOpenAI(model="gpt-test", base_url=url, api_key="none", max_retries=0, **options)
    deps = Deps(memory=memory, planner=model, executor=scripted("it is Paris"), judge=scripted())
    return build_graph(deps, checkpointer=InMemorySaver())


async def seen_by(
    graph: MementoGraph,
    thread: str = "t",
    *,
    on_piece: Callable[[], None] = lambda: None,
    given: Any = TASK,
    context: Any = None,
) -> Seen:
    seen = Seen([], [])
    async for mode, part in graph.astream(given, on(thread), context=context, stream_mode=["messages", "custom"]):
        if mode == "custom":
            seen.events.append(part)
            continue
        message, about = part
        seen.messages.append((message, about["langgraph_node"]))
        if isinstance(message, AIMessage):
            on_piece()
    return seen


class Provider:
    """Replies in small pieces, and remembers what it was asked."""

    def __init__(self, *replies: str | Callable[[dict[str, Any]], Wire | Trickle]) -> None:
        self.requests: list[dict[str, Any]] = []
        self._replies = list(replies)

    def __call__(self, request: dict[str, Any]) -> Wire | Trickle:
        self.requests.append(request)
        reply = self._replies[min(len(self.requests), len(self._replies)) - 1]
        if callable(reply):
            return reply(request)
        return trickle(request, in_pieces(reply)) if request.get("stream") else completion(request, content=reply)

    @property
    def streamed(self) -> list[bool]:
        return [bool(request.get("stream")) for request in self.requests]


async def test_the_answer_is_seen_while_it_is_generated() -> None:
    is_seen = threading.Event()

    def waiting(request: dict[str, Any]) -> Trickle:
        def pieces() -> Iterator[str]:
            begun = REPLY.index("Paris") + 8
            yield from in_pieces(REPLY[:begun])
            assert is_seen.wait(30), "nothing was shown before the reply was whole"
            yield from in_pieces(REPLY[begun:])

        return trickle(request, pieces())

    provider = Provider(waiting)
    async with a_memory() as memory, served(provider) as url:
        graph = graph_of(memory, url)
        seen = await seen_by(graph, on_piece=is_seen.set)
        state = await state_of(graph, "t")
    kept = [message for message in state["messages"] if isinstance(message, AIMessage)]
    assert [message.text for message in kept] == ["Paris is the capital."]
    assert seen.texts() == {kept[0].id: "Paris is the capital."}
    assert len([message for message in seen.said if message.text]) > 3
    assert all(isinstance(message, AIMessageChunk) for message in seen.said), "the whole message is not sent again"
    assert {node for message, node in seen.messages if isinstance(message, AIMessage)} == {"planner"}
    assert seen.said[-1].response_metadata == {"finish_reason": "stop"}
    assert state["usage"]["input_tokens"] == 7
    assert state["usage"]["model_calls"] == 1
    assert state["reward"] == 1.0
    assert len(provider.requests) == 1


async def test_the_same_schema_is_asked_for_with_and_without_a_stream() -> None:
    provider = Provider(REPLY)
    async with a_memory() as memory, served(provider) as url:
        graph = graph_of(memory, url)
        await graph.ainvoke(TASK, on("t"))
        await seen_by(graph, "u")
    one, other = provider.requests
    assert provider.streamed == [False, True], "a plain call never streams"
    assert other.pop("stream_options") == {"include_usage": True}
    assert {**one, "stream": True} == other


async def test_an_answer_in_a_tool_call_streams_too() -> None:
    def refusing_schemas(request: dict[str, Any]) -> Wire | Trickle:
        if "response_format" in request:
            return body({"error": {"message": "unknown field response_format"}}, 400)
        return trickle(request, in_pieces(REPLY), call="Plan", finish_reason="tool_calls")

    provider = Provider(refusing_schemas)
    async with a_memory() as memory, served(provider) as url:
        seen = await seen_by(graph_of(memory, url))
    assert list(seen.texts().values()) == ["Paris is the capital."]
    assert len([message for message in seen.said if message.text]) > 3


@pytest.mark.parametrize(
    "reply",
    [
        json.dumps({"answer": "Paris is the capital.", "subtasks": []}),
        json.dumps({"answer": "Paris is the capital."}),
        "<think>" + answer("Rome") + "</think>" + REPLY,
        "Here it is: " + REPLY,
    ],
)
async def test_what_may_still_be_a_plan_comes_in_one_piece(reply: str) -> None:
    async with a_memory() as memory, served(Provider(reply)) as url:
        seen = await seen_by(graph_of(memory, url))
    assert [message.text for message in seen.said] == ["Paris is the capital."]


async def test_nothing_of_a_plan_is_shown_even_if_it_has_a_guess_at_the_answer() -> None:
    guess = json.loads(plan("look it up")) | {"answer": "Rome, perhaps"}
    provider = Provider(json.dumps(guess), REPLY)
    async with a_memory() as memory, served(provider) as url:
        seen = await seen_by(graph_of(memory, url))
    assert list(seen.texts().values()) == ["Paris is the capital."]
    assert provider.streamed == [True, True]
    assert not [event for event in seen.events if event["event"] == "withdrawn"]


def broken(request: dict[str, Any]) -> Trickle:
    def parts() -> Iterator[bytes]:
        yield from trickle(request, in_pieces(answer("Rome is the capital of Italy.")[:-12])).parts
        raise ConnectionResetError

    def until_broken() -> Iterator[bytes]:
        try:
            for part in parts():
                if b'"finish_reason": "stop"' in part:
                    return
                yield part
        except ConnectionResetError:
            return

    return Trickle(until_broken())


def cut_off(request: dict[str, Any]) -> Trickle:
    return trickle(request, in_pieces(answer("Rome is the capital of Italy.")[:-12]), finish_reason="length")


@pytest.mark.parametrize("fault", [cut_off, broken])
async def test_half_an_answer_of_a_rejected_reply_is_withdrawn(fault: Callable[[dict[str, Any]], Trickle]) -> None:
    provider = Provider(fault, REPLY)
    async with a_memory() as memory, served(provider) as url:
        graph = graph_of(memory, url)
        seen = await seen_by(graph)
        state = await state_of(graph, "t")
    kept = [message for message in state["messages"] if isinstance(message, AIMessage)]
    assert [message.text for message in kept] == ["Paris is the capital."]
    wrong = next(name for name, text in seen.texts().items() if text.startswith("Rome is"))
    assert {"event": "withdrawn", "message_id": wrong} in seen.events
    assert seen.texts() == {wrong: seen.texts()[wrong], kept[0].id: "Paris is the capital."}
    ends = {one.id: one.response_metadata["finish_reason"] for one in seen.said if one.response_metadata}
    assert ends[wrong] == WITHDRAWN
    assert state["usage"]["model_calls"] in (1, 2)


def hanging(until: threading.Event) -> Callable[[dict[str, Any]], Trickle]:
    """A reply that stops in the middle of its answer, until somebody lets it end."""

    def reply(request: dict[str, Any]) -> Trickle:
        def pieces() -> Iterator[str]:
            yield from in_pieces(answer("Rome is the capital of Italy.")[:-12])
            until.wait(30)

        return trickle(request, pieces(), finish_reason=None)

    return reply


@pytest.mark.slow
async def test_half_an_answer_that_takes_too_long_is_withdrawn_and_the_best_result_stands_in() -> None:
    is_over = threading.Event()
    provider = Provider(plan("look it up"), hanging(is_over))
    async with a_memory() as memory, served(provider) as url:
        graph = graph_of(memory, url)
        seen = await seen_by(graph, context={"max_seconds": 3})
        is_over.set()
        state = await state_of(graph, "t")
    assert state["answer"] == "it is Paris", "the newest result"
    kept = [message for message in state["messages"] if isinstance(message, AIMessage)]
    assert [message.text for message in kept] == ["it is Paris"]
    withdrawn = [event["message_id"] for event in seen.events if event["event"] == "withdrawn"]
    assert withdrawn
    assert kept[0].id not in withdrawn
    assert seen.texts()[kept[0].id] == "it is Paris"


async def test_half_an_answer_of_a_cancelled_run_is_no_part_of_its_thread() -> None:
    is_over, is_seen = threading.Event(), threading.Event()
    provider = Provider(hanging(is_over), REPLY)
    async with a_memory() as memory, served(provider) as url:
        graph = graph_of(memory, url)
        run = asyncio.create_task(seen_by(graph, on_piece=is_seen.set))
        assert await asyncio.to_thread(is_seen.wait, 30)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        is_over.set()
        state = await state_of(graph, "t")
        assert [message.text for message in state["messages"]] == [TASK["task"]]
        seen = await seen_by(graph, given=None)
        state = await state_of(graph, "t")
    kept = state["messages"][-1]
    assert kept.text == "Paris is the capital."
    assert seen.texts() == {kept.id: "Paris is the capital."}


async def test_who_gives_the_reward_has_the_answer_in_the_chat() -> None:
    async with a_memory() as memory, served(Provider(REPLY)) as url:
        graph = graph_of(memory, url)
        seen = await seen_by(graph, context={"evaluator": "human"})
        waiting = await graph.aget_state(on("t"))
        assert waiting.next == ("evaluate",)
        answered = waiting.values["messages"][-1]
        assert seen.texts() == {answered.id: "Paris is the capital."}
        result = await graph.ainvoke(Command(resume=1.0), on("t"))
    assert result["reward"] == 1.0
    assert [message.id for message in result["messages"]][-1] == answered.id
    assert len(result["messages"]) == 2


async def test_a_provider_that_refuses_streams_is_asked_in_one_piece() -> None:
    def unstreamable(request: dict[str, Any]) -> Wire | Trickle:
        return body(REFUSED, 400) if request.get("stream") else completion(request, content=REPLY)

    provider = Provider(unstreamable)
    async with a_memory() as memory, served(provider) as url:
        graph = graph_of(memory, url)
        first, second = await seen_by(graph, "t"), await seen_by(graph, "u")
        settings = [("response_format" in request) for request in provider.requests]
    assert [message.text for seen in (first, second) for message in seen.said] == ["Paris is the capital."] * 2
    assert provider.streamed == [True, False, False], "it is remembered"
    assert settings == [True] * 3, "and taken for no refusal of the schema"


async def test_a_server_that_knows_no_streams_is_asked_in_one_piece() -> None:
    provider = Provider(lambda request: completion({**request, "stream": False}, content=REPLY))
    async with a_memory() as memory, served(provider) as url:
        seen = await seen_by(graph_of(memory, url))
    assert [message.text for message in seen.said] == ["Paris is the capital."]
    assert provider.streamed == [True, False]


async def test_models_of_other_providers_stream_as_they_do() -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage(REPLY)]))
    async with a_memory() as memory:
        graph = build_graph(Deps(memory=memory, planner=model, executor=scripted(), judge=scripted()))
        seen = await seen_by(graph)
    assert [message.text for message in seen.said] == ["Paris", " is", " the", " capital.", ""]


async def test_those_who_stream_a_graph_above_see_the_answer_in_pieces_where_they_ask_for_graphs_below() -> None:
    async with a_memory() as memory, served(Provider(REPLY)) as url:
        builder = StateGraph(MessagesState)
        builder.add_node("memento", graph_of(memory, url))
        builder.add_edge(START, "memento")
        parent = builder.compile()
        given: Any = {"messages": [HumanMessage(TASK["task"])]}
        shown: dict[bool, list[str]] = {}
        for below in (True, False):
            stream = parent.astream(given, stream_mode="messages", subgraphs=below)
            messages = [part[1][0] if below else part[0] async for part in stream]
            shown[below] = [message.text for message in messages if isinstance(message, AIMessage)]
    assert len(shown[True]) > 3
    assert "".join(shown[True]) == "Paris is the capital."
    assert shown[False] == ["Paris is the capital."]


async def test_local_models_stream_the_answer_and_no_half_an_action() -> None:
    def reply(request: dict[str, Any]) -> Wire | Trickle:
        schema = json.dumps(request["response_format"])
        if '"action"' in schema:
            assert not request.get("stream"), "an action comes whole"
            return completion(request, content='{"action": "answer", "text": "it is Paris"}')
        said = REPLY if "it is Paris" in json.dumps(request["messages"]) else plan("look it up")
        return trickle(request, in_pieces(said)) if request.get("stream") else completion(request, content=said)

    provider = Provider(reply)
    async with a_memory() as memory, served(provider) as url:
        inner = ChatOpenAI(model="gpt-test", base_url=url, api_key="none", max_retries=0)
        model = ConstrainedChatModel(inner=inner)
        graph = build_graph(
            Deps(memory=memory, planner=model, executor=model, judge=model, tools=[multiply]),
            checkpointer=InMemorySaver(),
        )
        seen = await seen_by(graph)
        state = await state_of(graph, "t")
        silent = await graph.ainvoke(TASK, on("u"))
    assert list(seen.texts().values()) == ["Paris is the capital."]
    assert len([message for message in seen.said if message.text]) > 3
    assert provider.streamed[:3] == [True, False, True]
    assert not any(provider.streamed[3:])
    assert silent["answer"] == "Paris is the capital."
    assert state["usage"]["input_tokens"] == 3 * 7


async def test_a_constrained_model_over_one_that_does_not_stream_answers_at_once() -> None:
    inner = scripted(REPLY)
    async with a_memory() as memory:
        model = ConstrainedChatModel(inner=inner)
        graph = build_graph(Deps(memory=memory, planner=model, executor=scripted(), judge=scripted()))
        seen = await seen_by(graph)
    assert list(seen.texts().values()) == ["Paris is the capital."]
    assert len(inner.calls) == 1


async def test_what_is_said_beside_a_call_is_not_the_answer() -> None:
    model = SpeakingModel()
    async with a_memory() as memory:
        graph = build_graph(Deps(memory=memory, planner=model, executor=scripted(), judge=scripted()))
        seen = await seen_by(graph)
    assert "".join(message.text for message in seen.said) == "Paris is the capital."
    assert len(seen.said) > 3


class SpeakingModel(BaseChatModel):
    """Says something, then calls, in chunks numbered as Anthropic numbers blocks."""

    @property
    def _llm_type(self) -> str:
        return "speaking"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind()

    def with_structured_output(self, schema: Any, *, method: str = "", include_raw: bool = False, **kwargs: Any) -> Any:
        if method != "function_calling":
            raise NotImplementedError
        return super().with_structured_output(schema, include_raw=include_raw)

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise AssertionError("it is streamed")

    def _stream(self, *args: Any, run_manager: Any = None, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        said = AIMessageChunk(content="Let me think about it for a while before I answer.")
        args_of = [tool_call_chunk(name="Plan", args="", id="call-1", index=1)]
        args_of += [tool_call_chunk(name=None, args=piece, id=None, index=1) for piece in in_pieces(REPLY)]
        for message in (said, *[AIMessageChunk(content="", tool_call_chunks=[one]) for one in args_of]):
            chunk = ChatGenerationChunk(message=message)
            if run_manager:
                run_manager.on_llm_new_token(message.text, chunk=chunk)
            yield chunk


async def test_a_provider_whose_streams_count_no_tokens_is_asked_for_one_stream_only() -> None:
    def uncounted(request: dict[str, Any]) -> Wire | Trickle:
        if request.get("stream"):
            return trickle(request, in_pieces(REPLY), has_usage=False)
        return completion(request, content=REPLY)

    provider = Provider(uncounted)
    async with a_memory() as memory, served(provider) as url:
        graph = graph_of(memory, url)
        await seen_by(graph, "t")
        await seen_by(graph, "u")
        state = await state_of(graph, "u")
    assert provider.streamed == [True, False]
    assert state["usage"]["input_tokens"] == 7


async def test_a_model_that_does_not_stream_gives_its_answer_at_once() -> None:
    provider: Answer = Provider(REPLY)
    async with a_memory() as memory, served(provider) as url:
        seen = await seen_by(graph_of(memory, url, disable_streaming=True))
    assert [message.text for message in seen.said] == ["Paris is the capital."]


async def test_what_listens_for_events_of_models_gets_the_answer_once() -> None:
    async with a_memory() as memory, served(Provider(REPLY)) as url:
        graph = graph_of(memory, url)
        with warnings.catch_warnings(action="ignore", category=LangChainBetaWarning):
            run = await graph.astream_events(TASK, on("t"), version="v3")
            texts = [await message.text async for message in run.messages]
    assert texts == [TASK["task"], "Paris is the capital."]
