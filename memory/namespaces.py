"""Names of namespaces: which ones are valid."""

from typing import Final

from memento.memory.errors import InvalidInput

MAX_NAMESPACE: Final = 200


def checked_namespace(namespace: str) -> str:
    """Validate and return the namespace.

    Raises:
        InvalidInput: empty, longer than the ledger's column, or with characters that no database takes.
    """
    if not namespace.strip() or len(namespace) > MAX_NAMESPACE or not namespace.isprintable():
        raise InvalidInput(f"a namespace has 1 to {MAX_NAMESPACE} printable characters, not {namespace[:80]!r}")
    return namespace
