"""Embedding services as encoders: texts only, batches that they accept, unit rows, and errors that say why."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_openai import OpenAIEmbeddings

from memento.memory.embeddings import EmbeddingsEncoder
from memento.memory.encoder import Encoder
from memento.memory.errors import EncoderUnavailable, InvalidInput
from memento.memory.openai_texts import OpenAITexts
from tests.embedding_server import DIM, EmbeddingServer, Said, refusal, vector, vectors

KEY = "abcdef-0123456789-secret"


@pytest.fixture
async def server() -> AsyncIterator[EmbeddingServer]:
    async with EmbeddingServer() as server:
        yield server


@pytest.fixture
async def encoder(server: EmbeddingServer) -> AsyncIterator[EmbeddingsEncoder]:
    encoder = EmbeddingsEncoder(OpenAITexts("stub", base_url=server.base_url), name="openai:stub")
    yield encoder
    await encoder.aclose()


def limited(n: int, status: int = 400) -> Callable[[list[str]], Said]:
    """At most n texts a request."""

    def answer(texts: list[str]) -> Said:
        return vectors(texts) if len(texts) <= n else refusal(status, f"input should not be larger than {n}")

    return answer


async def test_texts_are_sent_and_no_key_is_needed(server: EmbeddingServer, encoder: EmbeddingsEncoder) -> None:
    rows = await encoder.encode(["a b", "c"])
    assert server.bodies == [{"model": "stub", "input": ["a b", "c"], "encoding_format": "float"}]
    assert server.keys == ["Bearer none"]
    assert (rows.dtype, rows.shape, encoder.dim, isinstance(encoder, Encoder)) == (np.float32, (2, DIM), DIM, True)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    expected = np.array(vector("a b")) / np.linalg.norm(vector("a b"))
    assert np.allclose(rows[0], expected, atol=1e-6)
    assert (await encoder.encode([])).shape == (0, DIM)


async def test_the_key_of_the_environment_is_sent_when_none_is_given(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    texts = OpenAITexts("stub")
    await texts.aembed_documents(["a"])
    await texts.aclose()
    assert server.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_batches_are_halved_and_the_size_remembered_when_the_server_limits_them(
    server: EmbeddingServer, encoder: EmbeddingsEncoder, status: int
) -> None:
    server.answer = limited(10, status)
    texts = [f"text {n}" for n in range(25)]
    rows = await encoder.encode(texts)
    alone = np.array([vector(text) for text in texts])
    assert np.allclose(rows, alone / np.linalg.norm(alone, axis=1, keepdims=True), atol=1e-6)
    assert [len(asked) for asked in server.asked] == [25, 13, 7, 7, 7, 4]
    await encoder.encode(texts)
    assert [len(asked) for asked in server.asked[6:]] == [7, 7, 7, 4]


async def test_a_long_text_is_cut_and_the_others_stay_whole_when_the_server_refuses_its_length(
    server: EmbeddingServer, encoder: EmbeddingsEncoder
) -> None:
    def answer(texts: list[str]) -> Said:
        is_long = any(len(text) > 2_000 for text in texts)
        return refusal(400, "the input length exceeds the context length") if is_long else vectors(texts)

    server.answer = answer
    texts = ["short", "long " * 1_600, *(f"text {n}" for n in range(60))]
    rows = await encoder.encode(texts)
    cut = np.array(vector(texts[1][:2_000]))
    assert np.allclose(rows[1], cut / np.linalg.norm(cut), atol=1e-6)
    assert server.asked[-1] == texts[2:]
    assert np.array_equal(rows[2:], await encoder.encode(texts[2:]))


async def test_the_reason_is_shown_when_a_single_text_is_refused(
    server: EmbeddingServer, encoder: EmbeddingsEncoder
) -> None:
    server.answer = lambda texts: refusal(400, "no such model: stub") if "bad" in texts else vectors(texts)
    with pytest.raises(EncoderUnavailable, match=r"openai:stub.*BadRequestError.*no such model: stub"):
        await encoder.encode(["good", "bad", "fine"])
    assert server.asked == [["good", "bad", "fine"], ["good", "bad"], ["good"], ["bad"]]


async def test_asked_again_when_the_server_throttles_or_fails_for_a_moment(
    server: EmbeddingServer, encoder: EmbeddingsEncoder
) -> None:
    coming = [refusal(429, "slow down", **{"Retry-After": "0"}), refusal(503, "warming up", **{"Retry-After": "0"})]
    server.answer = lambda texts: coming.pop(0) if coming else vectors(texts)
    assert (await encoder.encode(["a"])).shape == (1, DIM)
    assert len(server.asked) == 3


HTML = b"<html><body>It works!</body></html>"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Said(200, {"error": {"code": 502, "message": "upstream is down"}}), "upstream is down"),
        (Said(200, {"error": "model not loaded"}), "model not loaded"),
        (Said(200, HTML), "not JSON.*<html>.*in /v1"),
        (Said(200, b""), "not JSON"),
        (Said(200, []), "JSON list"),
        (Said(200, {}), "no list of vectors"),
        (Said(200, {"data": None}), "no list of vectors"),
        (Said(200, {"data": ["x"]}), "no list of vectors"),
        (Said(200, {"data": []}), r"shape \(0,\) for 2 texts"),
        (Said(200, {"data": [{"index": 0, "embedding": [1.0]}]}), r"shape \(1, 1\) for 2 texts"),
        (Said(200, {"data": [{"index": 0}, {"index": 1}]}), "shape"),
        (Said(200, {"data": [{"index": n, "embedding": []} for n in range(2)]}), r"shape \(2, 0\)"),
        (Said(200, {"data": [{"index": n, "embedding": [1.0] * (n + 1)} for n in range(2)]}), "one vector of numbers"),
        (Said(200, {"data": [{"index": n, "embedding": "AACAPw=="} for n in range(2)]}), "one vector of numbers"),
        (Said(200, {"data": [{"index": n, "embedding": [1.0, float("nan")]} for n in range(2)]}), "not finite"),
        (Said(200, {"data": [{"index": n, "embedding": [1.0, None]} for n in range(2)]}), "not finite"),
        (Said(200, {"data": [{"index": n, "embedding": [1e300]} for n in range(2)]}), "not finite"),
        (Said(200, {"data": [{"index": n, "embedding": [0.0, 0.0]} for n in range(2)]}), "zeros only"),
        (refusal(401, f"Incorrect API key provided: {KEY}"), r"Incorrect API key provided: \*\*\*"),
        (refusal(404, "The model `stub` does not exist"), "does not exist"),
        (Said(500, HTML, {"x-should-retry": "false"}), "InternalServerError"),
    ],
)
async def test_a_named_error_with_the_reason_when_the_answer_holds_no_vectors(
    server: EmbeddingServer, said: Said, why: str
) -> None:
    server.answer = lambda _texts: said
    encoder = EmbeddingsEncoder(OpenAITexts("stub", base_url=server.base_url, api_key=KEY), name="openai:stub")
    with pytest.raises(EncoderUnavailable, match=f"encoder 'openai:stub' .*{why}") as caught:
        await encoder.encode(["a", "b"])
    await encoder.aclose()
    assert KEY not in f"{caught.value} {caught.value.__cause__}"


async def test_both_lengths_are_named_when_the_model_behind_the_name_was_exchanged(
    server: EmbeddingServer, encoder: EmbeddingsEncoder
) -> None:
    await encoder.encode(["a"])
    server.answer = lambda texts: vectors(texts, dim=24)
    with pytest.raises(EncoderUnavailable, match=f"24 numbers for a text instead of {DIM}.*memento cases reindex"):
        await encoder.encode(["b"])


async def test_named_error_when_no_server_is_there() -> None:
    encoder = EmbeddingsEncoder(OpenAITexts("stub", base_url="http://127.0.0.1:9/v1", max_retries=0))
    with pytest.raises(
        EncoderUnavailable,
        match=r"'OpenAITexts:stub' at http://127.0.0.1:9/v1/ failed: APIConnectionError: .*\(ConnectError: ",
    ):
        await encoder.connect()
    await encoder.aclose()


@pytest.mark.parametrize("blank", [False, True])
async def test_what_to_set_is_named_when_there_is_neither_key_nor_server(
    monkeypatch: pytest.MonkeyPatch, *, blank: bool
) -> None:
    if blank:
        monkeypatch.setenv("OPENAI_BASE_URL", "")
        monkeypatch.setenv("OPENAI_API_KEY", "")
    with pytest.raises(EncoderUnavailable, match=r"OPENAI_API_KEY.*OPENAI_BASE_URL"):
        await EmbeddingsEncoder(OpenAITexts("stub")).encode(["a"])


@pytest.mark.parametrize("url", ["127.0.0.1:8000/v1", "localhost:8000/v1", "grpc://h/v1", "http:/h/v1"])
async def test_the_right_form_is_named_when_the_variable_does_not_parse(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(EncoderUnavailable, match=r"http://"):
        await EmbeddingsEncoder(OpenAITexts("stub", max_retries=0)).encode(["a"])
    with pytest.raises(InvalidInput, match=r"http://"):
        OpenAITexts("stub", base_url=url)


def test_it_serves_again_when_another_event_loop_asks() -> None:
    async def main(encoder: EmbeddingsEncoder, server: EmbeddingServer) -> int:
        async with server:
            n_rows = len(await encoder.encode(["a"]))
            await encoder.aclose()
        return n_rows

    for _ in range(2):
        server = EmbeddingServer()
        encoder = EmbeddingsEncoder(OpenAITexts("stub", base_url=server.base_url))
        assert asyncio.run(main(encoder, server)) == 1


class Blocking:
    """Has LangChain's synchronous method alone."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.model = "words"

    def embed_documents(self, texts: list[str]) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or [[3.0, 4.0]] * len(texts)


class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError


async def test_a_synchronous_object_is_asked_in_a_thread() -> None:
    encoder = EmbeddingsEncoder(Blocking())
    assert (await encoder.encode(["a", "b"])).tolist() == [pytest.approx([0.6, 0.8])] * 2
    assert (encoder.name, encoder.dim) == ("Blocking:words", 2)


@pytest.mark.parametrize(
    "error", [RuntimeError("boom"), KeyError("x"), Broken(), TimeoutError(), SyntaxError("no"), AssertionError()]
)
async def test_any_exception_of_a_hosts_object_is_a_named_error(error: Exception) -> None:
    with pytest.raises(EncoderUnavailable, match=rf"'Blocking:words' failed: {type(error).__name__}: \S"):
        await EmbeddingsEncoder(Blocking(error)).encode(["a"])


async def test_refusals_of_any_client_library_are_halved() -> None:
    class Limited(Embeddings):
        def __init__(self) -> None:
            self.asked: list[int] = []

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            self.asked.append(len(texts))
            if len(texts) > 3:
                error = RuntimeError("too many")
                error.response = type("Response", (), {"status_code": 413})()  # type: ignore[attr-defined]
                raise error
            return [vector(text) for text in texts]

        def embed_query(self, text: str) -> list[float]:
            raise AssertionError

    embeddings = Limited()
    assert (await EmbeddingsEncoder(embeddings).encode([f"{n}" for n in range(8)])).shape == (8, DIM)
    assert embeddings.asked == [8, 4, 2, 2, 2, 2]


async def test_names_are_those_of_class_model_and_dimensions() -> None:
    async with EmbeddingServer() as server:
        given = OpenAIEmbeddings(
            model="e5",
            base_url=server.base_url,
            api_key=KEY,  # type: ignore[arg-type]
            check_embedding_ctx_length=False,
        )
        encoder = EmbeddingsEncoder(given)
        assert (encoder.name, (await encoder.encode(["a"])).shape) == ("OpenAIEmbeddings:e5", (1, DIM))
        server.answer = lambda _texts: refusal(401, f"no such key: {KEY}")
        with pytest.raises(EncoderUnavailable, match=r"no such key: \*\*\*"):
            await encoder.encode(["a"])
    small = OpenAIEmbeddings(model="e5", dimensions=256, api_key=KEY)  # type: ignore[arg-type]
    assert EmbeddingsEncoder(small).name == "OpenAIEmbeddings:e5@256"
    assert EmbeddingsEncoder(DeterministicFakeEmbedding(size=4)).name == "DeterministicFakeEmbedding"
    assert len(EmbeddingsEncoder(Blocking(), name=None).name) <= 200


async def test_the_switch_is_named_when_an_object_sends_token_ids_that_cannot_be_made() -> None:
    given = OpenAIEmbeddings(model="e5", base_url="http://127.0.0.1:9/v1", api_key=KEY, max_retries=0)  # type: ignore[arg-type]
    with pytest.raises(EncoderUnavailable, match="check_embedding_ctx_length=False"):
        await EmbeddingsEncoder(given).encode(["a"])


def test_refused_when_an_object_has_no_method_of_embeddings() -> None:
    with pytest.raises(InvalidInput, match="aembed_documents"):
        EmbeddingsEncoder(object())
