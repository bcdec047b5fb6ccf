"""Pages are left alone where a site's robots.txt says so."""

from collections.abc import Awaitable, Callable, Iterator

import pytest

from memento.tools.errors import ToolUnavailable
from memento.tools.web.fetch import Fetcher, PageRefused
from memento.tools.web.robots import FRESH_S, MAX_SITES, Robots, RobotsFile
from memento.tools.web.ssrf_guard import AddressGuard
from tests.loopback_site import Answer, Site, serving

RULES = b"""\xef\xbb\xbfUser-agent: *
Disallow: /private/
Disallow: /*.cgi$
Allow: /private/open

User-agent: memento-langgraph
Disallow: /ours
"""


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


def fetcher(site: Site, *, is_heeding_robots: bool = True) -> Fetcher:
    return Fetcher(guard=AddressGuard(allowed=[site.host]), is_heeding_robots=is_heeding_robots)


async def test_a_page_is_left_alone_when_robots_txt_forbids_it(site: Site) -> None:
    site.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /a")
    with pytest.raises(PageRefused, match=r"robots\.txt forbids"):
        await fetcher(site).get(site.page("/a", "x"))
    assert site.hits == ["/robots.txt"]


async def test_a_page_is_read_when_robots_txt_is_to_be_ignored(site: Site) -> None:
    site.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /")
    await fetcher(site, is_heeding_robots=False).get(site.page("/a", "x"))
    assert site.hits == ["/a"]


async def test_the_file_is_asked_for_once_when_many_pages_are_read(site: Site) -> None:
    site.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /other")
    fetch = fetcher(site)
    for path in ("/a", "/b", "/c"):
        await fetch.get(site.page(path, "x"))
    assert site.hits == ["/robots.txt", "/a", "/b", "/c"]


async def test_the_target_is_left_alone_when_a_page_redirects_to_what_is_forbidden(site: Site) -> None:
    site.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /b")
    site.page("/b", "x")
    with pytest.raises(PageRefused):
        await fetcher(site).get(site.redirect("/a", "/b"))
    assert site.hits == ["/robots.txt", "/a"]


@pytest.mark.parametrize("status", [404, 403, 410])
async def test_everything_is_allowed_when_there_is_no_file(site: Site, status: int) -> None:
    site.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /", status)
    await fetcher(site).get(site.page("/a", "x"))


async def test_nothing_is_read_when_the_site_cannot_say_what_is_allowed(site: Site) -> None:
    site.answers["/robots.txt"] = Answer(status=503)
    with pytest.raises(ToolUnavailable, match=r"robots\.txt cannot be read now"):
        await fetcher(site).get(site.page("/a", "x"))
    site.answers["/robots.txt"] = Answer()
    await fetcher(site).get(f"{site.url}/a")


async def test_everything_is_allowed_when_the_file_redirects_in_a_circle(site: Site) -> None:
    site.redirect("/robots.txt", "/robots.txt")
    await fetcher(site).get(site.page("/a", "x"))


@pytest.mark.parametrize(
    ("agent", "path", "expected"),
    [
        ("someone", "/", True),
        ("someone", "/private/x", False),
        ("someone", "/private/open", True),
        ("someone", "/a/b.cgi", False),
        ("someone", "/a/b.cgi?x=1", True),
        ("memento-langgraph", "/private/x", True),
        ("memento-langgraph", "/ours/x", False),
    ],
)
async def test_rules_are_read_as_the_standard_says(agent: str, path: str, expected: bool) -> None:
    assert await Robots(agent=agent).allows(f"http://a.example{path}", "a", _file(RULES)) is expected


async def test_the_file_is_asked_for_again_when_it_is_old() -> None:
    now = [0.0]
    robots = Robots(agent="x", clock=lambda: now[0])
    assert await robots.allows("http://a.example/p", "a", _file(b""))
    assert await robots.allows("http://a.example/p", "a", _file(b"User-agent: *\nDisallow: /"))
    now[0] += FRESH_S + 1
    assert not await robots.allows("http://a.example/p", "a", _file(b"User-agent: *\nDisallow: /"))


async def test_the_sites_used_longest_ago_are_forgotten_when_there_are_many() -> None:
    asked: list[str] = []
    robots = Robots(agent="x")

    async def ask(site: str) -> None:
        async def get() -> RobotsFile:
            asked.append(site)
            return RobotsFile(404, b"")

        await robots.allows("http://a.example/", site, get)

    for number in range(MAX_SITES):
        await ask(f"{number}")
    await ask("0")
    await ask("one more")
    asked.clear()
    await ask("0")
    await ask("1")
    assert asked == ["1"]


def _file(content: bytes) -> Callable[[], Awaitable[RobotsFile]]:
    async def get() -> RobotsFile:
        return RobotsFile(200, content)

    return get
