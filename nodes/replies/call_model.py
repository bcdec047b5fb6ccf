"""Awaits one chat model call, parses its reply, and maps failures to named errors.

a reply                                          `ModelReply`, whatever is wrong with it
an exception that holds a reply                  the same
an outage, throttling, no completion             `ModelUnavailable`; asking again may help
a refusal of the request                         `ModelRejected`, `ContentFiltered`
an error of the model's class itself             `ModelFailed`
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, NoReturn, TypeVar

from langchain_core.messages import AIMessage
from langgraph.errors import GraphBubbleUp, is_invalid_resume

from memento.nodes.errors import InvalidReply, ModelError, ModelFailed, as_model_error, brief_reason
from memento.nodes.redaction import Redact, shown_error
from memento.nodes.replies.model_reply import ModelReply, read_reply
from memento.nodes.replies.within_errors import reply_within

_MAX_DEAD_CONNECTIONS: Final = 32

T = TypeVar("T")


async def model_reply(call: Awaitable[Any], *, tools: Collection[str] = (), redact: Redact = str) -> ModelReply:
    """Await a call and parse its reply.

    Args:
        call: gives the model's message, or a dict of the message as `raw` and the object as `parsed`.
        tools: names of the tools that the model was offered.
        redact: takes secrets out of what the provider says.

    Raises:
        ModelError: there is no reply.
        InvalidReply: the model's class itself refuses the reply.
    """
    parsed = None
    try:
        message = await call
        if isinstance(message, dict):  # LangChain's structured output with its raw reply
            message, parsed = message["raw"], message.get("parsed")
    except Exception as error:  # noqa: BLE001  raised again, under its name
        message = reply_within(error)
        if message is None:
            raise_named(error, redact)
    if not isinstance(message, AIMessage):
        raise ModelFailed(f"the model's class gave a {type(message).__name__} instead of a message")
    return read_reply(message, tools)._replace(parsed=parsed)


async def on_live_connection(ask: Callable[[], Awaitable[T]]) -> T:
    """Make a call, and again where it met a connection of an event loop that has ended.

    A client that a host keeps from one `asyncio.run` to the next also keeps connections of the former, each of which
    fails once and is dropped.
    """
    for _ in range(_MAX_DEAD_CONNECTIONS):
        try:
            return await ask()
        except RuntimeError as error:
            if str(error) != "Event loop is closed":
                raise
    return await ask()


def named(error: Exception) -> ModelError:
    """Map any exception of a client library to a named error."""
    said = f"{type(error).__name__}: {brief_reason(error)}".removesuffix(": ")
    return as_model_error(error) or ModelFailed(f"the model's class failed with {said}")


def raise_named(error: Exception, redact: Redact = str) -> NoReturn:
    """Raise the named error of a failed call; control flow and refused replies pass unchanged.

    Raises:
        ModelError: always, but for those.
    """
    if isinstance(error, GraphBubbleUp | InvalidReply) or is_invalid_resume(error):
        raise error
    refused = named(error)
    shown = shown_error(refused, error, redact)
    if shown is error:
        raise error
    raise shown from (error if shown is refused else None)
