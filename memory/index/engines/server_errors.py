"""Maps qdrant-client's exceptions to engine errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from memento.memory.errors import EngineError, EngineRejected, EngineThrottled, EngineUnavailable, IndexDamaged


@contextmanager
def named_errors(doing: str, *, secret: str | None, missing: type[EngineError] = IndexDamaged) -> Iterator[None]:
    """Convert exceptions of a request inside the block into named engine errors.

    Args:
        doing: who was asked for what, for the message.
        secret: a text that must not appear in a message (the server or a proxy may repeat what it was sent).
        missing: the error for a 404.

    Raises:
        EngineUnavailable: no answer in time, connection lost, or 5xx.
        EngineThrottled: 429.
        EngineRejected: any other 4xx, or a request the client itself refuses.
    """
    try:
        yield
    except TimeoutError as error:
        raise EngineUnavailable(f"{doing}: no answer in time") from error
    except (ApiException, QdrantException, ValueError) as error:
        named = _named(doing, error, missing)
        if secret:
            named.args = (str(named).replace(secret, "***"),)
        # the cause may hold what was sent, headers included, so it is not chained to a message that people log
        raise named from (None if secret else error)


def _named(doing: str, error: Exception, missing: type[EngineError]) -> EngineError:
    if isinstance(error, ResourceExhaustedResponse):
        return EngineThrottled(f"{doing}: {error}", float(error.retry_after_s))
    if isinstance(error, UnexpectedResponse):
        return _by_status(doing, error, missing)
    if isinstance(error, ResponseHandlingException):
        return EngineUnavailable(f"{doing}: {type(error.source).__name__}: {error.source}")
    if isinstance(error, QdrantException):  # a 429 whose Retry-After is a date
        return EngineThrottled(f"{doing}: too many requests")
    return EngineRejected(f"{doing}: {error}")


def _by_status(doing: str, error: UnexpectedResponse, missing: type[EngineError]) -> EngineError:
    status = error.status_code or 0
    said = f"{doing}: HTTP {status}: {error.content[:200].decode(errors='replace')}"
    if status == 404:
        return missing(said)
    if status == 429:
        return EngineThrottled(said)
    if status in (401, 403):
        return EngineRejected(f"{said}; check the api key")
    return EngineUnavailable(said) if status >= 500 else EngineRejected(said)
