"""Files from the web: they lie in the workspace, or there is a clear error and nothing lies there."""

import asyncio
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from memento.tools.errors import ToolError, ToolInputError, ToolUnavailable
from memento.tools.web.download_file import AT_ONCE, make_download_file
from memento.tools.web.fetch import Fetcher, FetchLimits
from memento.tools.web.ssrf_guard import AddressGuard
from memento.tools.workspace import Workspace
from tests.loopback_site import Answer, Site, serving

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "run")


async def download(
    site: Site,
    workspace: Workspace,
    path: str = "in/cat.png",
    *,
    url: str = "/cat",
    total_s: float = 2.0,
    is_heeding_robots: bool = False,
) -> str:
    limits = FetchLimits(total_s=total_s, file_bytes=20_000)
    guard = AddressGuard(allowed=[site.host])
    fetcher = Fetcher(guard=guard, limits=limits, is_heeding_robots=is_heeding_robots)
    return await make_download_file(fetcher=fetcher)(site.url + url, path, workspace=workspace)


def png(body: bytes = PNG, **headers: str) -> Answer:
    return Answer(body, headers={"Content-Type": "image/png", **headers})


async def test_a_file_of_any_kind_lies_in_the_workspace_when_it_was_downloaded(
    site: Site, workspace: Workspace
) -> None:
    site.answers["/cat"] = png()
    text = await download(site, workspace, url=site.redirect("/here", "/cat").removeprefix(site.url))
    assert text == f"in/cat.png (image/png, {len(PNG):,} bytes) from {site.url}/cat"
    assert await asyncio.to_thread(workspace.read, "in/cat.png", max_bytes=20_000) == PNG


async def test_a_packed_file_is_unpacked_and_its_size_counts_unpacked(site: Site, workspace: Workspace) -> None:
    site.answers["/cat"] = png(gzip.compress(PNG), **{"Content-Encoding": "gzip"})
    await download(site, workspace)
    assert await asyncio.to_thread(workspace.read, "in/cat.png", max_bytes=20_000) == PNG
    site.answers["/cat"] = png(gzip.compress(bytes(50_000_000)), **{"Content-Encoding": "gzip"})
    with pytest.raises(ToolInputError, match="more than 20,000 bytes"):
        await download(site, workspace)


@pytest.mark.parametrize(
    ("answer", "expected", "message"),
    [
        (png(bytes(20_001)), ToolInputError, "more than 20,000 bytes"),
        (Answer(PNG, is_endless=True), ToolInputError, "more than 20,000 bytes"),
        (png(b""), ToolInputError, "empty file"),
        (Answer(PNG, 404), ToolInputError, "no such page"),
        (Answer(PNG, 500), ToolUnavailable, "failed to answer"),
    ],
)
async def test_nothing_lies_there_when_it_fails(
    site: Site, workspace: Workspace, answer: Answer, expected: type[ToolError], message: str
) -> None:
    site.answers["/cat"] = answer
    with pytest.raises(expected, match=message):
        await download(site, workspace)
    assert await asyncio.to_thread(lambda: list(workspace.entries())) == []


async def test_nothing_lies_there_when_it_takes_too_long(site: Site, workspace: Workspace) -> None:
    site.answers["/cat"] = Answer(PNG, drip_s=0.1)
    with pytest.raises(ToolUnavailable, match=r"within 0\.3 s"):
        await download(site, workspace, total_s=0.3)
    assert await asyncio.to_thread(lambda: list(workspace.entries())) == []


async def test_the_whole_file_is_not_read_when_it_says_that_it_is_too_large(site: Site, workspace: Workspace) -> None:
    site.answers["/cat"] = Answer(PNG, headers={"Content-Length": "1000000000"}, drip_s=0.1)
    with pytest.raises(ToolInputError, match="more than 20,000 bytes"):
        await download(site, workspace)


async def test_robots_are_heeded(site: Site, workspace: Workspace) -> None:
    site.answers["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /cat", headers={"Content-Type": "text/plain"})
    site.answers["/cat"] = png()
    with pytest.raises(ToolInputError, match=r"robots\.txt forbids"):
        await download(site, workspace, is_heeding_robots=True)
    assert site.hits == ["/robots.txt"]


@pytest.mark.parametrize("path", ["../cat.png", "/etc/cat.png", "//etc/cat.png", ""])
async def test_nothing_is_written_outside_the_workspace(site: Site, workspace: Workspace, path: str) -> None:
    site.answers["/cat"] = png()
    with pytest.raises(ToolInputError, match="relative"):
        await download(site, workspace, path)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://169.254.169.254/", "file:///etc/passwd", "cat.png"])
async def test_no_private_address_is_asked_by_default(workspace: Workspace, url: str) -> None:
    with pytest.raises(ToolInputError):
        await make_download_file()(url, "a", workspace=workspace)
    assert await asyncio.to_thread(lambda: list(workspace.entries())) == []


async def test_a_file_is_replaced_when_it_is_there(site: Site, workspace: Workspace) -> None:
    site.answers["/cat"] = png()
    await asyncio.to_thread(workspace.write, "in/cat.png", bytes(30_000))
    await download(site, workspace)
    (entry,) = await asyncio.to_thread(lambda: list(workspace.entries()))
    assert (entry.path, entry.n_bytes) == ("in/cat.png", len(PNG))


async def test_further_downloads_wait_when_enough_are_running(site: Site, workspace: Workspace) -> None:
    fetcher = Fetcher(guard=AddressGuard(allowed=[site.host]), is_heeding_robots=False)
    download_file = make_download_file(fetcher=fetcher)
    site.answers["/slow"] = Answer(PNG, drip_s=0.5)
    site.answers["/cat"] = png()
    slow = [
        asyncio.ensure_future(download_file(f"{site.url}/slow", f"{number}", workspace=workspace))
        for number in range(AT_ONCE)
    ]
    third = asyncio.ensure_future(download_file(f"{site.url}/cat", "cat.png", workspace=workspace))
    while site.hits.count("/slow") < AT_ONCE:  # noqa: ASYNC110 - the site runs in a thread
        await asyncio.sleep(0.01)
    assert await asyncio.wait([third], timeout=0.2) == (set(), {third})
    assert "/cat" not in site.hits
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    assert "cat.png" in await third


def test_downloads_wait_for_their_turn_on_any_event_loop(site: Site, workspace: Workspace) -> None:
    fetcher = Fetcher(guard=AddressGuard(allowed=[site.host]), is_heeding_robots=False)
    download_file = make_download_file(fetcher=fetcher)
    site.answers["/cat"] = png()

    async def several() -> None:
        await asyncio.gather(
            *(download_file(f"{site.url}/cat", f"{number}", workspace=workspace) for number in range(AT_ONCE + 1))
        )

    asyncio.run(several())
    asyncio.run(several())
    assert len(list(workspace.entries())) == AT_ONCE + 1
