"""No URL that a model writes, and no redirect of a page, reaches a server that is not public.

A server on loopback plays the internal one. Its port is allowed, so nothing but the judgement of addresses stands in
the way; that it was never hit proves each case.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from pytest_socket import SocketConnectBlockedError

from memento.tools.errors import ToolInputError
from memento.tools.web.fetch import Fetcher
from memento.tools.web.ssrf_guard import AddressGuard
from tests.loopback_site import Names, Site, serving

PUBLIC = "93.184.215.14"


class Attack(NamedTuple):
    """A URL, with `{port}` for the internal server's, and what DNS says meanwhile."""

    name: str
    url: str
    names: dict[str, list[str]] = {}  # noqa: RUF012  a NamedTuple's default, never changed


DIRECT = (
    Attack("literal", "http://127.0.0.1:{port}/secret"),
    Attack("another literal of the loopback network", "http://127.8.9.1:{port}/secret"),
    Attack("decimal", "http://2130706433:{port}/secret"),
    Attack("hexadecimal", "http://0x7f000001:{port}/secret"),
    Attack("hexadecimal parts", "http://0x7f.0x0.0x0.0x1:{port}/secret"),
    Attack("octal", "http://0177.0.0.1:{port}/secret"),
    Attack("octal whole", "http://017700000001:{port}/secret"),
    Attack("short", "http://127.1:{port}/secret"),
    Attack("zero", "http://0.0.0.0:{port}/secret"),
    Attack("short zero", "http://0:{port}/secret"),
    Attack("v6 loopback", "http://[::1]:{port}/secret"),
    Attack("v6 unspecified", "http://[::]:{port}/secret"),
    Attack("v4 mapped", "http://[::ffff:127.0.0.1]:{port}/secret"),
    Attack("v4 mapped in hexadecimal", "http://[::ffff:7f00:1]:{port}/secret"),
    Attack("v4 compatible", "http://[::127.0.0.1]:{port}/secret"),
    Attack("v4 translated", "http://[::ffff:0:7f00:1]:{port}/secret"),
    Attack("6to4", "http://[2002:7f00:1::]:{port}/secret"),
    Attack("Teredo", "http://[2001:0:7f00:1::80ff:fffe]:{port}/secret"),
    Attack("NAT64", "http://[64:ff9b::7f00:1]:{port}/secret"),
    Attack("local NAT64", "http://[64:ff9b:1::7f00:1]:{port}/secret"),
    Attack("v6 link-local with a zone", "http://[fe80::1%25lo]:{port}/secret"),
    Attack("v6 unique local, a cloud's metadata", "http://[fd00:ec2::254]:{port}/latest/meta-data/"),
    Attack("v6 site-local", "http://[fec0::1]:{port}/secret"),
    Attack("cloud metadata", "http://169.254.169.254:{port}/latest/meta-data/"),
    Attack("cloud metadata of another cloud", "http://100.100.100.200:{port}/latest/meta-data/"),
    Attack("a cloud's control channel", "http://168.63.129.16:{port}/machine"),
    Attack("private network", "http://10.0.0.1:{port}/"),
    Attack("multicast", "http://224.0.0.1:{port}/"),
    Attack("broadcast", "http://255.255.255.255:{port}/"),
    Attack("localhost", "http://localhost:{port}/secret"),
    Attack("localhost with a trailing dot", "http://localhost.:{port}/secret"),
    Attack("below localhost", "http://app.localhost:{port}/secret"),
    Attack("literal with a trailing dot", "http://127.0.0.1.:{port}/secret"),
    Attack("name with a trailing dot", "http://evil.example.:{port}/secret", {"evil.example": ["127.0.0.1"]}),
    Attack("DNS to loopback", "http://evil.example:{port}/secret", {"evil.example": ["127.0.0.1"]}),
    Attack("DNS to a private network", "http://evil.example:{port}/", {"evil.example": ["192.168.1.1"]}),
    Attack("DNS to mapped loopback", "http://evil.example:{port}/secret", {"evil.example": ["::ffff:127.0.0.1"]}),
    Attack("mixed records", "http://evil.example:{port}/secret", {"evil.example": [PUBLIC, "127.0.0.1"]}),
    Attack("mixed records, private first", "http://evil.example:{port}/secret", {"evil.example": ["::1", PUBLIC]}),
    Attack("a name in capitals", "http://EVIL.example:{port}/secret", {"evil.example": ["127.0.0.1"]}),
    Attack("internal name", "http://metadata.google.internal:{port}/", {"metadata.google.internal": [PUBLIC]}),
    Attack("single label", "http://intranet:{port}/", {"intranet": [PUBLIC]}),
    Attack("user name", "http://evil.example@127.0.0.1:{port}/secret"),
    Attack("user name to a public host", "http://user:password@evil.example:{port}/", {"evil.example": [PUBLIC]}),
    Attack("backslash", "http://evil.example\\@127.0.0.1:{port}/secret", {"evil.example": [PUBLIC]}),
    Attack("fragment for a host", "http://127.0.0.1:{port}#@evil.example/", {"evil.example": [PUBLIC]}),
    Attack("circled digits", "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460:{port}/secret"),
    Attack("full-width digits", "http://\uff11\uff12\uff17.\uff10.\uff10.\uff11:{port}/secret"),
    Attack("ideographic full stops", "http://127\u30020\u30020\u30021:{port}/secret"),
    Attack("full-width name", "http://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54:{port}/secret"),
    Attack("soft hyphen in a name", "http://local\u00adhost:{port}/secret"),
    Attack("percent-encoded host", "http://127%2e0%2e0%2e1:{port}/secret"),
    Attack("NUL in a host", "http://127.0.0.1%00.evil.example:{port}/", {"127.0.0.1%00.evil.example": [PUBLIC]}),
    Attack("no host", "http:///127.0.0.1:{port}/secret"),
    Attack("file", "file:///etc/passwd"),
    Attack("file on a host", "file://127.0.0.1/etc/passwd"),
    Attack("gopher", "gopher://127.0.0.1:{port}/_GET%20/secret"),
    Attack("ftp", "ftp://127.0.0.1:{port}/secret"),
    Attack("data", "data:text/html,<p>secret</p>"),
    Attack("javascript", "javascript:alert(1)"),
    Attack("ssh's port on a public host", "http://evil.example:22/", {"evil.example": [PUBLIC]}),
    Attack("a database's port on a public host", "http://evil.example:6379/", {"evil.example": [PUBLIC]}),
    Attack("port zero", "http://evil.example:0/", {"evil.example": [PUBLIC]}),
    Attack("port beyond all", "http://evil.example:65616/", {"evil.example": [PUBLIC]}),
    Attack("proxied", "http://127.0.0.1:{port}/secret?http://evil.example/", {"evil.example": [PUBLIC]}),
)
REDIRECTS = (
    *(attack for attack in DIRECT if attack.url.isascii()),
    Attack("to no scheme", "//127.0.0.1:{port}/secret"),
    Attack("to a name without a scheme", "//evil.example:{port}/secret", {"evil.example": ["127.0.0.1"]}),
)
REBINDING = ("between check and connection", "between a page and its redirect")
N_CASES = len(DIRECT) + len(REDIRECTS) + len(REBINDING)


class Scene(NamedTuple):
    """Servers, and a fetcher that may go to the public one."""

    internal: Site
    public: Site
    names: Names
    fetcher: Fetcher

    def begins(self, names: dict[str, list[str]] | None = None) -> None:
        """Forget what was, and tell DNS what it says from now on."""
        self.internal.hits.clear()
        self.public.hits.clear()
        self.names.asked.clear()
        self.names.known = {"good.example": ["127.0.0.1"], **(names or {})}


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with serving() as internal, serving() as public:
        internal.page("/secret", "<p>SECRET</p>")
        internal.page("/", "<p>SECRET</p>")
        names = Names()
        yield Scene(internal, public, names, fetcher(internal, names, f"good.example:{public.port}"))


def fetcher(internal: Site, names: Names, *allowed: str) -> Fetcher:
    guard = AddressGuard(allowed=allowed, ports={80, 443, internal.port}, resolver=names)
    return Fetcher(guard=guard, is_heeding_robots=False)


@pytest.mark.parametrize("attack", DIRECT, ids=[attack.name for attack in DIRECT])
async def test_nothing_is_reached_when_a_model_asks_for(attack: Attack, scene: Scene) -> None:
    scene.begins(attack.names)
    with pytest.raises(ToolInputError):
        await scene.fetcher.get(attack.url.format(port=scene.internal.port))
    assert scene.internal.hits == []


@pytest.mark.parametrize("attack", REDIRECTS, ids=[attack.name for attack in REDIRECTS])
async def test_nothing_is_reached_when_a_page_redirects_to(attack: Attack, scene: Scene) -> None:
    scene.begins(attack.names)
    scene.public.redirect("/start", attack.url.format(port=scene.internal.port))
    with pytest.raises(ToolInputError):
        await scene.fetcher.get(f"http://good.example:{scene.public.port}/start")
    assert scene.public.hits == ["/start"]
    assert scene.internal.hits == []


async def test_the_checked_address_is_connected_to_when_the_name_is_rebound_meanwhile(scene: Scene) -> None:
    scene.begins()
    scene.names.known["evil.example"] = [[PUBLIC], ["127.0.0.1"]]
    assert await tried(scene.fetcher, f"http://evil.example:{scene.internal.port}/secret") == PUBLIC
    assert scene.names.asked == ["evil.example"]
    assert scene.internal.hits == []


async def test_a_name_is_judged_again_when_it_is_rebound_between_a_page_and_its_redirect(scene: Scene) -> None:
    scene.begins()
    port = scene.internal.port
    guard = AddressGuard(allowed=["127.0.0.1"], ports={port}, resolver=scene.names)
    scene.names.known["evil.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    scene.internal.redirect("/again", f"http://evil.example:{port}/secret")
    with pytest.raises(ToolInputError, match="not a public host"):
        await Fetcher(guard=guard, is_heeding_robots=False).get(f"http://evil.example:{port}/again")
    assert scene.names.asked == ["evil.example", "evil.example"]
    assert scene.internal.hits == ["/again"]


@pytest.mark.parametrize("allowed", ["127.0.0.1:{port}", "127.0.0.0/8", "127.0.0.1"])
async def test_the_internal_server_is_reached_when_the_user_allows_it(scene: Scene, allowed: str) -> None:
    scene.begins()
    port = scene.internal.port
    page = await fetcher(scene.internal, scene.names, allowed.format(port=port)).get(f"http://127.0.0.1:{port}/secret")
    assert b"SECRET" in page.content
    assert scene.internal.hits == ["/secret"]


async def test_no_proxy_is_used_when_the_environment_names_one(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.begins({"open.example": [PUBLIC]})
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, scene.internal.url)
    assert await tried(scene.fetcher, "http://open.example/") == PUBLIC
    assert scene.internal.hits == []


async def tried(fetcher: Fetcher, url: str) -> str:
    """Fetch; the address that was connected to, as the suite's guard of the network reports it."""
    with pytest.raises(ExceptionGroup) as caught:
        await fetcher.get(url)
    (error,) = caught.value.exceptions
    assert isinstance(error, SocketConnectBlockedError)
    return str(error).split('"')[1]


def test_the_suite_is_as_large_as_promised() -> None:
    print(f"SSRF: {N_CASES} cases ({len(DIRECT)} direct, {len(REDIRECTS)} by redirect, {len(REBINDING)} by rebinding)")  # noqa: T201
    assert N_CASES >= 18
    assert len({attack.name for attack in DIRECT}) == len(DIRECT)
