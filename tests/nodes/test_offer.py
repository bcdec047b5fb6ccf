"""What an agent's model is offered: one tool that a provider cannot take costs its own place, and no run."""

from typing import Any, Literal

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool, StructuredTool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field

from memento.nodes.agent.offer import MAX_TOOLS, ToolOffer
from memento.nodes.errors import ModelRejected
from tests.agent_parts import carried_out, source
from tests.odd_schemas import HOPELESS, ODD
from tests.scripted import Refusal, ScriptedChatModel, ScriptedServer
from tests.strict_provider import complaint, strict


def tool(name: str = "look", schema: Any = None, description: str = "Looks.") -> BaseTool:
    async def called(**arguments: Any) -> str:
        return f"{name} got {arguments}"

    given = {"type": "object", "properties": {}} if schema is None else schema
    return StructuredTool(name=name, description=description, args_schema=given, coroutine=called)


def offered(offer: ToolOffer) -> list[dict[str, Any]]:
    return [offer.definition(one) for one in offer.tools]  # type: ignore[misc]


class Filter(BaseModel):
    """What to look for."""

    words: list[str] | None = None
    kind: Literal["new", "old"] = Field(default="new", alias="kind-of")


async def typed(where: Filter, limit: int | None = 5, tags: tuple[str, int] = ("", 0)) -> str:
    """Search by a filter."""
    return f"{where.kind} {limit} {tags}"


def test_tools_of_every_origin_are_shown_in_the_form_that_the_strictest_provider_takes() -> None:
    tools = [tool(name, schema) for name, schema in ODD.items()]
    offer = ToolOffer([*tools, StructuredTool.from_function(coroutine=typed)])
    assert offer.left_out == {}
    assert len(offer.tools) == len(ODD) + 1
    assert complaint(offered(offer)) == ""


def test_what_is_no_tool_is_left_out_by_name_and_the_others_stay() -> None:
    offer = ToolOffer([tool(name, schema) for name, schema in HOPELESS.items()] + [tool("good")])
    assert [one.name for one in offer.tools] == ["good"]
    assert offer.left_out == dict.fromkeys(HOPELESS, "its arguments are not a JSON object")


def test_a_tool_that_cannot_even_be_described_is_left_out() -> None:
    class Broken(BaseTool):
        name: str = "broken"
        description: str = "Breaks."

        def _run(self) -> str:
            return ""

        @property
        def tool_call_schema(self) -> Any:
            raise KeyError("no schema here")

    offer = ToolOffer([Broken(), tool("good")])
    assert [one.name for one in offer.tools] == ["good"]
    assert "no schema here" in offer.left_out["broken"]


def test_names_and_descriptions_are_cut_to_what_providers_take() -> None:
    offer = ToolOffer([tool("my tool.v2"), tool("n" * 90, description="d" * 9_000), tool("good")])
    assert [one.name for one in offer.tools] == ["my_tool_v2", "n" * 64, "good"]
    assert complaint(offered(offer)) == ""


def test_two_tools_of_one_name_and_too_many_tools_are_named() -> None:
    offer = ToolOffer([tool("a b"), tool("a_b"), *(tool(f"t{number}") for number in range(MAX_TOOLS + 1))])
    assert offer.left_out["a_b"] == "another tool has the name a_b"
    assert len(offer.tools) == MAX_TOOLS
    assert offer.left_out.keys() == {"a_b", f"t{MAX_TOOLS - 1}", f"t{MAX_TOOLS}"}


@pytest.mark.parametrize(
    ("message", "blamed"),
    [
        ("Invalid schema for function 'two': schema must have type 'object'", "two"),
        ("Error code: 400 - Invalid 'tools[1].function.name': string does not match pattern", "two"),
        ("tools.1.custom.input_schema: JSON schema is invalid. It must match draft 2020-12", "two"),
        ("* GenerateContentRequest.tools[0].function_declarations[2].parameters.properties: should be", "three"),
        ("Invalid JSON schema for tool `three`", "three"),
        ("messages.3: tool_use ids must be unique", ""),
        ("Invalid value for 'model': one", ""),
        ("tools.9.custom.input_schema: JSON schema is invalid", ""),
        ("", ""),
    ],
)
def test_a_refusal_is_understood_whichever_provider_it_comes_from(message: str, blamed: str) -> None:
    offer = ToolOffer([tool(name) for name in ("one", "two", "three")])
    refused = ModelRejected(message, 400)
    assert offer.leave_out_refused(refused, offer.tools) is bool(blamed)
    assert set(offer.left_out) == ({blamed} if blamed else set())
    assert not offer.leave_out_refused(refused, offer.tools), "the same again would be asked for ever"


def test_other_refusals_cost_no_tool() -> None:
    offer = ToolOffer([tool("one")])
    for error in (
        ModelRejected("function 'one': your key is wrong", 401),
        ModelRejected("function 'one' makes the prompt exceed the context window", 400),
        ConnectionError("function 'one'"),
        ValueError("function 'one'"),
    ):
        assert not offer.leave_out_refused(error, offer.tools)
    assert offer.left_out == {}


def calls(body: dict[str, Any], name: str, arguments: str) -> dict[str, Any] | str:
    if body["messages"][-1]["role"] == "tool":
        return str(body["messages"][-1]["content"])
    return {"tool_calls": [{"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}]}


def chat(server: ScriptedServer) -> ChatOpenAI:
    return ChatOpenAI(base_url=server.base_url, api_key="none", model="stub", max_retries=0)  # type: ignore[arg-type]


async def test_a_call_reaches_the_tool_under_its_own_keys() -> None:
    answer = strict(lambda body: calls(body, "odd_keys", '{"top": 3, "filter_name": "x"}'))
    async with ScriptedServer(answer) as server:
        done = await carried_out(chat(server), tool("odd_keys", ODD["odd_keys"]))
    assert "odd_keys got {'$top': 3, 'filter[name]': 'x'}" in done.result["result"]
    assert "notices" not in done.result


async def test_a_refused_tool_is_left_out_with_a_notice_and_the_model_is_asked_again() -> None:
    answer = strict(lambda body: calls(body, "good", "{}"), refuses="cursed")
    tools = [tool("one", description="cursed"), tool("good"), tool("two", description="cursed as well")]
    async with ScriptedServer(answer) as server:
        done = await carried_out(chat(server), *tools)
        n_requests = len(server.requests)
    assert "good got {}" in done.result["result"]
    assert n_requests == 4, "twice without success, then the call and the answer"
    assert [notice.partition(":")[0] for notice in done.result["notices"]] == [
        "the tool one is left out",
        "the tool two is left out",
    ]


async def test_the_subtask_is_done_without_tools_when_none_is_taken() -> None:
    def answer(body: dict[str, Any]) -> Any:
        return Refusal(400, "Invalid schema for function 'only'") if body.get("tools") else "42"

    async with ScriptedServer(answer) as server:
        done = await carried_out(chat(server), tool("only"))
    assert (done.result["result"], done.result["is_complete"]) == ("42", True)


async def test_a_refusal_that_names_no_tool_still_ends_the_run() -> None:
    async with ScriptedServer(lambda _: Refusal(400, "max_tokens is too large")) as server:
        with pytest.raises(ModelRejected, match="max_tokens"):
            await carried_out(chat(server), tool("one"))


async def test_a_wrong_call_is_answered_with_the_schema_that_the_model_was_shown() -> None:
    call = {"name": "typed", "args": {"where": 3}, "id": "1", "type": "tool_call"}
    model = ScriptedChatModel([AIMessage("", tool_calls=[call]), "done"])
    await carried_out(model, StructuredTool.from_function(coroutine=typed))
    assert "the arguments do not fit. where:" in model.calls[1].text
    assert '"enum":["new","old"]' in model.calls[1].text


async def test_the_same_offer_serves_every_run_of_an_agent() -> None:
    async with ScriptedServer(strict(lambda _: "42", refuses="cursed")) as server:
        from memento.nodes.executor import make_executor
        from tests.agent_parts import subtask_of
        from tests.node_parts import Roles, runtime_of

        node = make_executor(Roles(executor=chat(server)), source(tool("bad", description="cursed"), tool("good")))
        updates = [await node(subtask_of(), runtime=runtime_of()) for _ in range(3)]
        n_requests = len(server.requests)
    assert n_requests == 4, "what was refused once is not tried again"
    assert all("bad" in update["results"][0]["notices"][0] for update in updates)
