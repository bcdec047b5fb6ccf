"""Which hosts the guard lets through; that nothing else is reached is the suite in test_ssrf.py."""

import socket
from ipaddress import ip_address

import pytest

from memento.tools.errors import ToolInputError, ToolUnavailable
from memento.tools.web.ssrf_guard import AddressGuard, is_public, resolve
from tests.loopback_site import Names

PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    "address",
    [PUBLIC, "1.1.1.1", "2606:4700::1111", f"::ffff:{PUBLIC}", "64:ff9b::5db8:d70e", "2002:5db8:d70e::1"],
)
def test_an_address_is_public_when_it_is_and_so_is_what_it_wraps(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("port", [80, 443, 8080, 8443])
async def test_all_addresses_of_a_public_host_are_given_on_the_ports_of_the_web(port: int) -> None:
    names = Names(good_example=[PUBLIC, "2606:4700::1111", PUBLIC])
    assert await AddressGuard(resolver=names).addresses("Good.Example.", port) == [PUBLIC, "2606:4700::1111"]
    assert names.asked == ["good.example"]


async def test_nobody_is_asked_when_the_host_is_an_address() -> None:
    names = Names()
    assert await AddressGuard(resolver=names).addresses("1572394766", 80) == ["93.184.215.14"]
    assert names.asked == []


async def test_a_place_is_allowed_on_its_own_port_only() -> None:
    guard = AddressGuard(allowed=["searx.lan:8888", "[::1]:9000"], resolver=Names(searx_lan=["10.0.0.7"]))
    assert await guard.addresses("searx.lan", 8888) == ["10.0.0.7"]
    assert await guard.addresses("::1", 9000) == ["::1"]
    for host, port in (("searx.lan", 8080), ("10.0.0.7", 8080), ("::1", 8080)):
        with pytest.raises(ToolInputError):
            await guard.addresses(host, port)


async def test_a_network_is_allowed_on_the_ports_of_the_web_only() -> None:
    guard = AddressGuard(allowed=["10.1.0.0/16"], resolver=Names(wiki_example=["10.1.2.3"], db_example=["10.2.0.1"]))
    assert await guard.addresses("wiki.example", 8080) == ["10.1.2.3"]
    for host, port in (("wiki.example", 5432), ("db.example", 8080)):
        with pytest.raises(ToolInputError):
            await guard.addresses(host, port)


@pytest.mark.parametrize("entry", ["localhost", "10.0.0.1/8", "*", "", "http://a.example", "a b:80"])
def test_a_guard_is_refused_when_an_exception_makes_no_sense(entry: str) -> None:
    with pytest.raises(ValueError, match="neither host:port nor a network"):
        AddressGuard(allowed=[entry])


async def test_the_error_tells_a_name_that_is_not_known_from_a_resolver_that_is_down() -> None:
    async def down(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    with pytest.raises(ToolInputError, match="there is no host"):
        await AddressGuard(resolver=Names()).addresses("nowhere.example", 80)
    with pytest.raises(ToolUnavailable, match="once more later"):
        await AddressGuard(resolver=down).addresses("good.example", 80)


async def test_the_systems_resolver_is_asked_without_blocking() -> None:
    assert "127.0.0.1" in await resolve("localhost", 80)
