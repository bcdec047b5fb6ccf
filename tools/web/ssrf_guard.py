"""SSRF guard: allows fetches of public addresses, and of private ones that the user has allowed by name.

A model chooses the URL, and a page chooses where it redirects to; neither may reach the machine itself, its network or
the cloud's metadata service. A name is looked up once, every address found is judged, and the connection goes to a
judged address: a second look-up could be answered differently.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from memento.tools.errors import ToolInputError, ToolUnavailable

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds the addresses of a host; raises OSError (`socket.gaierror`) when there are none."""

PORTS: Final = frozenset({80, 443, 8080, 8443})
MAX_URL_CHARS: Final = 2_000

_LABEL: Final = re.compile(r"[a-z0-9_-]{1,63}")
_LOCAL_NAMES: Final = (".localhost", ".local", ".internal", ".home.arpa", ".onion")
_UNICAST: Final = ip_network("2000::/3")
_NAT64: Final = ip_network("64:ff9b::/96")
# Routed like public addresses, yet they end at the host's own network or at a cloud's control channel.
_SPECIAL: Final = (ip_network("192.0.0.0/24"), ip_network("192.88.99.0/24"), ip_network("168.63.129.16/32"))


async def resolve(host: str, port: int) -> list[str]:
    """Resolve a host with the system's resolver.

    Raises:
        OSError: the name is not known, or nobody answered.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class AddressGuard:
    """Decides which addresses of a host may be connected to; holds no connection.

    Args:
        allowed: exceptions, each a `host:port` (of the URL, an IPv6 host in brackets) that may lead anywhere, or a
            network such as `10.1.0.0/16`, whose addresses count as public.
        ports: that public hosts may be reached on.
        resolver: how names are looked up.

    Raises:
        ValueError: an exception is neither.
    """

    def __init__(
        self, *, allowed: Collection[str] = (), ports: Collection[int] = PORTS, resolver: Resolver = resolve
    ) -> None:
        self._ports = frozenset(ports)
        self._resolver = resolver
        self._places: set[str] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        for entry in allowed:
            if network := _network(entry):
                self._networks.append(network)
            elif _is_place(entry):
                self._places.add(entry.lower())
            else:
                raise ValueError(
                    f"{entry!r} is neither host:port nor a network; write wiki.example.org:8443, without http://, "
                    "or 10.1.0.0/16"
                )

    async def addresses(self, host: str, port: int) -> list[str]:
        """Resolve a host and check all its addresses.

        Args:
            host: as it stands in the URL, an IPv6 address without brackets.
            port: where the connection will go.

        Raises:
            ToolInputError: the host is invalid, not public, or unknown.
            ToolUnavailable: names cannot be looked up.
        """
        name = host.lower().removesuffix(".")
        place = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        is_allowed = place in self._places
        if port not in self._ports and not is_allowed:
            raise ToolInputError(f"port {port} is not a usual web port; give a page on port 80 or 443")
        literal = _literal(name)
        if literal is None and not is_allowed:
            _check_name(name)
        found = [literal] if literal else await self._looked_up(name, port)
        if not is_allowed and not all(self._is_reachable(address) for address in found):
            raise _not_public(name)
        return [str(address) for address in dict.fromkeys(found)]

    async def _looked_up(self, name: str, port: int) -> list[IPv4Address | IPv6Address]:
        try:
            found = [ip_address(address) for address in await self._resolver(name, port)]
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise ToolUnavailable("host names cannot be resolved now; try once more later") from None
            found = []
        except (OSError, ValueError):
            found = []
        if not found:
            raise ToolInputError(f"there is no host {name}; check the address, or search for the page")
        return found

    def _is_reachable(self, address: IPv4Address | IPv6Address) -> bool:
        return is_public(address) or any(address in network for network in self._networks)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is public, in whatever form it is written or embedded."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in network for network in _SPECIAL)
    if address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    wrapped = [*(address.teredo or ()), *([address.sixtofour] if address.sixtofour else [])]
    return address in _UNICAST and address.is_global and all(is_public(inner) for inner in wrapped)


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry)
    except ValueError:
        return None


def _is_place(entry: str) -> bool:
    host, _, port = entry.rpartition(":")
    is_port = port.isascii() and port.isdigit() and 0 < int(port) < 65_536
    return is_port and re.fullmatch(r"\[[0-9A-Fa-f:.%]+\]|[^\s/:@\[\]]+", host) is not None


def _literal(name: str) -> IPv4Address | IPv6Address | None:
    """Parse an address in any form that a connection would accept: `2130706433`, `0x7f.1` and `0177.0.0.1` too."""
    try:
        return ip_address(name)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(name))
    except (OSError, ValueError):  # ValueError: a NUL, or not ASCII
        return None


def check_host(host: str) -> None:
    """Refuse a host whose name or address is not public; no resolver is asked.

    Raises:
        ToolInputError: so it is.
    """
    name = host.lower().removesuffix(".")
    literal = _literal(name)
    if literal is None:
        _check_name(name)
    elif not is_public(literal):
        raise _not_public(name)


def _check_name(name: str) -> None:
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ToolInputError("the URL has no valid host name; give a full http:// or https:// address")
    if "." not in name or name.endswith(_LOCAL_NAMES):
        raise _not_public(name)


def _not_public(name: str) -> ToolInputError:
    return ToolInputError(f"{name} is not a public host; give the address of a public page")
