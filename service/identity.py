"""LangGraph's authentication: `auth`, which langgraph.json names, says who a user is and what is theirs."""

from typing import Any

from langgraph_sdk import Auth
from starlette.datastructures import Headers

from memento.service.errors import RequestRefused
from memento.service.gate import user_in
from memento.service.owned_resources import Filter, rule_for
from memento.service.process import authentication
from memento.service.users import ServiceUser

auth = Auth()
authentication.owns_resources = True


@auth.authenticate
async def authenticate(scope: dict[str, Any]) -> dict[str, Any]:
    """Return the user of a request, whom the gate has found already; without the gate, look at the headers.

    Raises:
        HTTPException: 401 for none, 503 where it cannot be told.
    """
    user = user_in(scope)
    if user is None:
        try:
            user = await authentication.user(Headers(scope=scope))
        except RequestRefused as error:
            raise Auth.exceptions.HTTPException(status_code=error.status, detail=str(error)) from error
    return user.as_mapping()


@auth.on
async def authorize(ctx: Auth.types.AuthContext, value: Any) -> Filter | None:
    """Let a user touch what is theirs. Where nobody needs a key, everything is everybody's.

    Raises:
        HTTPException: 403 for an unknown user, and for what nobody may do.
    """
    if not await authentication.is_required():
        return None
    try:
        return rule_for(await _known(ctx.user), ctx.resource, ctx.action, value)
    except RequestRefused as error:
        raise Auth.exceptions.HTTPException(status_code=error.status, detail=str(error)) from error


async def _known(user: Any) -> ServiceUser:
    """The user as `authenticate` gave it, or by the identity that a cron was kept with.

    LangGraph Studio's own user is not one of ours, since it has shown no key.
    """
    known: ServiceUser | None = None
    if not isinstance(user, Auth.types.StudioUser) and user.is_authenticated and user.identity:
        try:
            known = ServiceUser(identity=user.identity, namespace=user["namespace"], kind=user["kind"])
        except (KeyError, TypeError, AttributeError):
            known = await authentication.named(user.identity)
    if known is None or not known.namespace or known.kind not in ("key", "jwt"):
        raise Auth.exceptions.HTTPException(status_code=403, detail="this needs a key; in Studio, add it as a header")
    return known
