"""Search by the ddgs extra: its real client, behind a proxy that refuses everything."""

import sys
from collections.abc import Iterator

import pytest

from memento.tools.errors import ToolUnavailable
from memento.tools.web.ddgs import Ddgs
from tests.loopback_site import Site, serving


@pytest.fixture
def proxy() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.mark.slow
async def test_the_error_is_clear_when_no_engine_answers(proxy: Site) -> None:
    pytest.importorskip("ddgs")
    with pytest.raises(ToolUnavailable, match="no search engine answered"):
        await Ddgs(proxy=proxy.url, timeout_s=2).search("columbia county", 3)


async def test_the_extra_is_named_when_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ddgs", None)
    with pytest.raises(ToolUnavailable, match=r"pip install 'memento-langgraph\[ddgs\]'"):
        await Ddgs().search("columbia county", 3)


def test_the_proxy_is_hidden_when_it_is_printed() -> None:
    assert "secret" not in repr(Ddgs(proxy="http://user:secret@proxy.example"))
