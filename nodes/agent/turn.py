"""One turn of an agent: a model call, continued when cut off, until a reply ends the turn or the subtask."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias, cast

from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage

from memento.nodes.agent.deadlines import Abandoned, DeadlinePassed, within
from memento.nodes.agent.notes import (
    GO_ON,
    NOTHING_SAID,
    NOTHING_YET,
    SUMMARY_SYSTEM,
    WHY_ENDED,
    best_so_far,
    last_call,
    with_note,
)
from memento.nodes.agent.outages import NO_ANSWER
from memento.nodes.agent.window import fitted, shrunk, window_tokens
from memento.nodes.agent.work import Work
from memento.nodes.errors import (
    ContentFiltered,
    InvalidReply,
    ModelError,
    ModelFailed,
    ModelUnavailable,
    brief_reason,
    is_context_overflow,
)
from memento.nodes.replies.call_model import model_reply, on_live_connection
from memento.nodes.replies.endings import EndingsSeen
from memento.nodes.replies.model_reply import ModelReply, is_quoted, read_reply
from memento.nodes.replies.pieces import joined
from memento.nodes.replies.sanitise import ids_of, sanitised, unreadable, without_calls
from memento.nodes.replies.streaming import unstreamed
from memento.nodes.replies.text_calls import NOT_A_CALL

ENDED_BY: Final = "memento_ended_by"
"""Metadata of a reply that ended a subtask early: what ended it."""

ModelCall: TypeAlias = Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]


class AgentTurn:
    """One model call, from the agent's request to the reply."""

    def __init__(self, request: ModelRequest[Any], handler: ModelCall, work: Work, endings: EndingsSeen) -> None:
        self._request = request
        self._handler = handler
        self._work = work
        self._endings = endings

    async def reply(self, notes: Sequence[str], *, after: BaseMessage | None = None) -> tuple[ModelReply, str]:
        """Return the model's reply, and what ended the subtask with it, if anything.

        Args:
            notes: said after the conversation.
            after: what the model has said since.

        Raises:
            ModelError: the model cannot be asked.
        """
        asked, detail = [*self._request.messages, *([after] if after else [])], ""
        for is_short in (False, True):
            try:
                messages = shrunk(asked) if is_short else await self._fitted(asked)
                if (why := self._work.ended_by()) and self._work.summary:  # making the summary may have spent the rest
                    break
                for note in notes:
                    messages = with_note(messages, note)
                # A stream loses the words of a refusal: what was empty is asked for in one piece.
                return await self._call(messages, self._work.seconds_left(), is_streamed=after is None), ""
            except DeadlinePassed:
                why = self._work.seconds_ended_by()
            except Exception as error:
                why, detail = _ended_by_error(error), brief_reason(_original(error), self._work.redact)
                if not why:
                    raise
            if why != "context" or self._work.ended_by():
                break
        return ModelReply(await self.last(why, detail), ""), why

    async def gone_on(self, first: ModelReply) -> list[BaseMessage]:
        """Ask the model once to continue an unfinished reply, and join the pieces."""
        why = "interrupted" if first.ending == "unended" else first.ending
        if self._work.ended_by(n_calls=1):
            return [ended_early(first.message, why)]
        said = without_calls(first.message, empty=NOTHING_SAID)
        note = NOTHING_YET if why == "length" and not first.text else GO_ON[why]
        has_tools = not self._work.ended_by()
        try:
            messages = with_note([*await self._fitted(self._request.messages, can_ask=False), said], note)
            second = await self._call(messages, self._work.seconds_left(), has_tools=has_tools)
        except Exception as error:
            if not isinstance(error, DeadlinePassed | ModelError | InvalidReply) or isinstance(error, ModelFailed):
                raise
            # Half a result is one.
            return [ended_early(first.message, NO_ANSWER if _is_silence(error) else why)]
        if second.message.tool_calls and has_tools:
            return [said, HumanMessage(note), second.message]
        text = joined(first.message.text, second.message.text)
        whole = without_calls(second.message).model_copy(update={"content": text})
        reread = read_reply(whole, self._offered())  # a call that was cut in two
        if has_tools and reread.message.tool_calls and not is_quoted(reread.written, messages):
            return [said, HumanMessage(note), reread.message]
        if not second.text or second.problem or reread.problem or reread.written:
            return [said, HumanMessage(note), ended_early(whole, why)]
        return [said, HumanMessage(note), settled(second._replace(message=whole))]

    async def last(self, why: str, detail: str = "") -> AIMessage:
        """Return the final answer, marked as cut short: the model's, or a substitute made without it."""
        asked = self._request.messages
        if why == "filter":  # what was refused would be refused again
            said = best_so_far(asked, why, detail)
            return ended_early(AIMessage(said if detail in said else f"{said}\n\n({WHY_ENDED[why]}: {detail})"), why)
        try:
            shown = shrunk(asked) if why == "context" else await self._fitted(asked, can_ask=False)
            reply = await self._call(with_note(shown, last_call(why)), self._work.grace(), has_tools=False)
            message = without_calls(reply.message)
        except (DeadlinePassed, ModelError, InvalidReply) as error:
            # Whatever keeps the model from answering now, there is something to show for the work so far.
            if isinstance(error, ModelFailed):
                raise
            is_silence, is_late = _is_silence(error), isinstance(error, DeadlinePassed)
            detail = WHY_ENDED[NO_ANSWER] if is_late else brief_reason(_original(error), self._work.redact)
            said = best_so_far(asked, why, detail)
            return ended_early(AIMessage(said), NO_ANSWER if is_silence else why)
        text = message.text or best_so_far(asked, why)
        return ended_early(message.model_copy(update={"content": text}), why)

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
        return "" if reply.ending == "refusal" else reply.text

    async def _call(
        self,
        messages: Sequence[BaseMessage],
        seconds: float,
        *,
        has_tools: bool = True,
        is_streamed: bool = True,
        of: ModelRequest[Any] | None = None,
    ) -> ModelReply:
        """Make one call and count it; the reply is sanitised."""
        request = (of or self._request).override(messages=cast("list[AnyMessage]", list(messages)))
        self._work.begin_model_call()
        request = request if has_tools else request.override(tools=[])
        if not is_streamed:
            request = request.override(model_settings={**request.model_settings, **unstreamed(request.model)})
        made = on_live_connection(partial(_made, self._handler, request))
        call = model_reply(made, tools=self._offered(), redact=self._work.redact)
        try:
            reply = await within(seconds, call)
        except Abandoned:
            raise ModelUnavailable("the model's call was cancelled") from None
        self._work.count_reply(reply.message)
        return self._judged(reply, [*self._request.messages, *messages])

    def _offered(self) -> list[str]:
        return [name for tool in self._request.tools if (name := _name(tool))]

    def _judged(self, reply: ModelReply, shown: Sequence[BaseMessage]) -> ModelReply:
        """Sanitise the reply, and classify its ending by what is known of the server."""
        if reply.written and is_quoted(reply.written, shown):
            text = f"{reply.message.text}\n{reply.written}".strip()
            said = without_calls(reply.message).model_copy(update={"content": text})
            reply = ModelReply(said, reply.ending, NOT_A_CALL)
        is_broken_off = self._endings.is_broken_off(reply.ending)
        message = reply.message
        if is_broken_off and message.tool_calls:
            message = unreadable(message)
        ending = reply.ending if reply.ending != "unended" or is_broken_off else ""
        return reply._replace(message=sanitised(message, ids_of(shown)), ending=ending)


def settled(reply: ModelReply) -> AIMessage:
    """Mark a reply that ends the subtask with what keeps it from being a regular result."""
    if reply.ending:
        return ended_early(reply.message, "interrupted" if reply.ending == "unended" else reply.ending)
    return ended_early(reply.message, "reply") if reply.problem else reply.message


def ended_early(message: AIMessage, why: str) -> AIMessage:
    """Mark a reply with what ended the subtask early."""
    return message.model_copy(update={"response_metadata": {**message.response_metadata, ENDED_BY: why}})


async def _made(handler: ModelCall, request: ModelRequest[Any]) -> BaseMessage:
    response = await handler(request)
    return response.result[-1] if response.result else AIMessage("")


async def _none(_protocol: str) -> str:
    return ""


def _name(tool: Any) -> str:
    """Return the name of a tool; a provider-side tool has none."""
    return str(getattr(tool, "name", None) or (tool.get("name") if isinstance(tool, dict) else None) or "")


def _ended_by_error(error: Exception) -> str:
    """Return what an error ends the subtask with, instead of the run; empty for all others."""
    if isinstance(error, InvalidReply):
        return "reply"
    if isinstance(error, ContentFiltered):
        return "filter"
    return "context" if is_context_overflow(_original(error)) else ""


def _is_silence(error: Exception) -> bool:
    """Whether the model did not answer, or its provider would not let it; not so where an answer cannot be used."""
    return isinstance(error, DeadlinePassed) or (isinstance(error, ModelError) and not _ended_by_error(error))


def _original(error: Exception) -> Exception:
    cause = error.__cause__ or error.__context__  # where the provider's words are hidden, it is the context alone
    return cause if isinstance(error, ModelError) and isinstance(cause, Exception) else error
