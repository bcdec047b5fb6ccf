"""What CaseMiddleware keeps in an agent's state, and what it adds to one model call by it."""

from typing import Annotated, Any, Final, NotRequired, cast

from langchain.agents.middleware import AgentState, ModelRequest, ModelResponse
from langchain.agents.middleware.types import PrivateStateAttr
from langchain_core.messages import AIMessage, BaseMessage
from typing_extensions import TypedDict

from memento.integrations.langchain.attempts import with_cases

EVENT_ID: Final = "case_event_id"
"""Key of an AI message's `response_metadata` under which its reading's event id is."""


class CaseRun(TypedDict):
    """What the middleware knows of one task, in the agent's state under `case_run`."""

    question: str
    """Id of the task's human message."""
    task: str
    event_id: str | None
    """Id of the reading: give it to `CaseMemory.feedback`. None: the memory could not be read."""
    namespace: str | None
    key: NotRequired[str]
    """Of the task, where its text is not its identity."""
    cases: str
    """The cases as models are shown them; empty when none were served."""
    is_recorded: bool
    """Whether the agent has ended and its attempt was handed to the memory."""
    case_id: str | None
    """The attempt's case; None while its reward is not known."""
    notices: list[str]
    """What the host should know: why there are no cases, or why the attempt was not remembered."""


class CaseAgentState(AgentState[Any]):
    """State of an agent with this middleware."""

    case_run: NotRequired[Annotated[CaseRun | None, PrivateStateAttr]]


def open_run(request: ModelRequest[Any]) -> CaseRun | None:
    """The task that a model call is for; None where there is none, or the agent has ended."""
    run = cast("CaseAgentState", request.state).get("case_run")
    return None if run is None or run["is_recorded"] else run


def shown_cases(request: ModelRequest[Any], run: CaseRun | None) -> ModelRequest[Any]:
    """The request with the cases in front of the task; the given one is left as it is."""
    if run is None or not run["cases"]:
        return request
    return request.override(messages=with_cases(request.messages, run["question"], run["cases"]))


def marked(response: ModelResponse[Any], run: CaseRun | None) -> ModelResponse[Any]:
    """The response with the event id in its AI messages, for hosts that see only these."""
    if run is None or run["event_id"] is None:
        return response
    mark = {EVENT_ID: run["event_id"]}
    result: list[BaseMessage] = [
        one.model_copy(update={"response_metadata": one.response_metadata | mark})
        if isinstance(one, AIMessage)
        else one
        for one in response.result
    ]
    return ModelResponse(result=result, structured_response=response.structured_response)
