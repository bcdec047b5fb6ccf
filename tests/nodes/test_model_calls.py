"""Every model call of an agent: what is asked again, what is given up, and the answer at the end."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.nodes.agent.notes import EMPTY_REPLY, IN_CIRCLES
from memento.nodes.errors import InvalidReply, ModelRejected, ModelUnavailable
from tests.agent_parts import carried_out, multiply
from tests.node_parts import a_memory, always, answer, calling, plan, scripted
from tests.scripted import ScriptedChatModel


class TooLong(Exception):
    """What a provider says."""

    status_code = 400
    code = "context_length_exceeded"


async def pour(n: int) -> str:
    """Pour text."""
    return "x" * n


@pytest.mark.parametrize("max_calls", [1, 2, 3, 7])
async def test_model_is_never_asked_beyond_the_budget_when_it_always_calls(max_calls: int) -> None:
    model = ScriptedChatModel(lambda messages: calling("multiply", len(messages), a=len(messages), b=1))
    done = await carried_out(model, multiply, settings={"max_model_calls": max_calls})
    assert len(model.calls) == max_calls
    assert done.result["ended_by"] == "max_model_calls"


@pytest.mark.parametrize("max_calls", [1, 2, 3])
async def test_model_is_never_asked_beyond_the_budget_when_it_is_silent(max_calls: int) -> None:
    model = always("")
    await carried_out(model, settings={"max_model_calls": max_calls})
    assert len(model.calls) == min(max_calls, 2)


async def test_roles_alternate_when_an_empty_reply_is_asked_for_again() -> None:
    model = scripted("", "42")
    done = await carried_out(model, multiply)
    assert done.result["result"] == "42"
    assert [type(message) for message in model.calls[1].messages[1:]] == [HumanMessage, AIMessage, HumanMessage]
    assert model.calls[1].messages[2].text, "providers refuse an empty turn"
    assert model.calls[1].messages[3].text == EMPTY_REPLY


async def test_second_reply_counts_when_a_server_gives_all_the_same_id() -> None:
    replies = [AIMessage("", id="same"), calling("multiply", a=6, b=7).model_copy(update={"id": "same"})]
    done = await carried_out(scripted(*replies, AIMessage("42", id="same")), multiply)
    assert (done.result["result"], done.usage["model_calls"]) == ("42", 3)


async def test_model_is_asked_again_without_repeating_tools_when_it_was_away() -> None:
    called: list[str] = []

    async def count(word: str) -> str:
        """Count."""
        called.append(word)
        return "counted"

    model = scripted(calling("count", word="a"), ConnectionError("refused"), TimeoutError(), "42")
    done = await carried_out(model, count)
    assert (done.result["result"], done.result["is_complete"]) == ("42", True)
    assert called == ["a"]


async def test_run_stops_and_can_be_resumed_when_the_model_stays_away() -> None:
    with pytest.raises(ModelUnavailable):
        await carried_out(always(ConnectionError("refused")))


async def test_interrupt_reaches_the_person_when_a_tool_raises_one() -> None:
    async def ask_person(question: str) -> str:
        """Ask a person."""
        return str(interrupt(question))

    executor = scripted(calling("ask_person", question="sure?"), "done")
    planner = ScriptedChatModel(lambda messages: answer("42") if "<result " in messages[-1].text else plan("a"))
    async with a_memory() as memory:
        deps = Deps(memory=memory, planner=planner, executor=executor, tools=[ask_person])
        graph = build_graph(deps, checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "1"}}
        stopped = await graph.ainvoke({"task": "t"}, config)
        assert stopped["__interrupt__"][0].value == "sure?"
        done = await graph.ainvoke(Command(resume="yes"), config)
    assert done["answer"] == "42"
    assert "yes" in executor.calls[1].messages[-1].text


async def test_model_is_told_and_then_cut_short_when_it_goes_in_circles() -> None:
    model = ScriptedChatModel(
        lambda messages: "so it is 42" if "No more tools" in messages[-1].text else calling("multiply", a=6, b=7)
    )
    done = await carried_out(model, multiply)
    assert (done.result["ended_by"], done.result["result"]) == ("loop", "so it is 42")
    hints = [IN_CIRCLES in call.messages[-1].text for call in model.calls]
    assert hints == [False, False, False, True, True, False]


async def test_subtask_goes_on_with_less_when_the_provider_finds_it_too_long() -> None:
    def reply(messages: Any) -> Any:
        n_chars = sum(len(message.text) for message in messages)
        if n_chars > 15_000:
            return TooLong("maximum context length is 8192 tokens")
        return calling("pour", n=10_000) if "x" * 10 not in messages[-1].text and len(messages) < 4 else "42"

    model = scripted(calling("pour", 1, n=10_000), calling("pour", 2, n=10_000), reply, reply)
    done = await carried_out(model, pour)
    assert (done.result["result"], done.result["is_complete"]) == ("42", True)
    assert len(model.calls) == 4
    assert model.calls[-1].tools


async def test_best_answer_is_given_when_everything_is_too_long() -> None:
    model = scripted(calling("pour", n=10), *[TooLong("prompt is too long")] * 3)
    done = await carried_out(model, pour)
    assert done.result["ended_by"] == "context"
    assert "longer than the model can read" in done.result["result"]
    assert "Called: pour." in done.result["result"]


async def test_subtask_ends_and_not_the_run_when_replies_cannot_be_used_any_more() -> None:
    model = scripted(calling("pour", n=10), TooLong("prompt is too long"), InvalidReply("cut off"), "42 at last")
    done = await carried_out(model, pour)
    assert (done.result["ended_by"], done.result["result"]) == ("reply", "42 at last")


async def test_model_rejected_when_the_provider_refuses_the_call_itself() -> None:
    class Refused(Exception):
        status_code = 401

    with pytest.raises(ModelRejected):
        await carried_out(scripted(Refused("bad key")))
