"""Health of the served memory: ledger, case search, models, learner. Without secrets, addresses or texts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse

from memento.graph.app import Application
from memento.memory.errors import MementoError
from memento.service.authentication import Authentication
from memento.service.gate import user_in

_PATIENCE_S: Final = 5.0


class PartHealth(NamedTuple):
    """State of one part."""

    state: Literal["ok", "degraded", "down", "unused"]
    what: str
    """In words, for a person."""


class HealthRoute:
    """`GET /memento/health`."""

    def __init__(self, application: Application, authentication: Authentication) -> None:
        """Prepare; opens nothing.

        Args:
            application: of this process.
            authentication: tells who sends a request.
        """
        self._application = application
        self._authentication = authentication

    async def health(self, request: Request) -> JSONResponse:
        """Say whether runs can be done and remembered. What follows is shown on the server's /docs page.

        ---
        summary: Health of the memory, its search, models and learner
        description: 503 where the memory cannot be read. Without a key, where one is needed, only up or down.
        tags: [Memento]
        responses:
          "200": {description: "status up, and parts with the state of each: ok, degraded, unused"}
          "503": {description: "status down"}
        """
        parts = await parts_of(self._application)
        is_up = parts["ledger"].state != "down"
        answer: dict[str, Any] = {"status": "up" if is_up else "down"}
        user = user_in(request.scope)
        if user is not None and (user.is_authenticated or not await self._authentication.is_required()):
            answer["parts"] = {name: part._asdict() for name, part in parts.items()}
        return JSONResponse(answer, status_code=200 if is_up else 503)


async def parts_of(app: Application) -> dict[str, PartHealth]:
    """Look at every part; none is opened that no run has needed yet.

    Args:
        app: of this process.
    """
    ledger = await _looked_at(lambda: _ledger(app))
    if ledger.state in ("down", "unused"):
        waiting = PartHealth("unused", "waits for the ledger")
        return {
            "ledger": ledger,
            "search": waiting,
            "learner": waiting,
            "models": await _looked_at(lambda: _models(app)),
        }
    search, learner, models = await asyncio.gather(
        _looked_at(lambda: _search(app)), _looked_at(lambda: _learner(app)), _looked_at(lambda: _models(app))
    )
    return {"ledger": ledger, "search": search, "learner": learner, "models": models}


async def _ledger(app: Application) -> PartHealth:
    settings = app.settings
    if settings.ledger_url is None and not await asyncio.to_thread(settings.ledger_file.exists):
        return PartHealth("unused", "nothing was remembered yet")
    memory = await app.memory()
    await memory.views.fact("encoder")
    if memory.only_read_because:
        return PartHealth("down", "it can be read but not written")
    return PartHealth("ok", "it can be read and written")


async def _search(app: Application) -> PartHealth:
    memory = await app.memory()
    n_points = await memory.bank.count()
    if memory.notices:
        return PartHealth("degraded", f"{memory.bank.engine_name}: runs are told what they do without")
    return PartHealth("ok", f"{memory.bank.engine_name}, {n_points} cases")


async def _learner(app: Application) -> PartHealth:
    memory = await app.memory()
    if memory.learning_postponed:
        return PartHealth("degraded", "learning is postponed; outcomes wait in the ledger")
    return PartHealth("ok", "it follows the ledger")


async def _models(app: Application) -> PartHealth:
    models = await app.models.describe()
    lacking = [one.role for one in models if one.spec is None or one.is_reachable is False]
    if lacking:
        return PartHealth("degraded", f"missing or not reachable: {', '.join(lacking)}")
    return PartHealth("ok", "configured")


async def _looked_at(look: Callable[[], Awaitable[PartHealth]]) -> PartHealth:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await look()
    except TimeoutError:
        return PartHealth("down", f"no answer within {_PATIENCE_S:g} s")
    except MementoError as error:
        return PartHealth("down", type(error).__name__)
    except Exception as error:  # noqa: BLE001  of any library: a health check must answer
        return PartHealth("down", type(error).__name__)
