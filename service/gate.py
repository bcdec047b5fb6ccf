"""The gate: ASGI middleware that every request to the server passes first, those to LangGraph's own routes included.

LangGraph's development server has routes that its authentication does not cover (`/internal/truncate`,
`/internal/debug/...`, `/deploy`); here they need a key at least, and the first two are closed where keys are asked for.
"""

import json
import logging
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from memento.graph.app import Application
from memento.memory.errors import MementoError
from memento.service.authentication import Authentication, has_credentials
from memento.service.errors import NotAllowed, OwnersUnknown, RequestRefused
from memento.service.origins import check_host, check_origin, is_allowed_origin
from memento.service.users import ANONYMOUS, ServiceUser

USER_KEY: Final = "memento.user"
"""Where the gate leaves the user in the ASGI scope."""

_LOG = logging.getLogger(__name__)
_OPEN: Final = {("GET", "/"), ("GET", "/ok"), ("GET", "/docs"), ("GET", "/openapi.json")}
"""What answers without a key: whether the server is up, and the documentation of its routes."""
TOKEN_ROUTES: Final = {("GET", "/memento/health"), ("POST", "/feedback")}
"""Ours that answer without a key: the one less than with it, the other to a token alone."""
_OURS: Final = ("/feedback", "/feedback/tokens", "/memento/health")
"""Routes that keep to their user by themselves."""
_CLOSED: Final = ("/internal/", "/deploy")
"""The development server's own, which know no users."""


class RequestGate:
    """Checks host, origin and user of every request, and leaves the user in the scope."""

    def __init__(self, app: ASGIApp, *, application: Application, authentication: Authentication) -> None:
        """Wrap an app.

        Args:
            app: what is behind the gate.
            application: of this process.
            authentication: tells who sends a request.
        """
        self._app = app
        self._application = application
        self._authentication = authentication

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] not in ("http", "websocket") or is_in_process(scope):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            scope[USER_KEY] = await self._admitted(scope, headers)
        except RequestRefused as error:
            await self._refuse(scope, headers, send, error)
            return
        except MementoError as error:  # the settings do not parse
            _LOG.exception("a request was refused")
            await self._refuse(scope, headers, send, error)
            return
        await self._app(scope, receive, send)

    async def _admitted(self, scope: Scope, headers: Headers) -> ServiceUser:
        settings, is_required = self._application.settings, await self._authentication.is_required()
        method = scope.get("method", "GET")
        client = scope.get("client")
        check_host(headers.get("host", ""), str(client[0]) if client else "", settings, is_authenticating=is_required)
        check_origin(method, headers, settings)
        if not is_required:
            return ANONYMOUS
        path = path_in(scope)
        if path.startswith(_CLOSED):
            raise NotAllowed("this route is the development server's own, and closed where users need keys")
        is_open = (method, path) in _OPEN or _is_preflight(method, headers)
        if is_open or ((method, path) in TOKEN_ROUTES and not has_credentials(headers)):
            return ANONYMOUS
        user = await self._authentication.user(headers)
        if path not in _OURS and not self._authentication.owns_resources:
            raise OwnersUnknown(
                "users have keys, but langgraph.json does not say how their threads are told apart; add to it "
                '"auth": {"path": "memento.service.identity:auth", "disable_studio_auth": true}'
            )
        return user

    async def _refuse(self, scope: Scope, headers: Headers, send: Send, error: MementoError) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        status = error.status if isinstance(error, RequestRefused) else 503
        body = json.dumps({"error": str(error)}).encode()
        answer = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if status == 401:
            answer.append((b"www-authenticate", b"Bearer"))
        origin = headers.get("origin")
        if origin is not None and self._may_read(origin, headers.get("host", "")):
            answer += [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")]
        await send({"type": "http.response.start", "status": status, "headers": answer})
        await send({"type": "http.response.body", "body": body})

    def _may_read(self, origin: str, host: str) -> bool:
        try:
            return is_allowed_origin(origin, host, self._application.settings)
        except MementoError:
            return False


def is_in_process(scope: Scope) -> bool:
    """Whether the server asks itself, through the transport of LangGraph's SDK: no request can set a root path."""
    root = str(scope.get("root_path", ""))
    return root == "/noauth" or root.startswith("/noauth/")


def path_in(scope: Scope) -> str:
    """The path as routes are matched by it: below the prefix that the server may be mounted at."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) or "/" if root and path.startswith(f"{root}/") else path


def user_in(scope: Scope) -> ServiceUser | None:
    """The user that the gate has left in a scope; None where the request has not passed it."""
    found: Any = scope.get(USER_KEY)
    return found if isinstance(found, ServiceUser) else None


def _is_preflight(method: str, headers: Headers) -> bool:
    return method == "OPTIONS" and "access-control-request-method" in headers
