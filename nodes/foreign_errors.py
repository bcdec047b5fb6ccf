"""Exceptions of models, judges, scorers and encoders of others: which steer the graph, and how the rest is told."""

from langgraph.errors import GraphBubbleUp, is_invalid_resume

from memento.memory.errors import MementoError
from memento.nodes.errors import brief_reason, is_context_overflow
from memento.nodes.redaction import Redact


def is_control_flow(error: Exception) -> bool:
    """Whether an exception is no failure: an interrupt, a command, or a person's reply that must be given again."""
    return isinstance(error, GraphBubbleUp) or is_invalid_resume(error)


def told(error: Exception, redact: Redact) -> str:
    """One line for the user, without secrets: the words of a named error, or the kind of any other and its message."""
    reason = brief_reason(error, redact)
    return reason if isinstance(error, MementoError) and reason else f"{type(error).__name__}: {reason}"


def is_too_long(error: Exception) -> bool:
    """Whether a model was asked more than it can read; also where the provider's own words are not shown."""
    cause = error.__cause__ or error.__context__
    return is_context_overflow(error) or (isinstance(cause, Exception) and is_context_overflow(cause))
