"""What sees and hears, against a loopback server in OpenAI's place: what reaches it, and what its failures become."""

import asyncio
import base64
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import SecretStr

from memento.graph.endpoints import Endpoints
from memento.graph.media_models import VISION_SYSTEM, look_through, transcribe_with_openai
from memento.graph.models import ChatModels
from memento.graph.settings import Settings
from memento.tools.errors import ToolUnavailable
from memento.tools.media.port import Picture
from memento.tools.media.view_image import make_view_image
from memento.tools.workspace import Workspace
from tests import reply_shapes as shapes
from tests.provider_server import served
from tests.scripted import Refusal, ScriptedChatModel, ScriptedServer

DEAD = "http://127.0.0.1:9/v1"
RED = Picture(b"one", "image/png")
BLUE = Picture(b"two", "image/jpeg")


def models(server: ScriptedServer, **roles: Any) -> ChatModels:
    return ChatModels(**roles, endpoints=Endpoints(openai_base_url=server.base_url), max_retries=0)


async def test_pictures_reach_the_model_as_data_in_order_behind_the_question() -> None:
    async with ScriptedServer(lambda _: "a cat and a dog") as server:
        look = look_through(models(server, executor="openai:seeing"))
        assert await look("what?", [RED, BLUE]) == "a cat and a dog"
    [request] = server.requests
    system, human = request["messages"]
    assert request["model"] == "seeing"
    assert system == {"role": "system", "content": VISION_SYSTEM}
    assert human["role"] == "user"
    urls = [f"data:{mime};base64,{base64.b64encode(c).decode()}" for c, mime in (RED, BLUE)]
    assert human["content"] == [
        {"type": "text", "text": "what?"},
        *({"type": "image_url", "image_url": {"url": url}} for url in urls),
    ]


async def test_a_file_of_the_workspace_reaches_the_model_as_a_picture(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (5, 3), "red").save(stream, "BMP")
    workspace = Workspace(tmp_path)
    await asyncio.to_thread(workspace.write, "a.bmp", stream.getvalue())
    async with ScriptedServer(lambda _: "red") as server:
        text = await make_view_image(look_through(models(server)))("a.bmp", "which colour?", workspace=workspace)
    assert text == "a.bmp (BMP, 5 x 3 pixels)\n\nred"
    url = server.requests[0]["messages"][1]["content"][1]["image_url"]["url"]
    seen = Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,"))))
    assert (seen.size, seen.getpixel((0, 0))) == ((5, 3), (255, 0, 0))


async def test_the_named_model_is_asked_when_there_is_one() -> None:
    async with ScriptedServer(lambda _: "seen") as server:
        await look_through(models(server, executor="openai:blind"), "openai:seeing")("what?", [RED])
    assert server.requests[0]["model"] == "seeing"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Refusal(400, "image input is not supported"), "did not take the picture .*not supported.* MEMENTO_VISION"),
        (Refusal(401, "Incorrect API key provided: sk-secret-0123456789"), r"did not take the picture .*sk-\*\*\*"),
        (Refusal(503, "loading"), "cannot look at pictures now .*loading.*; work with what you have"),
        ("  ", "gave an empty answer"),
    ],
)
async def test_the_failure_says_what_to_do_when_the_model_does_not_see(answer: Any, message: str) -> None:
    async with ScriptedServer(lambda _: answer) as server:
        with pytest.raises(ToolUnavailable, match=message) as caught:
            await look_through(models(server))("what?", [RED])
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (shapes.NO_COMPLETION["error 502 in a 200"], "cannot look at pictures now .*bad gateway"),
        (shapes.NO_COMPLETION["choices null"], "cannot look at pictures now .*not with a completion"),
        (shapes.FILTERED["filtered by Azure"], "content filter refused the picture"),
        (shapes.REFUSAL["refusal"], "refused: I will not do that"),
        (shapes.UNCLOSED["unclosed <think>, length"], "gave an empty answer .it was cut off"),
    ],
)
async def test_the_failure_is_named_when_what_comes_is_no_answer(shape: shapes.Shape, message: str) -> None:
    async with served(lambda request: shape(request, "red")) as url:
        made = ChatModels(executor="openai:stub", endpoints=Endpoints(openai_base_url=url), max_retries=0)
        with pytest.raises(ToolUnavailable, match=message):
            await look_through(made)("what?", [RED])


@pytest.mark.parametrize(
    ("shape", "seen"),
    [
        (shapes.THOUGHTS["<think> before"], "red as wine"),
        (shapes.UNFINISHED["length"], "red a\n\n[not complete: it was cut off by the token limit]"),
    ],
)
async def test_what_was_seen_is_told_without_thoughts_and_with_what_is_missing(shape: shapes.Shape, seen: str) -> None:
    async with served(lambda request: shape(request, "red as wine")) as url:
        made = ChatModels(executor="openai:stub", endpoints=Endpoints(openai_base_url=url))
        assert await look_through(made)("what?", [RED]) == seen


@pytest.mark.parametrize("name", ["error 502 in a 200", "HTML", "half a body", "nothing", "a list"])
async def test_the_failure_is_the_tool_s_when_what_answers_does_not_transcribe(name: str) -> None:
    async with served(lambda request: shapes.NO_COMPLETION[name](request, "")) as url:
        with pytest.raises(ToolUnavailable):
            await transcribe_with_openai(Endpoints(openai_base_url=url))("sound.mp3", b"\xff\xfb")


async def test_the_failure_is_the_tool_s_when_there_is_no_model_or_it_takes_no_pictures() -> None:
    nowhere = ChatModels(endpoints=Endpoints(local_servers=[DEAD]))
    with pytest.raises(ToolUnavailable, match="no model is configured"):
        await look_through(nowhere)("what?", [RED])
    refusing = ScriptedChatModel([ValueError("Unsupported block type: image")])
    with pytest.raises(ToolUnavailable, match="Unsupported block type"):
        await look_through(ChatModels(executor=refusing))("what?", [RED])
    broken = ScriptedChatModel([KeyError("a bug")])
    with pytest.raises(ToolUnavailable, match="failed with KeyError: 'a bug'"):
        await look_through(ChatModels(executor=broken))("what?", [RED])


async def test_sound_reaches_the_server_under_its_name_with_the_key() -> None:
    async with ScriptedServer(lambda _: "good morning") as server:
        endpoints = Endpoints(openai_base_url=server.base_url, openai_api_key=SecretStr("sk-mine"))
        assert await transcribe_with_openai(endpoints)("sound.mp3", b"\xff\xfb\x00") == "good morning"
    assert server.requests == [{"model": "whisper-1", "file_name": "sound.mp3", "file": b"\xff\xfb\x00"}]
    assert server.keys == ["Bearer sk-mine"]


@pytest.mark.parametrize("name", ["openai:hearing", "hearing"])
async def test_the_named_model_hears_and_no_key_is_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-shell")  # only settings read the environment
    async with ScriptedServer(lambda _: "hi") as server:
        await transcribe_with_openai(Endpoints(openai_base_url=server.base_url), name)("sound.wav", b"RIFF")
    assert (server.requests[0]["model"], server.keys) == ("hearing", ["Bearer none"])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Refusal(404, "no such model"), "whisper-1 .*no such model.*; work with what you have"),
        (Refusal(400, "Audio file might be corrupted"), "might be corrupted"),
        ({"choices": []}, "does not transcribe; the user should check OPENAI_BASE_URL"),
    ],
)
async def test_the_failure_says_what_to_do_when_the_server_does_not_hear(answer: Any, message: str) -> None:
    async with ScriptedServer(lambda _: answer) as server:
        transcribe = transcribe_with_openai(Endpoints(openai_base_url=server.base_url))
        with pytest.raises(ToolUnavailable, match=message):
            await transcribe("sound.mp3", b"x")


async def test_the_failure_is_the_tool_s_when_no_server_answers() -> None:
    with pytest.raises(ToolUnavailable, match="could not be transcribed"):
        await transcribe_with_openai(Endpoints(openai_base_url=DEAD))("sound.mp3", b"x")


def test_another_provider_s_model_is_refused_with_the_form_to_write() -> None:
    with pytest.raises(ValueError, match=r"MEMENTO_TRANSCRIBER=groq:whisper.*write openai:name"):
        transcribe_with_openai(Endpoints(), "groq:whisper")


def test_settings_name_what_sees_and_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Settings().vision, Settings().transcriber) == (None, None)
    monkeypatch.setenv("MEMENTO_VISION", "openai:gpt-4.1")
    monkeypatch.setenv("MEMENTO_TRANSCRIBER", "whisper-1")
    assert (Settings().vision, Settings().transcriber) == ("openai:gpt-4.1", "whisper-1")
