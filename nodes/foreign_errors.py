"""Exceptions raised by the host's models, judges, scorers and encoders: control flow passes, others are described."""

from langgraph.errors import GraphBubbleUp, is_invalid_resume

from memento.memory.errors import MementoError
from memento.nodes.errors import brief_reason, is_context_overflow
from memento.nodes.redaction import Redact


def is_control_flow(error: Exception) -> bool:
    """Whether an exception is control flow: an interrupt, a command, or a resume value to be given again."""
    return isinstance(error, GraphBubbleUp) or is_invalid_resume(error)


def told(error: Exception, redact: Redact) -> str:
    """Describe an error in one line without secrets: a named error's message, or type and message of any other."""
    reason = brief_reason(error, redact)
    return reason if isinstance(error, MementoError) and reason else f"{type(error).__name__}: {reason}"


def is_too_long(error: Exception) -> bool:
    """Whether a model's context window was exceeded; also when the provider's own words are hidden."""
    cause = error.__cause__ or error.__context__
    return is_context_overflow(error) or (isinstance(cause, Exception) and is_context_overflow(cause))
