"""Which hosts a request may be for, and which web pages may send it: against other sites and DNS rebinding."""

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from memento.graph.variables.names import listed
from memento.graph.variables.server import ServerVariables
from memento.service.errors import NotAllowed

STUDIO: Final = "smith.langchain.com"
"""LangGraph Studio's pages: this host and those below it."""
_SAFE: Final = ("GET", "HEAD", "OPTIONS")


def check_host(host: str, client: str, settings: ServerVariables, *, is_authenticating: bool) -> None:
    """Refuse requests for a host that is not this server.

    Args:
        host: the `Host` header.
        client: the address that the request comes from; empty where it is not known.
        settings: of the server.
        is_authenticating: whether users must show a key.

    Raises:
        NotAllowed: another host; or, where nobody must show a key, any but this machine's.
    """
    name = _host_of(host)
    if _is_loopback(name) and (is_authenticating or settings.auth == "off" or not client or _is_loopback(client)):
        return
    if allowed := listed(settings.allowed_hosts):
        if name not in {one.lower() for one in allowed}:
            raise NotAllowed(f"this server is not called {name[:80]!r}; add the name to MEMENTO_ALLOWED_HOSTS")
        if is_authenticating or settings.auth == "off":
            return
    if not is_authenticating and settings.auth != "off":
        raise NotAllowed(
            "without keys this server is for its own machine alone, and this request is from elsewhere or for another "
            "host name; make keys with `memento keys create NAME`, or set MEMENTO_AUTH=off to serve anybody"
        )


def check_origin(method: str, headers: Mapping[str, str], settings: ServerVariables) -> None:
    """Refuse requests of web pages of other sites.

    Args:
        method: of the request, or GET for a WebSocket.
        headers: by names in lower case.
        settings: of the server.

    Raises:
        NotAllowed: a page of a site that is neither this machine's, the server's own, Studio's, nor listed.
    """
    origin = headers.get("origin")
    if origin is None:
        if headers.get("sec-fetch-site") == "cross-site" and method not in _SAFE:
            raise NotAllowed("requests of other sites are refused; add the page's origin to MEMENTO_ALLOWED_ORIGINS")
        return
    if not is_allowed_origin(origin, headers.get("host", ""), settings):
        raise NotAllowed(f"pages of {origin[:80]!r} may not use this server; see MEMENTO_ALLOWED_ORIGINS")


def is_allowed_origin(origin: str, host: str, settings: ServerVariables) -> bool:
    """Whether a page of this origin may send requests.

    Args:
        origin: the `Origin` header.
        host: the `Host` header.
        settings: of the server.
    """
    allowed = [one.lower() for one in listed(settings.allowed_origins)]
    if "*" in allowed or origin.lower() in allowed:
        return True
    try:
        parts = urlsplit(origin)
        name = (parts.hostname or "").lower()
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not name:  # `null`: a sandboxed frame, a file
        return False
    if parts.scheme == "https" and (name == STUDIO or name.endswith(f".{STUDIO}")):
        return True
    return _is_loopback(name) or parts.netloc.lower() == host.lower()


def _host_of(header: str) -> str:
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761: never anybody else's
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
