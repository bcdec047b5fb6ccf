"""`ChatModels` with loopback servers in the place of OpenAI, Azure and a local server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_openai import AzureChatOpenAI, ChatOpenAI
from pydantic import SecretStr

from memento.graph.endpoints import LOCAL_SERVERS, Endpoints, find_local_server
from memento.graph.models import DEFAULT_MODELS, ChatModels
from memento.nodes.errors import LocalModelUnusable, ModelRejected, NoModelConfigured, UnknownModel
from tests.scripted import Refusal, ScriptedChatModel, ScriptedServer

DEAD = "http://127.0.0.1:9/v1"
NOWHERE = Endpoints(local_servers=[DEAD])


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer(lambda _: "hello", models=["nomic-embed-text", "qwen3:4b"]) as running:
        yield running


async def test_instance_is_used_when_it_is_given() -> None:
    model = ScriptedChatModel([])
    assert await ChatModels(planner=model).get("planner") is model


async def test_openai_defaults_are_used_when_a_key_is_configured() -> None:
    models = ChatModels(endpoints=Endpoints(openai_api_key=SecretStr("sk-test"), local_servers=[]))
    for role, spec in DEFAULT_MODELS.items():
        model = await models.get(role)
        assert isinstance(model, ChatOpenAI)
        assert f"openai:{model.model_name}" == spec
        assert (model.request_timeout, model.max_retries) == (120.0, 2)


async def test_no_key_is_needed_when_a_base_url_is_configured(server: ScriptedServer) -> None:
    models = ChatModels(endpoints=Endpoints(openai_base_url=server.base_url, local_servers=[]))
    assert (await (await models.get("judge")).ainvoke("hi")).text == "hello"
    assert server.requests[0]["model"] == "gpt-4o-mini"


async def test_model_is_made_once_when_asked_for_twice(server: ScriptedServer) -> None:
    models = ChatModels(planner="openai:stub", endpoints=Endpoints(openai_base_url=server.base_url))
    first = await models.get("planner")
    assert await models.get("planner") is first
    assert await models.get("executor", "openai:stub") is first
    assert await models.get("planner", "openai:other") is not first


@pytest.mark.parametrize(("name", "expected"), [("gpt-4o", "gpt-4o"), ("o3", "o3"), ("openai:llama3:8b", "llama3:8b")])
async def test_openai_is_meant_when_name_is_familiar(name: str, expected: str) -> None:
    model = await ChatModels(endpoints=Endpoints(openai_base_url=DEAD)).get("planner", name)
    assert isinstance(model, ChatOpenAI)
    assert model.model_name == expected


@pytest.mark.parametrize("name", ["my-model", "org/model", "llama3:8b"])
async def test_unknown_model_shows_the_form_when_name_has_no_provider(name: str) -> None:
    with pytest.raises(UnknownModel, match="write provider:model"):
        await ChatModels(planner=name, endpoints=NOWHERE).get("planner")


async def test_unknown_model_names_the_package_when_provider_is_not_installed() -> None:
    with pytest.raises(UnknownModel, match="pip install langchain-anthropic"):
        await ChatModels(planner="anthropic:claude-sonnet-4-5", endpoints=NOWHERE).get("planner")


async def test_model_is_rejected_when_provider_has_no_key() -> None:
    with pytest.raises(ModelRejected, match="openai:gpt-4o cannot be set up"):
        await ChatModels(planner="openai:gpt-4o", endpoints=NOWHERE).get("planner")


async def test_azure_deployment_is_used_when_provider_is_azure(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "none")
    endpoints = Endpoints(azure_endpoint=server.base_url, azure_api_version="2024-10-21")
    model = await ChatModels(endpoints=endpoints).get("planner", "azure_openai:my-deployment")
    assert isinstance(model, AzureChatOpenAI)
    assert model.deployment_name == "my-deployment"
    assert (await model.ainvoke("hi")).text == "hello"


async def test_first_chat_model_of_first_server_is_used_when_nothing_is_configured(server: ScriptedServer) -> None:
    async with ScriptedServer(lambda _: "other", models=["other"]) as second:
        models = ChatModels(endpoints=Endpoints(local_servers=[DEAD, server.base_url, second.base_url]))
        planner = await models.get("planner")
        assert await models.get("judge") is planner
    assert (await planner.ainvoke("hi")).text == "hello"
    assert server.requests[0]["model"] == "qwen3:4b"


async def test_nothing_is_found_when_servers_are_dead_or_list_no_chat_model() -> None:
    async with ScriptedServer(lambda _: "", models=["nomic-embed-text"]) as embeds:
        assert await find_local_server([DEAD, embeds.base_url]) is None
    assert await find_local_server([]) is None


async def test_every_way_out_is_told_when_nothing_is_configured() -> None:
    with pytest.raises(NoModelConfigured) as caught:
        await ChatModels(endpoints=NOWHERE).get("planner")
    for way in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ollama", "MEMENTO_LOCAL_MODEL", "--model local"):
        assert way in str(caught.value)


async def test_configured_gguf_is_tried_when_no_server_is_found(tmp_path: Path) -> None:
    endpoints = Endpoints(local_servers=[DEAD], local_model=tmp_path / "mine.gguf")
    with pytest.raises(LocalModelUnusable, match=r"no model file .*mine\.gguf"):
        await ChatModels(endpoints=endpoints).get("planner")


async def test_each_role_is_described_when_servers_differ(server: ScriptedServer) -> None:
    models = ChatModels(
        planner="openai:gpt-4.1",
        executor=ScriptedChatModel([]),
        judge="my-model",
        endpoints=Endpoints(openai_base_url=server.base_url),
    )
    planner, executor, judge = await models.describe()
    assert planner == ("planner", "openai:gpt-4.1", f"configured at {server.base_url}", True, "")
    assert (executor.spec, executor.is_reachable) == ("ScriptedChatModel", None)
    assert (judge.spec, judge.is_reachable) == ("my-model", False)
    assert "provider:model" in judge.problem
    assert server.requests == []


async def test_found_server_is_described_when_nothing_is_configured(server: ScriptedServer) -> None:
    (planner, *_) = await ChatModels(endpoints=Endpoints(local_servers=[server.base_url])).describe()
    assert planner == ("planner", "openai:qwen3:4b", f"found on this machine at {server.base_url}", True, "")


async def test_problem_is_described_when_server_is_down_or_nothing_is_configured() -> None:
    (planner, *_) = await ChatModels(endpoints=Endpoints(openai_base_url=DEAD)).describe()
    assert (planner.spec, planner.is_reachable) == ("openai:gpt-4.1", False)
    assert "OpenAI" in planner.problem or "Connection" in planner.problem
    (planner, *_) = await ChatModels(endpoints=NOWHERE).describe()
    assert (planner.spec, planner.source, planner.is_reachable) == (None, "nothing configured", False)
    assert "OPENAI_API_KEY" in planner.problem


async def test_key_is_not_shown_when_endpoints_are_printed() -> None:
    assert "sk-secret" not in repr(Endpoints(openai_api_key=SecretStr("sk-secret")))


async def test_servers_of_this_machine_only_are_looked_at_by_default() -> None:
    assert all(httpx.URL(url).host == "127.0.0.1" for url in LOCAL_SERVERS)


async def test_refusal_reaches_the_caller_when_server_refuses() -> None:
    def refuse(_: Any) -> Refusal:
        return Refusal(503, "loading")

    async with ScriptedServer(refuse) as busy:
        models = ChatModels(endpoints=Endpoints(openai_base_url=busy.base_url), max_retries=1)
        with pytest.raises(Exception, match="loading"):
            await (await models.get("planner")).ainvoke("hi")
    assert len(busy.requests) == 2
