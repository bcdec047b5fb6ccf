"""Routes for feedback: the reward of a run that has ended, by its owner or by a page with a token for that run."""

import asyncio
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from memento.graph.app import Application
from memento.memory.errors import FeedbackRefused, InvalidInput, MementoError, UnknownEvent
from memento.memory.feedback_limits import FeedbackLimits
from memento.memory.text_limits import MAX_LESSON_CHARS
from memento.service.authentication import Authentication
from memento.service.bodies import json_body
from memento.service.errors import BodyRefused, NotAuthenticated, RequestRefused
from memento.service.feedback_tokens import MAX_DAYS, FeedbackGrant, FeedbackTokens, kept_secret
from memento.service.gate import user_in
from memento.service.users import ServiceUser, host_user

OWNER: Final = "human"
"""Evaluator of feedback by a namespace's owner; an authenticated one's name follows, as in `human:alice`."""
VISITOR: Final = "visitor"
"""Evaluator of feedback that comes with a token."""
VISITOR_CONFIDENCE: Final = 0.6
"""Believed enough to be served, and less than an owner's word, which is 1."""
_OWNER_LIMITS: Final = FeedbackLimits(max_changes=100)
_VISITOR_LIMITS: Final = FeedbackLimits(max_changes=5, yields_to=OWNER)


class Feedback(BaseModel):
    """Body of `POST /feedback`."""

    model_config = ConfigDict(extra="forbid")

    event_id: str | None = Field(default=None, min_length=1, max_length=200)
    """Not needed with a token, which names it."""
    reward: float | None = Field(ge=0, le=1)
    """None withdraws what was believed."""
    namespace: str | None = Field(default=None, max_length=200)
    """Where nobody needs a key: whose event it is. With a key, it can only be one's own."""
    lesson: str = Field(default="", max_length=MAX_LESSON_CHARS)
    token: str | None = Field(default=None, max_length=2_000)
    """In place of a key: for one run, and for its reward alone."""


class TokenRequest(BaseModel):
    """Body of `POST /feedback/tokens`."""

    model_config = ConfigDict(extra="forbid")

    event_id: str = Field(min_length=1, max_length=200)
    namespace: str | None = Field(default=None, max_length=200)
    days: float = Field(default=7, gt=0, le=MAX_DAYS)
    """That the token is valid."""


class FeedbackRoutes:
    """`POST /feedback` and `POST /feedback/tokens`."""

    def __init__(self, application: Application, authentication: Authentication) -> None:
        """Prepare; opens nothing.

        Args:
            application: of this process.
            authentication: tells who sends a request.
        """
        self._application = application
        self._authentication = authentication

    async def feedback(self, request: Request) -> JSONResponse:
        """Replace the outcome of a run by later and better knowledge. What follows is shown on the server's /docs page.

        ---
        summary: Give the reward of a run that has ended
        description: With a key, or with a token for that run, which gives its reward and no lesson.
        tags: [Memento]
        requestBody:
          content:
            application/json:
              example: {event_id: the run's, reward: 1.0, lesson: what to do next time}
        responses:
          "200": {description: "event_id, and case_id of the case that stands for the run now, or null"}
          "401": {description: "no key and no token, or one that is not valid"}
          "404": {description: no such event in this namespace}
          "409": {description: "the owner has judged this run, or it was judged too often"}
          "413": {description: the body is too long}
          "415": {description: the body is no JSON}
          "422": {description: the body is not valid feedback}
          "503": {description: it could not be kept}
        """

        async def answer() -> dict[str, Any]:
            given = await json_body(request, Feedback)
            if given.token is not None:
                return await self._of_visitor(given, (await self._tokens()).read(given.token))
            return await self._of_owner(given, await self._caller(request))

        return await _answered(answer)

    async def make_token(self, request: Request) -> JSONResponse:
        """Sign a token for one run. What follows is shown on the server's /docs page.

        ---
        summary: Make a token with which a web page can give the reward of one run
        tags: [Memento]
        requestBody:
          content:
            application/json:
              example: {event_id: the run's, days: 7}
        responses:
          "200": {description: "token, event_id, expires_at in seconds since 1970"}
          "401": {description: a key is needed}
          "404": {description: no such event in this namespace}
          "415": {description: the body is no JSON}
          "422": {description: the body is not valid}
          "503": {description: the memory cannot be read}
        """

        async def answer() -> dict[str, Any]:
            given = await json_body(request, TokenRequest)
            user = await self._caller(request)
            memory = await self._application.memory()
            namespace = _namespace(user, given.event_id, given.namespace) or memory.namespace
            if await memory.views.event(given.event_id, namespace=namespace) is None:
                raise UnknownEvent(given.event_id, namespace)
            tokens = await self._tokens()
            token = tokens.sign(given.event_id, namespace, days=given.days)
            return {"token": token, "event_id": given.event_id, "expires_at": tokens.read(token).expires_at}

        return await _answered(answer)

    async def _of_owner(self, given: Feedback, user: ServiceUser) -> dict[str, Any]:
        if given.event_id is None:
            raise BodyRefused("event_id: which run is it? Only a token names it already", 422)
        memory = await self._application.memory()
        case_id = await memory.feedback(
            given.event_id,
            given.reward,
            namespace=_namespace(user, given.event_id, given.namespace),
            lesson=given.lesson,
            evaluator=f"{OWNER}:{user.identity}" if user.is_authenticated else OWNER,
            limits=_OWNER_LIMITS,
        )
        return {"event_id": given.event_id, "case_id": case_id}

    async def _of_visitor(self, given: Feedback, grant: FeedbackGrant) -> dict[str, Any]:
        """What a visitor says enters no prompt, so there is no lesson; nor do they learn of cases."""
        if given.event_id not in (None, grant.event_id) or given.namespace not in (None, grant.namespace):
            raise NotAuthenticated("the feedback token is for another run")
        if given.lesson:
            raise BodyRefused("lesson: with a token only a reward can be given", 422)
        if given.reward is None:
            raise BodyRefused("reward: with a token it is a number, since withdrawing one is for the owner", 422)
        memory = await self._application.memory()
        await memory.feedback(
            grant.event_id,
            given.reward,
            namespace=grant.namespace,
            confidence=VISITOR_CONFIDENCE,
            evaluator=VISITOR,
            limits=_VISITOR_LIMITS,
        )
        return {"event_id": grant.event_id}

    async def _caller(self, request: Request) -> ServiceUser:
        """The sender of the request, who must show a key here where one is needed and the gate has seen none.

        Raises:
            NotAuthenticated: a key is needed.
        """
        user = user_in(request.scope)
        if user is None or (not user.is_authenticated and await self._authentication.is_required()):
            return await self._authentication.user(request.headers)
        return user if user.is_authenticated else host_user(request.scope) or user

    async def _tokens(self) -> FeedbackTokens:
        settings = self._application.settings
        if settings.feedback_secret is not None:
            return FeedbackTokens(settings.feedback_secret.get_secret_value().encode())
        return FeedbackTokens(await asyncio.to_thread(kept_secret, settings.folder / "feedback.secret"))


def _namespace(user: ServiceUser, event_id: str, asked: str | None) -> str | None:
    """An authenticated user's own, whatever is asked for; None for the memory's own."""
    if not user.is_authenticated:
        return asked
    if asked not in (None, user.namespace):
        raise UnknownEvent(event_id, str(asked))  # as of any event that is not theirs
    return user.namespace


async def _answered(answer: Any) -> JSONResponse:
    """Return what was answered, or the error with its status."""
    try:
        return JSONResponse(await answer())
    except BodyRefused as error:
        return _refusal(error, error.code)
    except RequestRefused as error:
        return _refusal(error, error.status)
    except UnknownEvent as error:
        return _refusal(error, 404)
    except FeedbackRefused as error:
        return _refusal(error, 409)
    except InvalidInput as error:
        return _refusal(error, 422)
    except MementoError as error:
        return _refusal(error, 503)


def _refusal(error: MementoError, status: int) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"error": str(error)}, status_code=status, headers=headers)
