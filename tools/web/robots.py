"""Robots.txt rules of sites (RFC 9309), cached for a while."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from memento.tools.errors import ToolUnavailable

if TYPE_CHECKING:
    from protego import Protego

MAX_BYTES: Final = 500 * 1024
"""What is longer is not looked at, as the standard allows."""

FRESH_S: Final = 3600.0
MAX_SITES: Final = 256


class RobotsFile(NamedTuple):
    """The response to a request for robots.txt."""

    status: int
    content: bytes


class _Known(NamedTuple):
    until: float
    rules: "Protego"


class Robots:
    """Caches the rules of the most recently used sites.

    Args:
        agent: the name that rules are looked up by.
        clock: seconds that only ever grow.
    """

    def __init__(self, *, agent: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._agent = agent
        self._clock = clock
        self._sites: OrderedDict[str, _Known] = OrderedDict()

    async def allows(self, url: str, site: str, get: Callable[[], Awaitable[RobotsFile]]) -> bool:
        """Tell whether a page may be read.

        Args:
            url: of the page.
            site: address of its robots.txt.
            get: asks for that file, when it is not known yet.

        Raises:
            ToolUnavailable: the site cannot say now, which the standard takes for a no.
            Exception: whatever `get` raises.
        """
        known = self._sites.get(site)
        if known is None or known.until < self._clock():
            known = _Known(self._clock() + FRESH_S, await self._rules(await get()))
            self._sites[site] = known
        self._sites.move_to_end(site)
        while len(self._sites) > MAX_SITES:
            self._sites.popitem(last=False)
        return await asyncio.to_thread(known.rules.can_fetch, url, self._agent)

    async def _rules(self, file: RobotsFile) -> "Protego":
        from protego import Protego

        if file.status >= 500:
            raise ToolUnavailable(
                f"the site's robots.txt cannot be read now (HTTP status {file.status}), so the page is left alone; "
                "try another page",
                is_outage=False,
            )
        # No such file, or none for us: nothing is forbidden.
        text = file.content.decode("utf-8-sig", errors="replace") if file.status < 300 else ""
        return await asyncio.to_thread(Protego.parse, text)
