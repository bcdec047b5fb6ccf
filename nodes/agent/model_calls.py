"""Every model call of an agent: within its deadline and budgets, and the last one an answer."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias, cast

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse, ModelRetryMiddleware
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage
from langgraph.config import get_config

from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.agent.loops import CUT_FROM, HINT_FROM, turns_in_circle
from memento.nodes.agent.notes import (
    EMPTY_REPLY,
    IN_CIRCLES,
    NOTHING_SAID,
    SUMMARY_SYSTEM,
    best_so_far,
    last_call,
    with_note,
)
from memento.nodes.agent.replies import ids_of, usable, without_calls
from memento.nodes.agent.window import fitted, shrunk, window_tokens
from memento.nodes.agent.work import Work, work_of
from memento.nodes.errors import InvalidReply, ModelUnavailable, as_model_error, brief_reason, is_context_overflow
from memento.nodes.redaction import shown_error

ENDED_BY: Final = "memento_ended_by"
"""Metadata of a reply that ended a subtask early: what ended it."""

ModelCall: TypeAlias = Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]


class ModelCalls(AgentMiddleware[Any]):
    """Asks the model while there is budget, and once more, without tools, when there is none left."""

    async def awrap_model_call(self, request: ModelRequest[Any], handler: ModelCall) -> ModelResponse[Any]:
        """Ask; an empty reply is asked for again.

        Raises:
            ModelError: the model cannot be asked.
        """
        work = work_of(get_config())
        try:
            return await self._asked(request, handler, work)
        except Exception as error:
            refused = as_model_error(error)
            if refused is None:
                raise
            shown = shown_error(refused, error, work.redact)
            raise shown from (error if shown is refused else None)

    async def _asked(self, request: ModelRequest[Any], handler: ModelCall, work: Work) -> ModelResponse[Any]:
        work.catch_up(request.messages)
        asked = _Asked(request, handler, work)
        n_circle = turns_in_circle(request.messages)
        why = "loop" if n_circle >= CUT_FROM else work.ended_by()
        # Where there are no tools, every reply is an answer, and the first one is the last.
        if why and (request.tools or why != "max_model_calls"):
            return _response(await asked.last(why))
        notes = [IN_CIRCLES] if n_circle >= HINT_FROM else []
        reply, ended_by = await asked.reply(notes)
        if ended_by or not _is_empty(reply) or work.ended_by(n_calls=1):
            return _response(reply)
        if why := work.ended_by():
            return _response(await asked.last(why))
        nothing = without_calls(reply, empty=NOTHING_SAID)
        again, _ = await asked.reply([*notes, EMPTY_REPLY], after=nothing)
        return _response(nothing, HumanMessage(EMPTY_REPLY), again)


class _Asked:
    """One model call, from the agent's request to the reply."""

    def __init__(self, request: ModelRequest[Any], handler: ModelCall, work: Work) -> None:
        self._request = request
        self._handler = handler
        self._work = work

    async def reply(self, notes: Sequence[str], *, after: BaseMessage | None = None) -> tuple[BaseMessage, str]:
        """The model's reply, and what ended the subtask with it, if anything did.

        Args:
            notes: said after the conversation.
            after: what the model has said since.
        """
        asked = [*self._request.messages, *([after] if after else [])]
        for is_short in (False, True):
            try:
                messages = shrunk(asked) if is_short else await self._fitted(asked)
                if (why := self._work.ended_by()) and self._work.summary:  # making the summary may have spent the rest
                    break
                for note in notes:
                    messages = with_note(messages, note)
                return await self._call(messages, self._work.seconds_left()), ""
            except DeadlinePassed:
                why = self._work.seconds_ended_by()
            except Exception as error:
                why = _ended_by_error(error)
                if not why:
                    raise
            if why != "context" or self._work.ended_by():
                break
        return await self.last(why), why

    async def last(self, why: str) -> BaseMessage:
        """The answer there is, marked as cut short: the model's, or what can be said without it."""
        asked, detail = self._request.messages, ""
        try:
            shown = shrunk(asked) if why == "context" else await self._fitted(asked, can_ask=False)
            reply = without_calls(
                await self._call(with_note(shown, last_call(why)), self._work.grace(), has_tools=False)
            )
        except DeadlinePassed:
            reply = AIMessage("")
        except Exception as error:
            # Whatever keeps the model from answering now, there is something to show for the work so far.
            if as_model_error(error) is None and not _ended_by_error(error):
                raise
            reply, detail = AIMessage(""), brief_reason(error, self._work.redact)
        text = reply.text or best_so_far(asked, why, detail)
        marks = {**reply.response_metadata, ENDED_BY: why}
        return reply.model_copy(update={"content": text, "response_metadata": marks})

    async def _fitted(self, messages: Sequence[BaseMessage], *, can_ask: bool = True) -> list[BaseMessage]:
        n_tokens = window_tokens(self._request.model)
        return await fitted(messages, self._work, n_tokens=n_tokens, summarise=self._summary if can_ask else _none)

    async def _summary(self, protocol: str) -> str:
        if self._work.ended_by():
            return ""
        asked = self._request.override(system_message=SystemMessage(SUMMARY_SYSTEM))
        try:
            reply = await self._call([HumanMessage(protocol)], self._work.seconds_left(), has_tools=False, of=asked)
        except Exception as error:
            if not _ended_by_error(error):
                raise
            return ""
        return reply.text.strip()

    async def _call(
        self,
        messages: Sequence[BaseMessage],
        seconds: float,
        *,
        has_tools: bool = True,
        of: ModelRequest[Any] | None = None,
    ) -> BaseMessage:
        """One call, counted; its reply as it can be sent back."""
        request = (of or self._request).override(messages=cast("list[AnyMessage]", list(messages)))
        self._work.begin_model_call()
        request = request if has_tools else request.override(tools=[])
        try:
            response = await within(seconds, _made(self._handler, request))
        except Abandoned:
            raise ModelUnavailable("the model's call was cancelled") from None
        reply = response.result[-1] if response.result else AIMessage("")
        if isinstance(reply, AIMessage):
            self._work.count_reply(reply)
        return usable(reply, ids_of([*self._request.messages, *messages]))


def asking_again() -> ModelRetryMiddleware:
    """Asks a model that did not answer up to three times, without repeating the tool calls made so far."""
    return ModelRetryMiddleware(
        max_retries=2, retry_on=_is_unavailable, on_failure="error", initial_delay=0.5, backoff_factor=2.0
    )


def ended_by(message: BaseMessage) -> str:
    """What ended the subtask with this reply early; empty when it is the result that was wanted."""
    return str(message.response_metadata.get(ENDED_BY, ""))


async def _made(handler: ModelCall, request: ModelRequest[Any]) -> ModelResponse[Any]:
    return await handler(request)


async def _none(_protocol: str) -> str:
    return ""


def _response(*messages: BaseMessage) -> ModelResponse[Any]:
    return ModelResponse(result=list(messages))


def _ended_by_error(error: Exception) -> str:
    """What an error ends a subtask with, and not the run; empty for all others."""
    if isinstance(error, InvalidReply):
        return "reply"
    return "context" if is_context_overflow(error) else ""


def _is_unavailable(error: Exception) -> bool:
    return isinstance(as_model_error(error), ModelUnavailable)


def _is_empty(reply: BaseMessage) -> bool:
    return not (isinstance(reply, AIMessage) and reply.tool_calls) and not reply.text.strip()
