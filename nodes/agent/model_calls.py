"""Middleware around an agent's model calls: deadlines, budgets, and a final call that must answer."""

from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse, ModelRetryMiddleware
from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.config import get_config

from memento.nodes.agent.loop_detection import CUT_FROM, HINT_FROM, turns_in_circle
from memento.nodes.agent.notes import EMPTY_REPLY, IN_CIRCLES, NOTHING_SAID
from memento.nodes.agent.turn import ENDED_BY, AgentTurn, ModelCall, settled
from memento.nodes.agent.work import work_of
from memento.nodes.errors import ModelUnavailable, as_model_error
from memento.nodes.replies.endings import EndingsSeen
from memento.nodes.replies.sanitise import without_calls


class ModelCalls(AgentMiddleware[Any]):
    """Calls the model while there is budget, then once more without tools for the final answer."""

    def __init__(self) -> None:
        """Start without knowledge of how the model's server ends its streams."""
        super().__init__()
        self._endings = EndingsSeen()

    async def awrap_model_call(self, request: ModelRequest[Any], handler: ModelCall) -> ModelResponse[Any]:
        """Call the model; an empty, unfinished or text-written tool call is asked for again once.

        Raises:
            ModelError: the model cannot be asked.
        """
        work = work_of(get_config())
        work.catch_up(request.messages)
        asked = AgentTurn(request, handler, work, self._endings)
        n_circle = turns_in_circle(request.messages)
        why = "loop" if n_circle >= CUT_FROM else work.ended_by()
        # Where there are no tools, every reply is an answer, and the first one is the last.
        if why and (request.tools or why != "max_model_calls"):
            return _response(await asked.last(why))
        notes = [IN_CIRCLES] if n_circle >= HINT_FROM else []
        reply, ended_by = await asked.reply(notes)
        if ended_by or reply.message.tool_calls:
            return _response(reply.message)
        if reply.is_unfinished:
            return _response(*await asked.gone_on(reply))
        if not (reply.is_empty or reply.problem) or reply.ending == "refusal" or work.ended_by(n_calls=1):
            return _response(settled(reply))
        if why := work.ended_by():
            return _response(await asked.last(why))
        said = without_calls(reply.message, empty=NOTHING_SAID)
        note = reply.problem or EMPTY_REPLY
        again, ended_by = await asked.reply([*notes, note], after=said)
        return _response(said, HumanMessage(note), again.message if ended_by else settled(again))


def asking_again() -> ModelRetryMiddleware:
    """Middleware that calls a failing model up to three times in all, without repeating earlier tool calls."""
    return ModelRetryMiddleware(
        max_retries=2, retry_on=_is_unavailable, on_failure="error", initial_delay=0.5, backoff_factor=2.0
    )


def ended_by(message: BaseMessage) -> str:
    """Return what ended the subtask early with this reply; empty for a regular result."""
    return str(message.response_metadata.get(ENDED_BY, ""))


def _response(*messages: BaseMessage) -> ModelResponse[Any]:
    return ModelResponse(result=list(messages))


def _is_unavailable(error: Exception) -> bool:
    return isinstance(as_model_error(error), ModelUnavailable)
