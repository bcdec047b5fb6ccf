"""The search_files tool: full-text search in the workspace and its shelves, documents included.

Nothing outside those folders is read: links are not followed, hidden files (which is where keys live) are not looked
at. Before the search, the index is brought up to date: texts in a thread, documents in confined children, as many as
there is time for. The next search goes on.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from memento.tools.confined import confined
from memento.tools.errors import TookTooLong, ToolInputError
from memento.tools.file_handoff import open_in_thread
from memento.tools.file_names import shown
from memento.tools.files.folders import Place, places
from memento.tools.files.index import FileIndex
from memento.tools.files.index_rows import PassageHit, Pending
from memento.tools.files.passages import query_expression
from memento.tools.workspace import Workspace

MAX_RESULTS: Final = 10
TEXTS_S: Final = 10.0
"""No batch of texts but the first is begun after so many seconds of one search."""
DOCUMENTS_S: Final = 20.0
"""No document is begun after so many seconds of one search."""
DOCUMENT_S: Final = 15.0
"""Time for one document."""

_AT_ONCE: Final = 2
_INDEXED: Final = "memento.tools.documents.reading:indexed"


def make_search_files(
    *, index_path: Path | None = None, texts_s: float = TEXTS_S, document_s: float = DOCUMENT_S
) -> Callable[..., Awaitable[str]]:
    """Build the `search_files` tool; nothing is read or opened before its first call.

    Args:
        index_path: the index file, which several processes may share; None keeps the index in memory.
        texts_s: how long one search reads texts that are new or have changed.
        document_s: how long one document is read.
    """
    index = FileIndex(index_path)

    async def search_files(query: str, max_results: int = 5, *, workspace: Workspace) -> str:
        """Search the files of the user and of the workspace; return the passages that match best, with their place.

        Texts, code, pdf, Word, Excel and PowerPoint files are searched, scans are not. Any of the words may match, in
        any form (plural, tense); more and rarer words rank higher. Words of file names count too. Give a place such as
        `notes/a.md:12` to read_document to read on from there.

        Args:
            query: keywords or a question.
            max_results: how many passages to return, 1 to 10.
            workspace: where the run's files lie; not shown to the model.
        """
        expression = query_expression(query)
        if not expression:
            raise ToolInputError("the query has no words; say what to look for")
        searched = await index.call(places, workspace)
        skipped: Counter[str] = Counter()
        stop = threading.Event()
        try:
            documents, n_texts = await index.call(index.refresh, searched, skipped, seconds=texts_s, stop=stop)
        finally:
            stop.set()  # nobody waits for it any more, should this search have been cancelled
        documents, n_late = index.by_lateness(documents)
        later = _later(n_texts, await _read_documents(index, documents, document_s))
        limit = max(1, min(max_results, MAX_RESULTS))
        hits = await index.call(index.search, expression, searched, limit)
        if hits:
            return _written(hits, searched) + later
        n_files, n_unreadable = await index.call(index.counts, searched)
        return (
            _nothing(n_files, skipped + Counter({"binary or unreadable": n_unreadable, "too slow to read": n_late}))
            + later
        )

    return search_files


async def _read_documents(index: FileIndex, pending: Sequence[Pending], document_s: float) -> int:
    """Index documents within the time limit.

    Returns:
        How many are left, were not read in time, or are being read by another search.
    """
    began, waiting, n_read = time.monotonic(), list(reversed(pending)), 0

    async def read_on() -> None:
        nonlocal n_read
        while waiting and time.monotonic() - began < DOCUMENTS_S:
            document = waiting.pop()
            if index.claim(document):
                try:
                    n_read += await _read_document(index, document, document_s)
                finally:
                    index.release(document)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(_AT_ONCE, len(waiting))):
                group.create_task(read_on())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return len(pending) - n_read


async def _read_document(index: FileIndex, document: Pending, document_s: float) -> bool:
    """Index one document; False when time ran out, so that a later search tries again."""
    found: list[tuple[str, str]] | None = None
    try:
        file = await open_in_thread(Workspace(Path(document.folder)).open, shown(document.path))
        try:
            name = document.path.rpartition("/")[2]
            found = await confined(_INDEXED, {"name": name}, files=[file], timeout_s=document_s)
        finally:
            file.close()
    except TookTooLong:  # it may be the machine that is busy
        index.note_late(document)
        return False
    except ToolInputError:  # damaged, protected, hostile: not tried again until it changes
        found = None
    await index.call(index.store, document, found)
    return True


def _later(n_texts: int, n_documents: int) -> str:
    left = [
        *([f"{n_texts} files are not indexed yet"] if n_texts else []),
        *([f"{n_documents} documents are not read yet"] if n_documents else []),
    ]
    return f"\n\n({' and '.join(left)}; search again to have them searched too.)" if left else ""


def _written(hits: Sequence[PassageHit], searched: Sequence[Place]) -> str:
    prefixes: Mapping[str, str] = {place.folder: place.prefix for place in searched}
    return "\n\n".join(
        f"{number}. {shown(prefixes[hit.folder] + hit.path)}:{hit.place}\n{hit.text}"
        for number, hit in enumerate(hits, 1)
    )


def _nothing(n_files: int, skipped: Mapping[str, int]) -> str:
    reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(skipped.items()) if n)
    return f"Nothing found in {n_files} files{f' (skipped: {reasons})' if reasons else ''}. Try other words."
