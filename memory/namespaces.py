"""Names of namespaces: which ones are valid, and where the documents of one are kept."""

from typing import Final

from memento.memory.arguments import checked_text
from memento.memory.case import text_hash
from memento.memory.errors import InvalidInput

MAX_NAMESPACE: Final = 200

_DOCUMENTS: Final = " \N{MATHEMATICAL LEFT ANGLE BRACKET}documents\N{MATHEMATICAL RIGHT ANGLE BRACKET}"
"""Ends the names of namespaces that hold ranked documents."""


def checked_namespace(namespace: str) -> str:
    """Validate and return the namespace.

    Raises:
        InvalidInput: no text, empty, longer than the ledger's column, with characters that no database takes, or the
            name of a namespace's documents.
    """
    checked_text("a namespace", namespace)
    if not namespace.strip() or len(namespace) > MAX_NAMESPACE or not namespace.isprintable():
        raise InvalidInput(f"a namespace has 1 to {MAX_NAMESPACE} printable characters, not {namespace[:80]!r}")
    if holds_documents(namespace):
        raise InvalidInput(
            f"{namespace[:80]!r} is where ranked documents of another namespace are kept: name that namespace"
        )
    return namespace


def documents_of(namespace: str) -> str:
    """Where the ledger keeps the documents that are ranked for a namespace: apart from its cases, like another one."""
    name = namespace + _DOCUMENTS
    return name if len(name) <= MAX_NAMESPACE else text_hash(namespace) + _DOCUMENTS


def holds_documents(namespace: str) -> bool:
    """Whether a name is one that `documents_of` gives."""
    return namespace.endswith(_DOCUMENTS)
