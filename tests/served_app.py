"""The routes beside the served graph in this process, with settings of a test and a memory of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
from starlette.applications import Starlette

from memento.graph.app import Application
from memento.graph.settings import Settings
from memento.service.authentication import Authentication
from memento.service.http import make_app

HERE = "http://127.0.0.1:2024"


class Served(NamedTuple):
    app: Starlette
    application: Application
    http: httpx.AsyncClient

    async def post(self, path: str, body: Any, key: str = "", **headers: str) -> httpx.Response:
        return await self.http.post(path, json=body, headers=_with(key, headers))

    async def get(self, path: str, key: str = "", **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=_with(key, headers))


def _with(key: str, headers: dict[str, str]) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return named | ({"Authorization": f"Bearer {key}"} if key else {})


@asynccontextmanager
async def served_app(settings: Settings, *, client: str = "127.0.0.1", url: str = HERE) -> AsyncIterator[Served]:
    """Serve the routes.

    Args:
        settings: of the server.
        client: the address that requests come from.
        url: that they are for.
    """
    application = Application(settings, is_served=True)
    app = make_app(application, Authentication(application))
    transport = httpx.ASGITransport(app, client=(client, 4711))
    async with httpx.AsyncClient(transport=transport, base_url=url) as http:
        try:
            yield Served(app, application, http)
        finally:
            await application.aclose()
