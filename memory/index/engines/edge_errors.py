"""Maps the exceptions of the in-process engine to engine errors."""

import contextlib
from collections.abc import Iterator

from memento.memory.errors import EngineError, EngineRejected, EngineUnavailable, IndexDamaged


@contextlib.contextmanager
def named_errors(doing: str, *, otherwise: type[EngineError] = EngineUnavailable) -> Iterator[None]:
    """Convert exceptions of the library inside the block into named engine errors.

    Args:
        doing: what was attempted, for the message.
        otherwise: the error for failures that the library does not classify.

    Raises:
        EngineRejected: the points or the query are malformed.
        IndexDamaged: the engine panicked, which it does on inconsistent files.
    """
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        # the binding raises bare Exception for everything but malformed arguments; only the text tells them apart
        if otherwise is EngineUnavailable and (isinstance(error, ValueError) or "dimension error" in str(error)):
            raise EngineRejected(f"{doing}: {error}") from error
        raise otherwise(f"{doing}: {error}") from error
    except BaseException as error:
        # a Rust panic derives from BaseException and its class cannot be imported
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise IndexDamaged(f"{doing}: the engine panicked: {error}") from error
