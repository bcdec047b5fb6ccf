"""The real world: servers, keys and engines that only `make live` uses. Each says what it is skipped for."""

import asyncio
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from qdrant_client import QdrantClient

from memento import CaseMemory, Context, Deps, build_graph
from memento.graph.embeddings import make_encoder
from memento.graph.models import ChatModels
from memento.graph.settings import read_settings
from memento.tools.sandbox.docker import Docker
from memento.tools.sandbox.e2b import E2B
from memento.tools.sandbox.port import SandboxLimits
from memento.tools.web.tavily import Tavily
from tests.hashing_encoder import HashingEncoder
from tests.memories import schema

COLLECTION = "memento_cases"

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]


def needed(*names: str) -> str:
    """The first of these variables that is set."""
    found = next((value for name in names if (value := os.environ.get(name))), None)
    if found is None:
        pytest.skip(f"{' or '.join(names)} is not set")
    return found


@pytest.fixture
def model() -> str:
    """The provider:model that the environment offers."""
    needed("OPENAI_API_KEY", "OPENAI_BASE_URL")
    return os.environ.get("MEMENTO_PLANNER") or "openai:gpt-4.1"


@pytest.fixture
def qdrant_url() -> Iterator[str]:
    """A real Qdrant, on which no collection of a memory was before, and none is afterwards."""
    url = needed("QDRANT_URL")
    client = QdrantClient(url=url, api_key=os.environ.get("QDRANT_API_KEY"), check_compatibility=False)
    if any(one.name.startswith(COLLECTION) for one in client.get_collections().collections):
        pytest.skip(f"QDRANT_URL has a collection {COLLECTION!r} already, which this test would write to")
    yield url
    for one in client.get_collections().collections:
        if one.name.startswith(COLLECTION):
            client.delete_collection(one.name)
    client.close()


async def remembers(location: str | Path, **places: str | Path | None) -> None:
    """Write, read, give feedback, close, open, read again."""
    namespace = f"live-{uuid.uuid4().hex[:8]}"

    def memory() -> CaseMemory:
        encoder = HashingEncoder()
        return CaseMemory.open(location, encoder=encoder, policy="similarity", namespace=namespace, seed=0, **places)  # type: ignore[arg-type]

    async with memory() as first:
        case_id = await first.write(state="What is the capital of Peru?", action="Say Lima.", reward=1.0)
        reading = await first.read("What is the capital city of Peru?", k=2)
        assert [scored.case.id for scored in reading.cases] == [case_id]
        assert reading.event_id is not None
        await first.write(
            state="What is the capital city of Peru?", action="Say Lima.", reward=1.0, event_id=reading.event_id
        )
        await first.feedback(reading.event_id, 0.0, lesson="It was Cusco then.")
    async with memory() as second:
        again = await second.read("And the capital of Peru?", k=4)
        assert sorted(scored.case.reward for scored in again.cases) == [0.0, 1.0]
        assert await second.views.counts(namespace=namespace)


@pytest.mark.allow_blocking("the fixture's own client")
async def test_a_memory_lives_on_a_real_qdrant(qdrant_url: str, tmp_path: Path) -> None:
    await remembers(qdrant_url, home=tmp_path, api_key=os.environ.get("QDRANT_API_KEY"))


@pytest.mark.allow_blocking("the schema is made with a client of the test's")
async def test_a_memory_lives_in_a_real_postgres(tmp_path: Path) -> None:
    with schema(needed("POSTGRES_URL")) as url:
        await remembers(tmp_path, ledger_url=url)


async def test_a_run_answers_through_a_server_of_the_openai_protocol(model: str) -> None:
    async with CaseMemory.open(":memory:", encoder=HashingEncoder(), policy="similarity", seed=0) as memory:
        graph = build_graph(Deps(memory=memory, planner=model, executor=model), checkpointer=InMemorySaver())
        state = await graph.ainvoke(
            {"task": "What is 6 times 7? Answer with the number alone.", "reference": "42"},
            {"configurable": {"thread_id": "1"}},
            context=Context(evaluator="exact", max_cycles=3),
        )
        assert state["answer"]
        assert state["reward"] in (0.0, 1.0)
        assert state["case_id"]


async def test_embeddings_come_from_a_server_of_the_openai_protocol() -> None:
    needed("OPENAI_API_KEY", "OPENAI_BASE_URL")
    spec = needed("MEMENTO_ENCODER")
    encoder = await make_encoder(spec, read_settings().endpoints())
    try:
        one, same, other = await encoder.encode(["the capital of Peru", "the capital of Peru", "a recipe for bread"])
    finally:
        await encoder.aclose()
    assert one @ same > one @ other


async def test_every_role_says_which_model_it_has(model: str) -> None:
    models = ChatModels.configured(read_settings(), planner=model)
    try:
        planner, *_ = await models.describe()
    finally:
        await models.aclose()
    assert (planner.problem, planner.is_reachable is False) == ("", False)


async def test_tavily_searches_and_reads() -> None:
    tavily = Tavily(api_key=needed("TAVILY_API_KEY"), api_base_url=os.environ.get("TAVILY_BASE_URL"))
    found = await tavily.search("Bloomsburg, county seat of Columbia County, Pennsylvania", 3)
    assert found
    assert all(result.url.startswith("http") for result in found)
    assert "Example Domain" in await tavily.extract("https://example.com")


async def runs_code(sandbox: Docker | E2B, folder: Path) -> None:
    """Python, a shell, a file there and back, no network, a limit of time."""
    await asyncio.to_thread(folder.mkdir)
    await asyncio.to_thread((folder / "given.txt").write_text, "6")
    made = "open('made.txt', 'w').write('made')\nint(open('given.txt').read()) * 7"
    assert await sandbox.run("python", made, folder=folder, limits=SandboxLimits()) == ("42\n", 0, "exit")
    assert await asyncio.to_thread((folder / "made.txt").read_text) == "made"
    assert await sandbox.run("shell", "echo x; exit 3", folder=folder, limits=SandboxLimits()) == ("x\n", 3, "exit")
    fetch = "import urllib.request\nurllib.request.urlopen('https://example.com', timeout=5)"
    output, code, ended_by = await sandbox.run("python", fetch, folder=folder, limits=SandboxLimits())
    assert (code, ended_by) == (1, "exit")
    assert "URLError" in output or "Error" in output
    endless = await sandbox.run("python", "while True: pass", folder=folder, limits=SandboxLimits(wall_s=3))
    assert endless[1:] == (None, "time")


async def test_code_runs_in_a_real_container(tmp_path: Path) -> None:
    docker = Docker()
    if problem := await asyncio.to_thread(docker.problem):
        pytest.skip(f"docker: {problem}")
    await runs_code(docker, tmp_path / "run")


async def test_code_runs_in_a_real_machine_of_e2b(tmp_path: Path) -> None:
    pytest.importorskip("e2b_code_interpreter", reason="the extra `e2b` is not installed")
    await runs_code(E2B(api_key=needed("E2B_API_KEY")), tmp_path / "run")
