"""HTTP routes beside the served graph: late feedback, start and shutdown. langgraph.json names `app`.

Starlette comes with the LangGraph server, so nothing else imports this module.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from memento.graph.app import application
from memento.memory.errors import InvalidInput, MementoError, UnknownEvent


class Feedback(BaseModel):
    """Body of `POST /feedback`."""

    model_config = ConfigDict(extra="forbid")

    event_id: str
    reward: float | None = Field(ge=0, le=1)
    """None withdraws what was believed."""
    namespace: str | None = None
    lesson: str = ""


async def feedback(request: Request) -> JSONResponse:
    """Replace the outcome of a run by later and better knowledge. What follows is shown on the server's /docs page.

    ---
    summary: Give the reward of a run that has ended
    tags: [Memento]
    requestBody:
      content:
        application/json:
          example: {event_id: the run's, reward: 1.0, lesson: what to do next time}
    responses:
      "200": {description: "event_id, and case_id of the case that stands for the run now, or null"}
      "404": {description: no such event in this namespace}
      "422": {description: the body is not valid feedback}
      "503": {description: it could not be kept}
    """
    try:
        given = Feedback.model_validate_json(await request.body())
        memory = await application.memory()
        case_id = await memory.feedback(
            given.event_id, given.reward, namespace=given.namespace, lesson=given.lesson, evaluator="human"
        )
    except ValidationError as error:
        return _refusal("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()), 422)
    except UnknownEvent as error:
        return _refusal(str(error), 404)
    except InvalidInput as error:
        return _refusal(str(error), 422)
    except MementoError as error:
        return _refusal(str(error), 503)
    return JSONResponse({"event_id": given.event_id, "case_id": case_id})


def _refusal(reason: str, status: int) -> JSONResponse:
    return JSONResponse({"error": reason}, status_code=status)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    """Refuse to start with invalid settings; load in advance what runs need; close it on shutdown.

    Loading goes on beside the first requests, and a run waits for it only where it needs the same.

    Raises:
        InvalidInput: settings that do not parse; the message names each.
    """
    _ = application.settings
    warming = asyncio.create_task(application.warm(), name="memento-warm")
    yield
    warming.cancel()
    with suppress(asyncio.CancelledError):
        await warming
    await application.aclose()


app = Starlette(routes=[Route("/feedback", feedback, methods=["POST"])], lifespan=lifespan)
