"""The kinds of files that can be imported, and how to tell which kind a file is."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from memento.integrations.importers import (
    cases,
    chatgpt,
    claude_code,
    codex,
    langfuse,
    langmem,
    langsmith,
    letta,
    mem0,
    openai_chat,
    zep,
)
from memento.integrations.importers.json_rows import files_of, rows_within
from memento.integrations.importers.record import ImportSource
from memento.memory.errors import InvalidInput

SOURCES: Final[Mapping[str, ImportSource]] = MappingProxyType(
    {
        source.kind: source
        for source in (
            claude_code.SOURCE,
            codex.SOURCE,
            langsmith.SOURCE,
            langfuse.SOURCE,
            openai_chat.SOURCE,
            chatgpt.SOURCE,
            mem0.SOURCE,
            langmem.SOURCE,
            letta.SOURCE,
            zep.SOURCE,
            cases.OWN,
            cases.REFERENCE,
        )
    }
)
"""Kind to importer."""

_LOOKED_AT: Final = 50
"""Rows of a file by which its kind is told."""
_CONTAINERS: Final = ("data", "runs", "feedback", "traces", "results", "items", "memories")


def source_named(kind: str) -> ImportSource:
    """The importer of a kind.

    Raises:
        InvalidInput: there is none; the message lists them.
    """
    if kind in SOURCES:
        return SOURCES[kind]
    near = difflib.get_close_matches(kind.lower().replace("_", "-"), SOURCES, n=1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    raise InvalidInput(f"there is no kind {kind!r}{meant}; the kinds are {', '.join(SOURCES)}")


def files_of_kind(source: ImportSource, path: Path) -> tuple[list[Path], list[Path]]:
    """Files to import, and the files of a folder that are of another kind.

    Args:
        source: the kind.
        path: a file or a folder.

    Raises:
        InvalidInput: there is none, or what is there is no file of this kind; the message says what it looks like.
    """
    found: list[Path] = []
    others: list[Path] = []
    for file in files_of(path):
        (found if any(map(source.recognises, _first_rows(file))) else others).append(file)
    if found:
        return found, others
    if all(one.stat().st_size == 0 for one in others):
        raise InvalidInput(f"{path} is empty")
    raise InvalidInput(_refusal(source, path, others[0]))


def kinds_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds that rows can be of."""
    return [kind for kind, source in SOURCES.items() if any(map(source.recognises, rows))]


def _first_rows(file: Path) -> list[Mapping[str, Any]]:
    return list(islice(_objects(file), _LOOKED_AT))


def _objects(file: Path) -> Iterator[Mapping[str, Any]]:
    for row in islice(rows_within(file), _LOOKED_AT):
        if isinstance(row.value, Mapping):
            yield row.value
            for name in _CONTAINERS:
                inner = row.value.get(name)
                yield from (one for one in (inner if isinstance(inner, list) else ()) if isinstance(one, Mapping))


def _refusal(source: ImportSource, path: Path, file: Path) -> str:
    """What is said of a path without a file of the kind: the shape, what was found, and what it looks like."""
    rows = _first_rows(file)
    keys = ", ".join(list(map(str, rows[0]))[:12]) if rows else ""
    found = f"its first row has the keys {keys[:200]}" if rows else "it has no JSON object in its first rows"
    where = "" if file == path else f" (in {file.name})"
    kinds = kinds_of(rows)
    looks = f" It looks like {' or '.join(kinds)}." if kinds else ""
    return (
        f"{path} is not of the kind {source.kind} ({source.shape}): {found}{where}.{looks} "
        f"The kinds are {', '.join(SOURCES)}"
    )
