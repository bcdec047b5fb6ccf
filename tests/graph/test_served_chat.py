"""A chat client of the served graph: the answer arrives in pieces of one message, as it is generated."""

import json
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client

from tests.dev_server import dev_server
from tests.node_parts import answer, plan
from tests.provider_server import Trickle, Wire, completion, served, trickle

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def not_asked(_: dict[str, Any]) -> str:
    raise AssertionError("another provider is")


def reply(request: dict[str, Any]) -> Wire | Trickle:
    text = json.dumps(request["messages"])
    if "You carry out" in text:
        return completion(request, content="it is Paris")
    said = answer("Paris is the capital.") if "it is Paris" in text else plan("look it up")
    if not request.get("stream"):
        return completion(request, content=said)
    return trickle(request, [said[at : at + 4] for at in range(0, len(said), 4)])


@pytest.mark.allow_blocking("what may not block is in another process, which watches itself")
async def test_the_answer_streams_to_clients_of_the_server(tmp_path: Path) -> None:
    async with (
        served(reply) as url,
        dev_server(tmp_path, not_asked, OPENAI_BASE_URL=url) as server,
        get_client(url=server.url) as client,
    ):
        for mode in ("messages-tuple", "messages"):
            thread = (await client.threads.create())["thread_id"]
            stream = client.runs.stream(
                thread,
                "memento",
                input={"messages": [{"role": "user", "content": "Where is the capital?"}]},
                context={"evaluator": "none"},
                stream_mode=[mode],
            )
            parts = [part async for part in stream]
            assert not [part for part in parts if part.event == "error"], parts
            kept = (await client.threads.get_state(thread))["values"]["messages"]
            assert [message["type"] for message in kept] == ["human", "ai"]
            shown = [part.data[0] for part in parts if part.event in ("messages", "messages/partial")]
            texts = [one["content"] for one in shown if one["id"] == kept[-1]["id"]]
            assert len(texts) > 4, "token by token"
            assert texts[-1] == kept[-1]["content"] if mode == "messages" else "".join(texts) == kept[-1]["content"]
            assert all("subtasks" not in str(one["content"]) for one in shown)
        (assistant,) = await client.assistants.search(graph_id="memento")
        drawn = await client.assistants.get_graph(assistant["assistant_id"], xray=True)
        assert "executor:tools" in {node["id"] for node in drawn["nodes"]}
        assert set(await client.assistants.get_subgraphs(assistant["assistant_id"])) == {"executor"}
