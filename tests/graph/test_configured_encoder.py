"""MEMENTO_ENCODER from the outside: set up as chat models are, and never the end of a run."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from memento.graph.app import Application
from memento.graph.embeddings import make_encoder
from memento.graph.endpoints import Endpoints
from memento.graph.settings import Settings
from memento.graph.workflow import build_graph
from memento.memory.errors import EncoderUnavailable, InvalidInput
from tests.commands import invoke
from tests.embedding_server import EmbeddingServer, Said, configured_embeddings, refusal, vectors
from tests.node_parts import answer
from tests.scripted import Refusal, ScriptedServer

KEY = "abcdef0123456789"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    with configured_embeddings(monkeypatch) as server:
        yield server


def case_file(folder: Path, n: int) -> Path:
    path = folder / "cases.jsonl"
    lines = [{"question": f"task number {number}", "plan": "do it", "reward": 1} for number in range(n)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.allow_blocking("a command has its event loop to itself")
@pytest.mark.parametrize("key", [None, KEY])
def test_cases_are_imported_with_and_without_a_key_when_the_server_takes_ten_texts(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str | None
) -> None:
    if key:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    server.answer = lambda texts: vectors(texts) if len(texts) <= 10 else refusal(400, "not larger than 10")
    imported = invoke("cases", "import", str(case_file(tmp_path, 25)), "--json")
    assert (imported.code, imported.lines[-1]["imported"]) == (0, 25)
    assert set(server.keys) == {f"Bearer {key or 'none'}"}
    asked_before = len(server.asked)
    server.answer = lambda _texts: Said(500, b"", {"x-should-retry": "false"})
    stats = invoke("cases", "stats", "--json")
    assert (stats.code, stats.lines[0]["cases"]) == (0, 25)
    assert len(server.asked) == asked_before
    assert len(invoke("cases", "export").lines) == 25


@pytest.mark.allow_blocking("a command has its event loop to itself")
def test_the_reason_reaches_the_user_when_a_command_needs_vectors(server: EmbeddingServer, tmp_path: Path) -> None:
    server.answer = lambda _texts: refusal(404, "the model 'stub' is not loaded")
    failed = invoke("cases", "import", str(case_file(tmp_path, 1)))
    assert failed.code == 1
    assert "the model 'stub' is not loaded" in failed.err
    assert "unexpected error" not in failed.err


@pytest.mark.allow_blocking("a command has its event loop to itself")
def test_what_to_set_is_named_when_there_is_neither_key_nor_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MEMENTO_ENCODER", "openai:stub")
    failed = invoke("cases", "import", str(case_file(tmp_path, 1)))
    assert (failed.code, "set OPENAI_API_KEY" in failed.err) == (1, True)


@pytest.mark.allow_blocking("a command has its event loop to itself")
def test_cases_are_encoded_again_when_a_bank_gets_this_encoder(server: EmbeddingServer, tmp_path: Path) -> None:
    assert invoke("cases", "import", str(case_file(tmp_path, 3))).code == 0
    server.answer = lambda texts: vectors(texts, dim=24)
    again = invoke("cases", "reindex", "--json")
    assert (again.code, again.lines[-1]["points"]) == (0, 3)
    assert ["task number 0", "task number 1", "task number 2"] in server.asked[-3:]


async def test_a_run_goes_on_without_cases_and_says_why_when_the_encoder_is_refused(tmp_path: Path) -> None:
    def said(request: dict[str, Any]) -> str | Refusal:
        return Refusal(401, f"Incorrect API key provided: {KEY}") if "input" in request else answer("42")

    async with ScriptedServer(said) as server:
        settings = Settings(
            home=tmp_path, encoder="openai:stub", openai_base_url=server.base_url, openai_api_key=SecretStr(KEY)
        )
        app = Application(settings)
        result = await build_graph(app.deps()).ainvoke({"task": "six times seven?", "reference": "42"})
        await app.aclose()
    assert (result["answer"], result["reward"], result["event_id"]) == ("42", 1.0, None)
    told = " ".join(result["notices"])
    assert "running without cases: encoder 'openai:stub' at http://127.0.0.1:" in told
    assert "Incorrect API key provided: ***" in told
    assert KEY not in str(result)


async def test_another_providers_object_is_made_with_texts_only_and_limits(tmp_path: Path) -> None:
    endpoints = Endpoints(azure_endpoint="http://127.0.0.1:9", azure_api_version="2024-10-21")
    with pytest.raises(EncoderUnavailable, match=r"MEMENTO_ENCODER=azure_openai:e5 cannot be set up: .*AZURE_OPENAI"):
        await make_encoder("azure_openai:e5", endpoints)
    with pytest.raises(EncoderUnavailable, match="there is no provider 'nobody'"):
        await make_encoder("nobody:e5", endpoints)
    with pytest.raises(EncoderUnavailable, match="pip install langchain-cohere"):
        await make_encoder("cohere:embed-v4", endpoints)
    with pytest.raises(InvalidInput, match="provider:model"):
        await make_encoder("e5", endpoints)


async def test_azure_is_sent_texts_when_its_key_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    async with EmbeddingServer() as server:
        endpoints = Endpoints(azure_endpoint=server.base_url.removesuffix("/v1"), azure_api_version="2024-10-21")
        encoder = await make_encoder("azure_openai:e5", endpoints)
        assert (await encoder.encode(["a b", "c"])).shape == (2, 16)
    assert server.asked == [["a b", "c"]]
    assert encoder.name == "azure_openai:e5"
