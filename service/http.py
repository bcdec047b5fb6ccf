"""The ASGI app beside the served graph: the gate before all routes, feedback, health, start and shutdown.

langgraph.json names `app`. Its middleware is the outermost of the server, so LangGraph's own routes are behind it, too.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from memento.service.feedback import feedback, make_token
from memento.service.gate import Gate
from memento.service.health import health
from memento.service.process import application, authentication

_LOG = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    """Refuse to start with invalid settings; load in advance what runs need; close it on shutdown.

    Loading goes on beside the first requests, and a run waits for it only where it needs the same.

    Raises:
        InvalidInput: settings that do not parse or do not go together; the message names each.
    """
    settings = application.settings
    authentication.check()
    if settings.auth == "off":
        _LOG.warning("MEMENTO_AUTH=off: whoever reaches this server sees every namespace and spends on your models")
    warming = asyncio.create_task(application.warm(), name="memento-warm")
    yield
    warming.cancel()
    with suppress(asyncio.CancelledError):
        await warming
    await application.aclose()


app = Starlette(
    routes=[
        Route("/feedback", feedback, methods=["POST"]),
        Route("/feedback/tokens", make_token, methods=["POST"]),
        Route("/memento/health", health, methods=["GET"]),
    ],
    middleware=[Middleware(Gate, application=application, authentication=authentication)],
    lifespan=lifespan,
)
