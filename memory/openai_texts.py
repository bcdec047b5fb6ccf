"""Client of OpenAI-compatible embedding endpoints (OpenAI, Ollama, vLLM, llama-server, TEI): sends texts, no token ids.

Token ids need a vocabulary, which other servers do not share and which is downloaded; every server takes texts.
"""

import asyncio
import json
from typing import TYPE_CHECKING, Any

from memento.memory.errors import EncoderUnavailable, InvalidInput
from memento.memory.places import parse_http_url

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_OPENAI_URL = "https://api.openai.com/v1"
_TIMEOUT_S = 60.0
_MAX_RETRIES = 2


class EmbeddingRefused(Exception):
    """The server answered a request with status 200 and no vectors.

    Attributes:
        status_code: the status that the body names, if it does.
    """

    def __init__(self, reason: str, status_code: int | None = None) -> None:
        super().__init__(reason)
        self.status_code = status_code


class OpenAITexts:
    """Embeddings of one model behind `POST {base_url}/embeddings`; has the method of LangChain's `Embeddings`.

    Throttling (429), 5xx and lost connections are tried again by the client library, which waits as the server says.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout_s: float = _TIMEOUT_S,
        max_retries: int = _MAX_RETRIES,
    ) -> None:
        """Prepare; nothing is opened before the first call.

        Args:
            model: its name at the server.
            base_url: of the API, such as `http://127.0.0.1:11434/v1`; OPENAI_BASE_URL or OpenAI's own by default.
            api_key: OPENAI_API_KEY by default; a server other than OpenAI's needs none.
            timeout_s: limit of one request in seconds.
            max_retries: further tries of a request that failed for a passing reason.

        Raises:
            InvalidInput: the base URL does not parse.
        """
        if base_url is not None:
            base_url = parse_http_url(base_url, "the base URL of the embeddings")
        self.model = model
        self._options: dict[str, Any] = {"timeout": timeout_s, "max_retries": max_retries}
        self._base_url = base_url
        self._api_key = api_key
        self._client: AsyncOpenAI | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def place(self) -> str:
        """The server's base URL, as far as it is known."""
        return str(self._client.base_url) if self._client is not None else self._base_url or ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Secrets to redact from messages."""
        key = self._client.api_key if self._client is not None else self._api_key
        return (key,) if key else ()

    async def aembed_documents(self, texts: list[str]) -> list[Any]:
        """One vector for each text, in their order, as the server sent them.

        Raises:
            EncoderUnavailable: there is neither a key nor a base URL.
            EmbeddingRefused: the answer holds an error, or is no answer to such a request.
            openai.OpenAIError: the request failed.
        """
        client = await self._connected()
        response = await client.embeddings.with_raw_response.create(
            model=self.model, input=texts, encoding_format="float"
        )
        return _vectors(response.http_response.content)

    async def aclose(self) -> None:
        """Close the connections; a later call opens new ones."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.close()

    async def _connected(self) -> "AsyncOpenAI":
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:  # connections belong to the loop that opened them
            client = await asyncio.to_thread(self._connect)
            if self._client is None or self._loop is not loop:
                self._client, self._loop = client, loop
        return self._client

    def _connect(self) -> "AsyncOpenAI":
        """Make the client. Runs in a thread: it reads certificates, and importing the library takes a second."""
        from openai import AsyncOpenAI, OpenAIError

        def made(base_url: str | None) -> tuple[AsyncOpenAI, bool]:
            try:
                return AsyncOpenAI(base_url=base_url, api_key=self._api_key, **self._options), True
            except OpenAIError:  # the library demands a key, other servers than OpenAI's do not
                return AsyncOpenAI(base_url=base_url, api_key="none", **self._options), False

        client, has_key = made(self._base_url)
        if not str(client.base_url).strip(" /"):  # the variable is there and blank: the same as not there
            client, has_key = made(_OPENAI_URL)
        try:
            parse_http_url(str(client.base_url), "OPENAI_BASE_URL")
        except InvalidInput as error:  # the library reads the variable itself
            raise EncoderUnavailable(str(error)) from None
        if not has_key and client.base_url.host == "api.openai.com":
            raise EncoderUnavailable(
                f"encoder 'openai:{self.model}' needs a key: set OPENAI_API_KEY, "
                "or OPENAI_BASE_URL to a server that asks for none"
            )
        return client


def _vectors(content: bytes) -> list[Any]:
    try:
        answer = json.loads(content)
    except ValueError as error:
        start = content[:60].decode("utf-8", "replace")
        raise EmbeddingRefused(
            f"the answer is not JSON but begins with {start!r}; the base URL should end where the server's API "
            "begins, mostly in /v1"
        ) from error
    if not isinstance(answer, dict):
        raise EmbeddingRefused(f"the answer is a JSON {type(answer).__name__}, not an object with vectors")
    if answer.get("error"):
        raise _refusal(answer["error"])
    entries = answer.get("data")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise EmbeddingRefused(f"the answer holds no list of vectors, only {', '.join(map(str, answer))[:100] or '{}'}")
    if all(isinstance(entry.get("index"), int) for entry in entries):
        entries = sorted(entries, key=lambda entry: entry["index"])
    return [entry.get("embedding") for entry in entries]


def _refusal(error: object) -> EmbeddingRefused:
    said = error if isinstance(error, dict) else {"message": error}
    code = said.get("code")
    return EmbeddingRefused(str(said.get("message") or said), code if isinstance(code, int) else None)
