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

from memento.graph.app import Application
from memento.service.authentication import Authentication
from memento.service.feedback import FeedbackRoutes
from memento.service.gate import RequestGate
from memento.service.health import HealthRoute
from memento.service.process import application, authentication

_LOG = logging.getLogger(__name__)


def make_app(application: Application, authentication: Authentication) -> Starlette:
    """Make the app; opens nothing.

    Args:
        application: of this process.
        authentication: tells who sends a request.
    """
    routes = FeedbackRoutes(application, authentication)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        """Refuse to start with invalid settings; load in advance what runs need; let runs end, then close it all.

        Loading goes on beside the first requests, and a run waits for it only where it needs the same. A run that does
        not end in time stops between two of its steps, and goes on there when its thread is resumed.

        Raises:
            InvalidInput: settings that do not parse or do not go together; the message names each.
        """
        settings = application.settings
        authentication.check()
        if settings.auth == "off":
            _LOG.warning(
                "MEMENTO_AUTH=off: anyone who reaches this server sees every namespace and spends on your models"
            )
        application.drain.resume()
        warming = asyncio.create_task(application.warm(), name="memento-warm")
        yield
        warming.cancel()
        with suppress(asyncio.CancelledError):
            await warming
        if not await application.drain.drain(settings.drain_seconds):
            _LOG.warning("runs were still at work after %g s: they stop here, to be resumed", settings.drain_seconds)
        await application.aclose()

    return Starlette(
        routes=[
            Route("/feedback", routes.feedback, methods=["POST"]),
            Route("/feedback/tokens", routes.make_token, methods=["POST"]),
            Route("/memento/health", HealthRoute(application, authentication).health, methods=["GET"]),
        ],
        middleware=[Middleware(RequestGate, application=application, authentication=authentication)],
        lifespan=lifespan,
    )


app = make_app(application, authentication)
