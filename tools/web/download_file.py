"""The download_file tool: downloads one public file of any kind into the workspace."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from weakref import WeakKeyDictionary

from memento.tools.errors import ToolInputError
from memento.tools.web.fetch import Fetcher, FetchLimits
from memento.tools.workspace import Workspace

LIMITS: Final = FetchLimits(total_s=90.0, file_bytes=100_000_000)

AT_ONCE: Final = 2
"""Downloads of one tool at the same time, as each holds its file in memory; further ones wait."""


def make_download_file(*, fetcher: Fetcher | None = None) -> Callable[..., Awaitable[str]]:
    """Build the `download_file` tool; opens nothing before its first call.

    Args:
        fetcher: gets the files, within its own limits; the default one reaches public addresses only, heeds robots.txt,
            and takes up to 100,000,000 bytes and 90 seconds.
    """
    files = fetcher or Fetcher(limits=LIMITS)
    turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    async def download_file(url: str, path: str, *, workspace: Workspace) -> str:
        """Bring one public file from the web into the workspace, so that other tools can work with it.

        For pictures, sound, video, spreadsheets, archives and the like, up to 100 MB. To read a web page, use
        fetch_page instead.

        Args:
            url: the full http or https address of the file itself.
            path: where to write it, with the right suffix, for example `in/map.png`; a file of that name is replaced.
            workspace: where the run's files lie; not shown to the model.
        """
        # A semaphore belongs to one event loop, a tool to none.
        async with turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)):
            file = await files.get_file(url)
            if not file.content:
                raise ToolInputError("the site sent an empty file; check the address")
            written = await asyncio.to_thread(workspace.write, path, file.content)
        return f"{written} ({file.media_type or 'of no declared type'}, {len(file.content):,} bytes) from {file.url}"

    return download_file
