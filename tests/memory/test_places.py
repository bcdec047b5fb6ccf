"""Settings that name a place: parsed or refused with the right form, never taken for something else."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.places import (
    parse_encoder_name,
    parse_folder,
    parse_http_url,
    parse_ledger_url,
    parse_location,
)
from tests.hashing_encoder import HashingEncoder

HOME = Path.home()


@pytest.mark.parametrize(
    ("location", "kind", "place"),
    [
        (":memory:", "memory", ":memory:"),
        (" :memory: ", "memory", ":memory:"),
        ("http://127.0.0.1:6333", "server", "http://127.0.0.1:6333"),
        ("HTTPS://q.example.com/prefix/", "server", "https://q.example.com/prefix/"),
        ("http://[::1]:6333", "server", "http://[::1]:6333"),
        ("http://me:pa:ss@q:6333", "server", "http://me:pa:ss@q:6333"),
        ("bank", "folder", "bank"),
        ("./bank", "folder", "bank"),
        ("./a:1", "folder", "a:1"),
        ("./localhost:6333", "folder", "localhost:6333"),
        ("../a:b", "folder", "../a:b"),
        ("/srv/a:1", "folder", "/srv/a:1"),
        ("~/a:1", "folder", str(HOME / "a:1")),
        ("bank/a:1", "folder", "bank/a:1"),
        ("my bank", "folder", "my bank"),
        ("bank.v1.2", "folder", "bank.v1.2"),
        ("rest/x", "folder", "rest/x"),
        ("http", "folder", "http"),
        ("memories", "folder", "memories"),
        ("C:\\bank", "folder", "C:\\bank"),
        ("C:/bank", "folder", "C:/bank"),
        ("bänke/知识", "folder", "bänke/知识"),
        (Path("bank"), "folder", "bank"),
        (Path("a:1"), "folder", "a:1"),
        (Path("/srv/a:1"), "folder", "/srv/a:1"),
    ],
)
def test_location_is_read(location: str | Path, kind: str, place: str) -> None:
    assert parse_location(location) == (kind, place)


@pytest.mark.parametrize(
    ("location", "advice"),
    [
        ("127.0.0.1:6333", "write http://127.0.0.1:6333 .*or ./127.0.0.1:6333 for a folder"),
        ("localhost:6333", "http://localhost:6333"),
        ("qdrant.example.com:6333", "http://qdrant.example.com:6333"),
        ("qdrant:6333/prefix", "http://qdrant:6333"),
        ("[::1]:6333", r"http://\[::1\]:6333"),
        ("//qdrant:6333", "http://qdrant:6333"),
        ("me:hidden@qdrant:6333", "http://[*]{3}@qdrant:6333"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("::1", "server"),
        ("localhost", "http://localhost"),
        ("xyz.eu-central.aws.cloud.qdrant.io", "http://xyz"),
        ("a:1", "./a:1 for a folder"),
        ("bank:latest", "./bank:latest"),
        ("bank:", "./bank:"),
        ("grpc://qdrant:6334", "write http://qdrant:6334"),
        ("qdrant://h", "http://h"),
        ("tcp://h:1", "http://h:1"),
        ("x://y", "http://y"),
        ("file:///tmp/bank", "give its path"),
        ("ftp://me:hidden@h/x", "http://[*]{3}@h/x"),
        ("http:/h:6333", "write http://h:6333"),
        ("http:h:6333", "write http://h:6333"),
        ("https//h", "write http://h"),
        ("http//h", "write http://h"),
        ("http;//h", "write http://h"),
        ("htp://h", "write http://h"),
        ("http://", "names no host"),
        ("http://:6333", "names no host"),
        ("http:///bank", "names no host"),
        ("http://h:0", "port"),
        ("http://h:", "port"),
        ("http://h:99999", "port"),
        ("http://h:port", "port"),
        ("http://me:hidden@h:port", r"http://\*\*\*@h:port"),
        ("http://[::1", "not the URL"),
        ("http://h h", "space"),
        ("http://h#x", "fragment"),
        (":memory", "':memory:'"),
        ("memory:", "':memory:'"),
        (":mem:", "':memory:'"),
        ("", "blank"),
        ("  ", "blank"),
        ("a\0b", "holds a NUL"),
        ("~nobody-of-this-name/bank", "whole path"),
        (Path("http://h"), "server"),
        (Path("localhost:6333"), "server"),
        (None, "NoneType"),
        (5, "int"),
    ],
)
def test_location_is_refused_with_the_right_form(location: Any, advice: str) -> None:
    with pytest.raises(InvalidInput, match=advice) as caught:
        CaseMemory.open(location, encoder=HashingEncoder())
    assert "hidden" not in str(caught.value)


def test_a_folder_with_a_colon_is_used_when_it_is_given_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def written() -> str | None:
        async with CaseMemory.open("./a:1", encoder=HashingEncoder()) as memory:
            return await memory.write(state="a", action="b", reward=1.0)

    monkeypatch.chdir(tmp_path)
    assert asyncio.run(written())
    assert (tmp_path / "a:1" / "ledger.sqlite").is_file()


def test_a_home_that_is_a_server_is_refused() -> None:
    with pytest.raises(InvalidInput, match="the home 'http://h'"):
        CaseMemory.open("http://127.0.0.1:9", encoder=HashingEncoder(), home="http://h")
    with pytest.raises(InvalidInput, match="blank"):
        CaseMemory.open("http://127.0.0.1:9", encoder=HashingEncoder(), home=" ")


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("sqlite+aiosqlite:////data/l.sqlite", "sqlite:////data/l.sqlite"),
        ("sqlite:///l.sqlite", "sqlite:///l.sqlite"),
        ("SQLite:////data/l.sqlite", "sqlite:////data/l.sqlite"),
        ("postgres://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("postgresql://u:p@h:5432/db", "postgresql+psycopg://u:p@h:5432/db"),
        ("postgresql+psycopg://u:p@h/db?sslmode=require", "postgresql+psycopg://u:p@h/db?sslmode=require"),
        ("postgresql+asyncpg://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("postgresql:///db?host=/run/postgresql", "postgresql+psycopg:///db?host=/run/postgresql"),
        ("postgresql://u:p%40ss@h/db", "postgresql+psycopg://u:p%40ss@h/db"),
        (" postgres://u:p@h/db\n", "postgresql+psycopg://u:p@h/db"),
    ],
)
def test_ledger_url_is_completed(url: str, read: str) -> None:
    assert parse_ledger_url(url) == read


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("", "sqlite:////folder"),
        ("/data/l.sqlite", "sqlite:////folder"),
        ("l.sqlite", "sqlite:////folder"),
        ("h:5432", "postgresql.psycopg://"),
        ("postgresql//u:hidden@h/db", "postgresql.psycopg://"),
        ("postgresql:/u:hidden@h/db", "postgresql.psycopg://"),
        ("mysql://u:hidden@h/db", "begins with 'mysql'"),
        ("http://h", "begins with 'http'"),
        ("postgresql://", "postgresql.psycopg://user"),
        ("postgresql://u:hidden@h:port/db", "postgresql.psycopg://user"),
        ("postgresql+psycopg2://u:hidden@h/db", "'psycopg2', which is not supported"),
        ("sqlite+pysqlcipher:///l.sqlite", "'pysqlcipher', which is not supported"),
        ("sqlite://l.sqlite", "three slashes"),
        ("sqlite://", "three slashes"),
        ("sqlite:///", "no file"),
        ("sqlite:///:memory:", "no file"),
        ("sqlite:///folder/", "no file"),
        ("sqlite:///l.sqlite?mode=ro", "without options"),
    ],
)
def test_ledger_url_is_refused_with_the_right_form(url: str, advice: str) -> None:
    with pytest.raises(InvalidInput, match=advice) as caught:
        CaseMemory.open("bank", encoder=HashingEncoder(), ledger_url=url)
    assert "hidden" not in str(caught.value)


async def test_a_ledger_without_a_named_driver_is_opened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    async with CaseMemory.open(tmp_path / "bank", encoder=HashingEncoder(), ledger_url=url) as memory:
        await memory.write(state="a", action="b", reward=1.0)
    assert (tmp_path / "elsewhere.sqlite").is_file()


def test_messages_name_the_setting() -> None:
    with pytest.raises(InvalidInput, match=r"^MEMENTO_SEARXNG_URL 'searx:8888' is not"):
        parse_http_url("searx:8888", "MEMENTO_SEARXNG_URL")
    with pytest.raises(InvalidInput, match=r"^MEMENTO_MCP 'https://h/mcp.json' looks like.*give its path$"):
        parse_folder("https://h/mcp.json", "MEMENTO_MCP")
    with pytest.raises(InvalidInput, match=r"^MEMENTO_ENCODER 'e5' is not provider:model"):
        parse_encoder_name("e5", "MEMENTO_ENCODER")
    assert parse_encoder_name("OpenAI:org/e5:latest") == ("openai", "org/e5:latest")
