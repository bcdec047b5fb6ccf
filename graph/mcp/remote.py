"""Connects to a remote MCP server over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from memento.graph.mcp.config import ServerConfig


@asynccontextmanager
async def remote_streams(config: ServerConfig) -> AsyncIterator[Any]:
    """Provide the server's streams while the context is open; raises what the connection raises."""
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    # Made in a thread since it reads certificates. The limit of a call is the caller's; a stream may be silent.
    client = await asyncio.to_thread(
        httpx2.AsyncClient, headers=dict(config.headers), timeout=httpx2.Timeout(30.0, read=300.0)
    )
    async with client, streamable_http_client(config.url, http_client=client) as streams:
        yield streams
