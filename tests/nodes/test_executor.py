"""One subtask: an agent, its tools, its budget. What parallel subtasks do: test_workflow.py."""

import asyncio
from typing import Any, ClassVar

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import RunnableLambda

from memento.nodes.agent.failures import UNREADABLE_CALL
from memento.nodes.agent.notes import EMPTY_REPLY, last_call
from memento.nodes.errors import InvalidReply, ModelFailed, ModelRejected, ModelUnavailable
from memento.nodes.executor import make_executor
from memento.nodes.fences import fence
from memento.nodes.prompts import EXECUTOR_SYSTEM
from memento.nodes.sources import Toolbox
from memento.nodes.state import SubtaskInput
from memento.nodes.tool_binding import bound_tool
from tests.node_parts import Roles, a_run, always, calling, names, runtime_of, scripted
from tests.scripted import Reply


async def multiply(a: int, b: int) -> str:
    """Multiply two numbers."""
    return str(a * b)


async def broken(query: str) -> str:
    """Search."""
    raise RuntimeError(f"the index is gone: {query}")


def subtask_of(**changes: Any) -> SubtaskInput:
    step = {"id": "1", "description": "multiply 6 by 7", "depends_on": []}
    run = a_run(settings=changes.pop("settings", {}))
    return {"run": run, "cycle": 1, "subtask": step, "earlier": []} | changes  # type: ignore[return-value,typeddict-item]


def source(*functions: Any) -> Any:
    bound = [bound_tool(function) for function in functions]

    async def tools(_run: Any) -> Toolbox:
        return Toolbox(bound)

    return tools


async def executed(model: BaseChatModel, *functions: Any, events: list[Any] | None = None, **state: Any) -> Any:
    node = make_executor(Roles(executor=model), source(*functions))
    update = await node(subtask_of(**state), runtime=runtime_of(events=events))
    (result,) = update["results"]
    return result, update["usage"]


async def test_result_is_the_reply_when_no_tool_is_needed() -> None:
    events: list[Any] = []
    result, usage = await executed(scripted("42"), events=events)
    assert (result["id"], result["cycle"], result["result"]) == ("1", 1, "42")
    assert (result["is_complete"], result["tool_calls"]) == (True, [])
    assert usage["model_calls"] == 1
    assert names(events) == ["subtask", "result"]


async def test_tool_calls_are_kept_apart_when_the_model_makes_some() -> None:
    model = scripted(calling("multiply", a=6, b=7), "42")
    result, usage = await executed(model, multiply)
    assert result["tool_calls"] == [{"name": "multiply", "args": {"a": 6, "b": 7}, "result": "42"}]
    assert usage["model_calls"] == 2
    assert [tool["function"]["name"] for tool in model.calls[0].tools] == ["multiply"]


async def test_model_sees_only_what_the_subtask_depends_on_when_asked() -> None:
    model = scripted("42")
    earlier = {"cycle": 1, "id": "0", "description": "find b", "result": "seven", "is_complete": True, "tool_calls": []}
    await executed(model, earlier=[earlier])
    system, human = model.calls[0].messages
    assert isinstance(system, SystemMessage)
    assert system.text == EXECUTOR_SYSTEM
    assert "seven" in human.text
    assert "multiply 6 by 7" in human.text


async def test_model_is_told_when_a_tool_fails() -> None:
    model = scripted(calling("broken", query="cats"), "no index")
    result, _ = await executed(model, broken)
    told = fence("tool_result", "RuntimeError: the index is gone: cats", name="broken", status="error")
    assert model.calls[1].messages[-1].text == told
    assert result["result"] == "no index"
    assert result["is_complete"]


async def test_model_is_told_when_there_is_no_such_tool() -> None:
    model = scripted(calling("divide", a=1), "42")
    result, _ = await executed(model, multiply)
    told = model.calls[1].messages[-1]
    assert "divide" in told.text
    assert "multiply" in told.text
    assert result["result"] == "42"


async def test_model_is_told_when_arguments_do_not_fit() -> None:
    model = scripted(calling("multiply", a="six"), "42")
    result, _ = await executed(model, multiply)
    assert "b" in model.calls[1].messages[-1].text
    assert result["result"] == "42"


async def test_model_is_asked_again_when_its_call_is_not_json() -> None:
    unreadable = {"name": "multiply", "args": "{a: 6", "id": "c1", "error": "not JSON", "type": "invalid_tool_call"}
    model = scripted(AIMessage("", invalid_tool_calls=[unreadable]), calling("multiply", a=6, b=7), "42")
    result, usage = await executed(model, multiply)
    assert UNREADABLE_CALL in model.calls[1].messages[-1].text
    assert not any(getattr(message, "invalid_tool_calls", None) for message in model.calls[1].messages)
    assert (result["result"], usage["model_calls"]) == ("42", 3)


async def test_model_is_asked_again_when_its_reply_is_empty() -> None:
    model = scripted("", "42")
    result, usage = await executed(model)
    assert model.calls[1].messages[-1].text == EMPTY_REPLY
    assert (result["result"], result["is_complete"], usage["model_calls"]) == ("42", True, 2)


async def test_result_says_so_when_every_reply_is_empty() -> None:
    result, usage = await executed(always(""))
    assert (result["result"], result["is_complete"]) == ("(no result: no reply could be used. Called: no tool.)", False)
    assert (result["ended_by"], usage["model_calls"]) == ("reply", 2)


async def test_last_call_has_no_tools_when_the_budget_is_spent() -> None:
    model = scripted(*[calling("multiply", n, a=n, b=n) for n in (1, 2)], "my best guess is 42")
    result, usage = await executed(model, multiply, settings={"max_model_calls": 3})
    assert [bool(call.tools) for call in model.calls] == [True, True, False]
    assert model.calls[-1].messages[-1].text == last_call("max_model_calls")
    assert (result["result"], result["is_complete"]) == ("my best guess is 42", False)
    assert usage["model_calls"] == 3


async def test_calls_end_with_the_budget_when_the_model_calls_for_ever() -> None:
    model = always(calling("multiply", a=1, b=1))
    result, usage = await executed(model, multiply, settings={"max_model_calls": 5})
    assert usage["model_calls"] == len(model.calls) == 5
    assert result["result"] == "(no result: the budget of model calls is spent. Called: multiply 4 times.)"
    assert (result["is_complete"], result["ended_by"]) == (False, "max_model_calls")
    assert len(result["tool_calls"]) == 4


@pytest.mark.parametrize("reply", ["", "42"])
async def test_model_is_asked_once_when_the_budget_is_one_call(reply: Reply) -> None:
    model = always(reply)
    result, _ = await executed(model, multiply, settings={"max_model_calls": 1})
    assert len(model.calls) == 1
    assert [type(message) for message in model.calls[0].messages] == [SystemMessage, HumanMessage]
    assert result["is_complete"] is False, "it never had the chance to use a tool"


async def test_result_is_complete_when_the_only_call_lacks_no_tool() -> None:
    result, _ = await executed(scripted("42"), settings={"max_model_calls": 1})
    assert result["is_complete"] is True


async def test_tokens_are_counted_when_the_server_counts_them() -> None:
    first = calling("multiply", a=6, b=7)
    first.usage_metadata = {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}
    last = AIMessage("42", usage_metadata={"input_tokens": 20, "output_tokens": 3, "total_tokens": 23})
    _, usage = await executed(scripted(first, last), multiply)
    assert usage == {
        "input_tokens": 30,
        "output_tokens": 5,
        "model_calls": 2,
        "tool_calls": 1,
        "cost_usd": 0.0,
        "unpriced_calls": 2,
    }


async def test_long_tool_results_are_kept_in_part_when_stored() -> None:
    async def pour(n: int) -> str:
        """Pour text."""
        return "x" * n

    model = scripted(calling("pour", n=15_000), "done")
    result, _ = await executed(model, pour)
    assert result["tool_calls"][0]["result"] == "x" * 2_000
    assert "x" * 15_000 in model.calls[1].messages[-1].text, "the model saw all of it"


async def test_model_unavailable_when_the_provider_does_not_answer_three_times() -> None:
    model = always(ConnectionError("refused"))
    with pytest.raises(ModelUnavailable):
        await executed(model)
    assert len(model.calls) == 3


async def test_model_rejected_when_the_provider_refuses() -> None:
    class Refused(Exception):
        status_code = 401

    with pytest.raises(ModelRejected):
        await executed(scripted(Refused("bad key")))


async def test_a_bug_is_named_when_the_model_class_has_one() -> None:
    with pytest.raises(ModelFailed, match="ZeroDivisionError"):
        await executed(scripted(ZeroDivisionError()))


async def test_agents_do_not_mix_when_many_subtasks_share_one() -> None:
    def echo(messages: Any) -> str:
        return str(messages[-1].text.split("<subtask>\n")[1].split("\n")[0])

    node = make_executor(Roles(executor=always_script(echo)), source(multiply))
    steps = [{"id": str(n), "description": f"step {n}", "depends_on": []} for n in range(10)]
    updates = await asyncio.gather(*(node(subtask_of(subtask=step), runtime=runtime_of()) for step in steps))
    assert [update["results"][0]["result"] for update in updates] == [f"step {n}" for n in range(10)]


async def test_right_tools_are_bound_when_runs_have_different_ones() -> None:
    model = always("42")

    async def tools(run: Any) -> Toolbox:
        return Toolbox([bound_tool(multiply if run["task"] == "math" else broken)])

    node = make_executor(Roles(executor=model), tools)
    for number in range(40):  # new tool objects each time: ids of freed ones are given out again
        await node(subtask_of(run=a_run("math" if number % 2 else "other")), runtime=runtime_of())
    bound = [call.tools[0]["function"]["name"] for call in model.calls]
    assert bound == ["broken", "multiply"] * 20


def always_script(script: Any) -> BaseChatModel:
    from tests.scripted import ScriptedChatModel

    return ScriptedChatModel(script)


async def test_subtask_fails_and_not_the_run_when_replies_cannot_be_used() -> None:
    model = always(InvalidReply("cut off"))
    result, _ = await executed(model, multiply)
    assert "cannot be used: cut off" in result["result"]
    assert (result["is_complete"], result["ended_by"]) == (False, "reply")
    assert [bool(call.tools) for call in model.calls] == [True, False], "an answer was asked for all the same"


def told(text: str, model: str) -> AIMessage:
    """A reply of a provider that says what it is and counts its tokens."""
    tokens = UsageMetadata(input_tokens=7, output_tokens=3, total_tokens=10)
    return AIMessage(text, usage_metadata=tokens, response_metadata={"model_name": model})


async def test_models_that_tools_ask_count_in_the_budgets_when_they_answer() -> None:
    seer = scripted(told("a cat", "seer"), RuntimeError("blind"))

    async def look(question: str) -> str:
        """Look at the picture."""
        return (await seer.ainvoke(question)).text

    calls = calling("look", 1, question="what?"), calling("look", 2, question="sure?")
    node = make_executor(Roles(executor=scripted(*calls, "a cat")), source(look), price=_dollar_for_the_seer)
    update = await node(subtask_of(), runtime=runtime_of())
    usage = update["usage"]
    assert update["results"][0]["result"] == "a cat"
    assert (usage["model_calls"], usage["input_tokens"], usage["cost_usd"]) == (4, 7, 1.0)


def _dollar_for_the_seer(model: str, _usage: UsageMetadata, /) -> float | None:
    return 1.0 if model == "seer" else None


async def test_the_hosts_callbacks_still_see_every_call_when_ours_is_beside_them() -> None:
    class Seen(AsyncCallbackHandler):
        names: ClassVar[list[str]] = []

        async def on_tool_start(self, serialized: dict[str, Any], input_str: str, **kwargs: Any) -> None:
            self.names.append(serialized["name"])

    node = RunnableLambda(
        make_executor(Roles(executor=scripted(calling("multiply", a=6, b=7), "42")), source(multiply))
    )
    await node.ainvoke(subtask_of(), {"callbacks": [Seen()]}, runtime=runtime_of())  # type: ignore[call-arg,arg-type]
    assert Seen.names == ["multiply"]
