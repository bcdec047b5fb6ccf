"""Rules for LangGraph's own resources: whose threads, assistants, crons and stored items a user may touch.

Threads, crons and assistants carry their owner in their metadata. The store has namespaces, which begin with the owner.
"""

from collections.abc import MutableMapping
from typing import Any, Final

from memento.service.errors import NotAllowed
from memento.service.users import ServiceUser

OWNER: Final = "owner"
"""Key of metadata."""
_BY: Final = "created_by"
_SYSTEM: Final = "system"
"""Who made the assistants that stand for the graphs themselves; all may use those."""
_READS: Final = ("read", "search")

Filter = dict[str, Any]


def rule_for(user: ServiceUser, resource: str, action: str, value: Any) -> Filter | None:
    """Apply the rules to one access.

    Args:
        user: who asks.
        resource: `threads`, `assistants`, `crons`, `runs` or `store`.
        action: what is done.
        value: what was asked for; what is written gets its owner here.

    Returns:
        Conditions on metadata that whatever is touched must meet; None for the store, whose namespace was set.

    Raises:
        NotAllowed: a resource that is not known, or a namespace or webhook that nobody may use.
    """
    if resource == "store":
        _own_namespace(user, value)
        return None
    if resource not in ("threads", "assistants", "crons", "runs"):
        raise NotAllowed(f"users may not use {resource}")
    if action not in _READS and isinstance(value, MutableMapping):
        _mark(value, user, is_new=action in ("create", "create_run"))
        _refuse_own_webhook(value)
    if resource == "assistants" and action in _READS:
        return {"$or": [{OWNER: user.identity}, {_BY: _SYSTEM}]}
    return {OWNER: user.identity}


def store_label(identity: str) -> str:
    """Return the first label of an owner's namespaces in the store, where labels have no dots."""
    return identity.replace("%", "%25").replace(".", "%2E")


def _mark(value: MutableMapping[str, Any], user: ServiceUser, *, is_new: bool) -> None:
    """Write the owner into the metadata, whatever it says: what is somebody's cannot be given away or made all's."""
    metadata = value.get("metadata")
    if isinstance(metadata, MutableMapping):
        metadata.pop(_BY, None)
        metadata[OWNER] = user.identity
    elif is_new:
        value["metadata"] = {OWNER: user.identity}


def _own_namespace(user: ServiceUser, value: Any) -> None:
    label = store_label(user.identity)
    given = tuple(value.get("namespace") or ())
    value["namespace"] = given if given[:1] == (label,) else (label, *given)


def _refuse_own_webhook(value: MutableMapping[str, Any]) -> None:
    """A webhook that is a path would be a request of the server to itself, which no gate asks for a key."""
    for holder in (value, value.get("kwargs"), value.get("payload")):
        webhook = holder.get("webhook") if isinstance(holder, MutableMapping) else None
        if isinstance(webhook, str) and not webhook.lower().startswith(("http://", "https://")):
            raise NotAllowed("a webhook is the full URL of another server")
