"""Errors of the workflow's steps, and what happens after each.

    MementoError
    ├── InvalidTask (InvalidInput)              nothing to do, or too much of it; the run ends before it starts
    ├── InvalidAttachment (InvalidInput)        missing, unreadable, too large or outside the workspace
    ├── InvalidReply (ValueError)               the model was asked twice and never answered in the form asked for
    └── ModelError                              a chat model that cannot be asked
        ├── ModelUnavailable                    down, slow, throttled, 5xx; the node's retry policy asks again
        │   ├── NoCompletion                    a server answered, but not with a completion; asked again likewise
        │   └── ModelTimedOut                   the run's own time is up; can be resumed, is not asked again by itself
        ├── ModelRejected (ValueError)          key refused, quota spent, request refused; asking again cannot help
        │   ├── ContentFiltered                 the provider's content filter refused what it was to read
        │   └── TaskTooLong                     the task alone, without any case, is more than the model can read
        ├── ModelFailed                         the model's class raised an error of its own; the run can be resumed
        ├── UnknownModel (InvalidInput)         no such provider or name; the message shows a name that would work
        ├── NoModelConfigured (InvalidInput)    the message gives one command per way out
        └── LocalModelUnusable (InvalidInput)   weights or runtime missing or damaged; the message says what to install

The bases are chosen for LangGraph's default retry, which repeats a plain exception and never a `ValueError`: of all
these, only `ModelUnavailable` is worth another try.
"""

import re
from typing import Any

from memento.memory.errors import InvalidInput, MementoError
from memento.memory.reasons import brief_reason as brief_reason  # noqa: PLC0414  callers find it beside the errors
from memento.nodes.provider_errors import holds_reply, is_unread_reply, said_by

_TRANSIENT_STATUSES = frozenset({408, 409, 425, 429})
_NO_QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
# SDKs that give a lost connection no status code still agree on the names of its classes.
_TRANSIENT_NAMES = frozenset(
    {"APIConnectionError", "APITimeoutError", "TransportError", "ServiceUnavailable", "DeadlineExceeded"}
)
_NO_COMPLETION = "the server answered, but not with a completion ({})"
# Of llama.cpp, vLLM and OpenAI, Anthropic, Google, in this order.
_TOO_LONG = re.compile(r"(?i)context size|context length|prompt is too long|maximum number of tokens|context window")


class InvalidTask(InvalidInput):
    """The run's input has no task, or one that is too long."""


class InvalidAttachment(InvalidInput):
    """An attachment that cannot be used; the message names it."""


class InvalidReply(MementoError, ValueError):
    """A model's reply that does not have the requested form, after one retry that showed it the error.

    Attributes:
        raw: the start of the last reply, at most 500 characters.
        spent: the calls, counted: a `StructuredReply` whose value is None. None where nobody has counted them.
    """

    def __init__(self, reason: str, raw: str = "", *, spent: Any = None) -> None:
        super().__init__(f"the model's reply cannot be used: {reason}")
        self.raw = raw[:500]
        self.spent = spent


class ModelError(MementoError):
    """Base of failures of a chat model itself, as opposed to faults in what it says."""


class ModelUnavailable(ModelError):
    """The model did not answer (connection lost, slow, throttled, 5xx); the same call may succeed later."""


class ModelTimedOut(ModelUnavailable):
    """The model did not answer within the run's time limit, all attempts together."""


class NoCompletion(ModelUnavailable):
    """A server answered without a completion: an error inside a 200, no choices, HTML, a truncated body."""


class ModelRejected(ModelError, ValueError):
    """The provider refused the call (key, quota, request too long or malformed); a retry cannot help.

    Attributes:
        status: the HTTP status, when there was one.
    """

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class TaskTooLong(ModelRejected):
    """The task alone is longer than the planner's context window."""

    def __init__(self) -> None:
        super().__init__(
            "the task is longer than the planner's model can read, even without any case beside it; "
            "make it shorter, give its long parts as attached files, or name a model that reads more"
        )


class ContentFiltered(ModelRejected):
    """The provider's content filter refused the request.

    A subtask ends with it, and the run goes on; a planner's own call ends the run.
    """


class ModelFailed(ModelError):
    """The model class raised an unexpected error, neither a refusal nor an outage: mostly a bug in that class."""


class UnknownModel(ModelError, InvalidInput):
    """A model name for which no provider is installed."""


class NoModelConfigured(ModelError, InvalidInput):
    """No model was named, no key or server is configured, and no local server answers."""

    def __init__(self) -> None:
        super().__init__(
            "no model is configured; any one of these is enough:\n"
            "  export OPENAI_API_KEY=sk-...                     OpenAI\n"
            "  export OPENAI_BASE_URL=http://host:port/v1       any server that speaks OpenAI's protocol\n"
            "  ollama pull qwen3:4b                             a local server (llama-server and LM Studio work too)\n"
            "  export MEMENTO_LOCAL_MODEL=/path/to/model.gguf   your own GGUF, run inside this process\n"
            "  memento ask --model local 'your task'            the packaged 135M model: a demonstration, not a brain"
        )


class LocalModelUnusable(ModelError, InvalidInput):
    """An in-process model that cannot run: weights or runtime missing, damaged or refused."""


def as_model_error(error: Exception) -> ModelError | None:
    """Translate a provider's exception into a `ModelError`, whichever SDK it comes from.

    Args:
        error: anything raised by a chat model's call.

    Returns:
        `ModelUnavailable` or `ModelRejected`, or None when the error is not the provider's (a bug, an unusable reply).
    """
    if isinstance(error, ModelError):
        return error
    if holds_reply(error):
        return None
    said = said_by(error)
    status = said.http_status or said.status
    reason = f"{type(error).__name__}: {brief_reason(error)}"
    if said.message and said.http_status is None:  # of an error inside a 200, the exception itself tells nothing
        message = brief_reason(Exception(said.message))
        reason = f"error {status}: {message}" if status and status >= 400 else message
    if said.codes & _NO_QUOTA:
        return ModelRejected(reason, status)  # a 429 that no waiting cures
    if said.is_filter:
        return ContentFiltered(reason, status)
    if status is not None and status >= 400:
        is_transient = status in _TRANSIENT_STATUSES or status >= 500
        if not is_transient:
            return ModelRejected(reason, status)
        return ModelUnavailable(reason) if said.http_status else NoCompletion(_NO_COMPLETION.format(reason))
    if status is not None or said.has_error_body:
        return NoCompletion(_NO_COMPLETION.format(reason))
    names = {base.__name__ for base in type(error).__mro__}
    if isinstance(error, TimeoutError | ConnectionError) or names & _TRANSIENT_NAMES:
        return ModelUnavailable(reason)
    # LangChain's own classification, which its provider packages mix into the SDK's classes.
    if "ModelError" in names:
        return ModelUnavailable(reason) if getattr(error, "is_retryable", False) else ModelRejected(reason)
    return NoCompletion(_NO_COMPLETION.format(reason)) if is_unread_reply(error) else None


def is_context_overflow(error: Exception) -> bool:
    """Whether a provider refused a call because the conversation exceeds its context window."""
    # LangChain's class is not raised for every server that says so.
    named = any(base.__name__ == "ContextOverflowError" for base in type(error).__mro__)
    said = said_by(error)
    if named or "context_length_exceeded" in said.codes:
        return True
    is_refusal = isinstance(error, ModelRejected) or (said.http_status or said.status) in (400, 413, 422)
    return is_refusal and _TOO_LONG.search(brief_reason(error)) is not None
