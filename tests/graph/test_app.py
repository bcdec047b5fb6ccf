"""The composition root: pure to import, one of everything per process, closed again."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memento.graph.app import Application
from memento.graph.settings import Settings
from memento.graph.workflow import build_graph
from memento.memory.errors import EncoderUnavailable
from tests.node_parts import answer
from tests.scripted import ScriptedServer

IMPORT = """
import json, os, socket, sys
read, opened = [], []
class Watched(dict):
    def __getitem__(self, name):
        read.append(name)
        return super().__getitem__(name)
    def get(self, name, default=None):
        read.append(name)
        return super().get(name, default)
import httpx, langchain.agents, langgraph.prebuilt, openai, pydantic_settings, qdrant_client, sqlalchemy, torch
os.environ = Watched(os.environ)
def watch(event, args):
    if event in ("socket.connect", "os.mkdir", "sqlite3.connect") or (event == "open" and "w" in str(args[1])):
        opened.append((event, str(args[0])))
sys.addaudithook(watch)
import memento.graph.app as app
print(json.dumps({"read": [name for name in read if name.startswith(("MEMENTO", "OPENAI", "TAVILY"))],
    "opened": [row for row in opened if "__pycache__" not in row[1]], "graph": app.graph.name}))
"""

SERVED = """
import asyncio, json
from memento.service.http import app

async def main():
    try:
        async with app.router.lifespan_context(app):
            print(json.dumps({"refused": ""}))
    except ValueError as error:
        print(json.dumps({"refused": str(error)}))

asyncio.run(main())
"""

STRICT = """
import asyncio, json, logging, sys
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command
from tests.node_parts import a_memory, answer, plan, scripted, calling
from tests.graph.test_workflow import graph_of, multiply
logging.basicConfig(level=logging.WARNING, stream=sys.stdout)

async def main():
    config = {"configurable": {"thread_id": "t"}}
    async with AsyncSqliteSaver.from_conn_string(":memory:") as saver, a_memory() as memory:
        planner = scripted(plan("multiply"), answer("42"), answer("43"))
        executor = scripted(calling("multiply", a=6, b=7), "42")
        graph = graph_of(memory, planner=planner, executor=executor, tools=[multiply], checkpointer=saver)
        await graph.ainvoke({"task": "a", "reference": "42"}, config, context={"approve_plan": True})
        first = await graph.ainvoke(Command(resume="approve"), config)
        second = await graph.ainvoke({"task": "b"}, config)
        state = (await graph.aget_state(config)).values
        n = len([s async for s in graph.aget_state_history(config)])
    print(json.dumps({"first": first["answer"], "reward": first["reward"], "second": second["answer"],
        "types": sorted({type(value).__name__ for value in state.values()}), "n": n}))

asyncio.run(main())
"""


def run_python(program: str, **environment: str) -> tuple[dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[2] if "tests." in program else None,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


@pytest.mark.slow
def test_nothing_is_read_or_opened_when_the_served_graph_is_imported(tmp_path: Path) -> None:
    home = tmp_path / "home"
    seen, _ = run_python(IMPORT, MEMENTO_HOME=str(home), MEMENTO_POLICY="no such policy")
    assert seen == {"read": [], "opened": [], "graph": "memento"}
    assert not home.exists()


@pytest.mark.slow
@pytest.mark.parametrize(("url", "said"), [("127.0.0.1:6333", "write http://127.0.0.1:6333"), ("", "")])
def test_the_server_does_not_start_when_a_setting_does_not_parse(tmp_path: Path, url: str, said: str) -> None:
    seen, _ = run_python(SERVED, MEMENTO_HOME=str(tmp_path / "home"), MEMENTO_QDRANT_URL=url)
    assert said in seen["refused"]
    assert bool(seen["refused"]) == bool(said)


@pytest.mark.slow
def test_every_value_comes_back_when_checkpoints_are_read_strictly() -> None:
    seen, log = run_python(STRICT, LANGGRAPH_STRICT_MSGPACK="true")
    assert (seen["first"], seen["reward"], seen["second"]) == ("42", 1.0, "43")
    assert set(seen["types"]) <= {"NoneType", "bool", "dict", "float", "int", "list", "str"}
    assert seen["n"] > 10
    assert "unregistered" not in log
    assert "Blocked" not in log


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


async def test_memory_is_opened_once_when_many_ask_at_once(settings: Settings) -> None:
    app = Application(settings)
    memories = await asyncio.gather(*(app.memory() for _ in range(8)))
    await app.aclose()
    assert len({id(memory) for memory in memories}) == 1


async def test_memory_can_be_opened_again_when_it_was_closed(settings: Settings) -> None:
    app = Application(settings)
    first = await app.memory()
    await app.aclose()
    await app.aclose()
    second = await app.memory()
    await app.aclose()
    assert first is not second


async def test_nothing_is_opened_when_nothing_was_used(settings: Settings) -> None:
    app = Application(settings)
    build_graph(app.deps())
    await app.aclose()
    assert not settings.folder.exists()


async def test_no_bank_is_created_when_what_a_run_needs_is_loaded_in_advance(settings: Settings) -> None:
    app = Application(settings)
    await app.warm()
    assert not settings.ledger_file.exists()
    assert await app.encoder() is not None
    assert await app.toolset.functions()
    await app.aclose()


async def test_the_bank_is_opened_in_advance_when_there_is_one(settings: Settings) -> None:
    app = Application(settings)
    opened = await app.memory()
    await app.aclose()
    await app.warm()
    assert app._memory is not None
    assert app._memory is not opened
    assert await app.memory() is app._memory
    await app.aclose()


async def test_serving_begins_with_a_line_in_the_log_when_something_cannot_be_loaded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = Application(Settings(home=tmp_path, encoder="nobody:nothing", planner="nobody:nothing"))
    await app.warm()
    await app.aclose()
    said = [record.getMessage() for record in caplog.records if "loaded in advance" in record.getMessage()]
    assert [line.partition(" could")[0] for line in said] == ["the memory", "a model"]
    assert all("nobody" in line for line in said)


async def test_encoder_unavailable_when_its_provider_does_not_exist(tmp_path: Path) -> None:
    app = Application(Settings(home=tmp_path, encoder="nobody:nothing"))
    with pytest.raises(EncoderUnavailable, match="nobody:nothing"):
        await app.memory()


async def test_run_goes_on_without_cases_when_the_encoder_cannot_be_set_up(tmp_path: Path) -> None:
    async with ScriptedServer(lambda _request: answer("42")) as server:
        settings = Settings(home=tmp_path, encoder="nobody:nothing", openai_base_url=server.base_url)
        app = Application(settings)
        result = await build_graph(app.deps()).ainvoke({"task": "six times seven?", "reference": "42"})
        await app.aclose()
    assert (result["answer"], result["reward"], result["event_id"]) == ("42", 1.0, None)


async def test_whole_application_runs_when_a_server_speaks_openais_protocol(settings: Settings) -> None:
    async with ScriptedServer(lambda _request: answer("42")) as server:
        app = Application(settings.model_copy(update={"openai_base_url": server.base_url}))
        result = await build_graph(app.deps()).ainvoke({"task": "six times seven?", "reference": "42"})
        await app.aclose()
    assert (result["answer"], result["reward"]) == ("42", 1.0)
    assert result["case_id"]
