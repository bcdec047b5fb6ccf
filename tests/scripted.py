"""Doubles for the whole suite: a chat model that follows a script, and a loopback server of the OpenAI protocol."""

import json
import threading
from collections.abc import Callable, Sequence
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple, NoReturn, TypeAlias

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from tests.embedding_server import vectors
from tests.loopback_server import LoopbackServer

Reply: TypeAlias = str | AIMessage | Exception
Script: TypeAlias = Callable[[list[BaseMessage]], Reply]


class Call(NamedTuple):
    """What one call showed the model."""

    messages: list[BaseMessage]
    tools: list[dict[str, Any]]
    """The tools bound, in OpenAI's form."""
    kwargs: dict[str, Any]

    @property
    def text(self) -> str:
        return "\n".join(message.text for message in self.messages)


class ScriptedChatModel(BaseChatModel):
    """Answers from a script and records what it was shown in `calls`.

    Without native structured output, so that `StructuredCaller` asks it in plain text: a reply is then simply JSON.
    """

    _replies: list[Reply | Script] | Script = PrivateAttr()
    _calls: list[Call] = PrivateAttr(default_factory=list)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    def __init__(self, replies: Sequence[Reply | Script] | Script) -> None:
        super().__init__()
        self._replies = replies if callable(replies) else list(replies)

    @property
    def calls(self) -> list[Call]:
        return self._calls

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with self._lock:
            self._calls.append(Call(list(messages), kwargs.pop("tools", []), kwargs))
            reply = self._next(len(self._calls))
        if callable(reply):
            reply = reply(list(messages))
        if isinstance(reply, Exception):
            raise reply
        message = reply.model_copy() if isinstance(reply, AIMessage) else AIMessage(reply)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _next(self, number: int) -> Reply | Script:
        if callable(self._replies):
            return self._replies
        if number > len(self._replies):
            raise AssertionError(f"the script holds {len(self._replies)} replies, but this is call number {number}")
        return self._replies[number - 1]

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], tool_choice=tool_choice, **kwargs)

    def with_structured_output(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError("a scripted model answers in plain text")


class Refusal(NamedTuple):
    """An HTTP error."""

    status: int
    message: str
    code: str | None = None


class ScriptedServer(LoopbackServer):
    """A loopback server with `/v1/models`, `/v1/chat/completions` and `/v1/audio/transcriptions`.

    `answer` gets each request's body and returns the reply's text, the fields of its first choice, or a `Refusal`. The
    body of a transcription is its form: `model`, `file_name`, `file` (bytes); its reply is a text or a `Refusal`.
    With `embeds`, requests for embeddings are answered as by `EmbeddingServer`, and not recorded.
    """

    def __init__(
        self,
        answer: Callable[[dict[str, Any]], str | dict[str, Any] | Refusal],
        models: Sequence[str] = ("stub",),
        *,
        embeds: bool = False,
    ) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        """The `Authorization` of each request."""
        self._answer = answer
        self._models = models
        self._embeds = embeds
        super().__init__(self._make_responder())

    def _make_responder(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Responder(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(200, {"object": "list", "data": [{"id": name} for name in server._models]})

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                if server._embeds and self.path.endswith("/embeddings"):
                    found = vectors(json.loads(content)["input"])
                    self._send(found.status, found.body)
                    return
                is_sound = self.path.endswith("/audio/transcriptions")
                body = _form(content, self.headers["Content-Type"]) if is_sound else json.loads(content)
                server.requests.append(body)
                server.keys.append(self.headers["Authorization"])
                answer = server._answer(body)
                if isinstance(answer, Refusal):
                    self._send(answer.status, {"error": {"message": answer.message, "code": answer.code}})
                elif is_sound:
                    self._send(200, {"text": answer} if isinstance(answer, str) else answer)
                else:
                    self._send(200, _completion(answer, body))

            def _send(self, status: int, body: dict[str, Any]) -> None:
                payload = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *args: Any) -> None:
                pass

        return Responder


def _form(content: bytes, content_type: str) -> dict[str, Any]:
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + content)
    form: dict[str, Any] = {}
    for part in message.get_payload():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if part.get_filename():
            form |= {"file_name": part.get_filename(), name: value}
        else:
            form[name] = value.decode()
    return form


def _completion(answer: str | dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    fields = {"content": answer} if isinstance(answer, str) else dict(answer)
    finish_reason = fields.pop("finish_reason", "stop")
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": None, **fields},
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }
