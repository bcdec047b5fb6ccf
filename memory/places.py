"""Parses settings that name a place: folder or Qdrant server, ledger database, HTTP server, encoder. Opens nothing.

What does not parse is refused, never taken for something else: an address without `http://` is no folder name.
"""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from memento.memory.arguments import checked_text, shown_value
from memento.memory.case import storable
from memento.memory.errors import InvalidInput
from memento.memory.reasons import masked

MAX_ENCODER_NAME: Final = 200
"""Maximum length of an encoder's name in the ledger."""

_MAX_NAME_BYTES: Final = 255
"""Longest name of a file or folder: that of Linux, macOS and, in characters, Windows."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/")
_SERVER_LIKE: Final = re.compile(r"(?i)(https?|grpcs?|qdrant|tcp)([:;](?!\d)|//)")
_DRIVE: Final = re.compile(r"[A-Za-z]:(\\|/(?!/))")
_ADDRESS: Final = re.compile(r"/*(?P<address>(\[[0-9A-Fa-f:.]+\]|[^/\\:]+):\d+)(/|$)")
_EXPLICIT: Final = ("./", "../", "~", ".\\", "..\\")
_POSTGRES_DRIVERS: Final = ("", "psycopg", "psycopg_async", "asyncpg")
"""Driver names that are read as psycopg, the installed one; earlier releases took others."""

_SQLITE_DRIVERS: Final = ("", "pysqlite", "aiosqlite")
_LEDGER_FORMS: Final = (
    "write sqlite:////folder/ledger.sqlite for a file, or postgresql+psycopg://user:password@host:5432/name"
)


class Location(NamedTuple):
    """Where cases are searched."""

    kind: Literal["folder", "memory", "server"]
    place: str
    """The folder, `:memory:`, or the server's URL."""


def parse_location(location: str | Path) -> Location:
    """Read the location of a memory.

    Args:
        location: a folder, `":memory:"`, or the `http://` or `https://` URL of a Qdrant server.

    Raises:
        InvalidInput: it is neither; the message shows what would be.
    """
    if isinstance(location, Path) and str(location) != ":memory:":
        return Location("folder", str(parse_folder(location, "the location")))
    if not isinstance(location, str | Path):
        raise InvalidInput(f"the location of a memory is a text or a Path, not {type(location).__name__}")
    text = str(location).strip()
    if text == ":memory:":
        return Location("memory", text)
    if text.lower() in ("memory:", "memory") or re.match(r":(?!:)", text):
        raise InvalidInput(f"the location {text!r} is not a folder or a valid URL; write ':memory:' to keep nothing")
    if re.match(r"(?i)https?://", text):
        return Location("server", parse_http_url(text, "the location"))
    return Location("folder", str(parse_folder(text, "the location", is_server_possible=True)))


def parse_folder(folder: str | Path, what: str, *, is_server_possible: bool = False) -> Path:
    """Read the path of a folder or file, which need not exist.

    Args:
        folder: its path; `~` stands for the home folder.
        what: names the setting in messages.
        is_server_possible: whether the setting takes a server's URL too, which messages then show.

    Raises:
        InvalidInput: blank, the address of a server, or what no file system takes.
    """
    if not isinstance(folder, str | Path):
        raise InvalidInput(f"{what} is the path of a folder or file, not {type(folder).__name__}")
    text = str(folder)
    if problem := _path_problem(text):
        raise InvalidInput(f"{what} {shown_value(text)} is not a valid path: {problem}")
    if not text.strip():
        raise InvalidInput(f"{what} is blank; give the path of a folder")
    if address := _server_address(text, is_path=isinstance(folder, Path)):
        shown, advice = _shown(text), "give its path"
        if is_server_possible and not text.lower().startswith("file:"):
            advice = f"write http://{_shown(address)} for a Qdrant server (its REST port, mostly 6333)"
            advice += "" if "/" in text else f", or ./{shown} for a folder of that name"
        raise InvalidInput(f"{what} {shown!r} looks like the address of a server, not a folder or file; {advice}")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise InvalidInput(f"{what} {text!r} cannot be resolved: {error}; give the whole path") from error


def _path_problem(text: str) -> str:
    """Why no file system takes a path; empty where one does."""
    if "\0" in text:
        return "it holds a NUL"
    if storable(text) != text:
        return "it holds half a surrogate pair"
    if any(len(part.encode()) > _MAX_NAME_BYTES for part in re.split(r"[/\\]", text)):
        return f"a name in it is longer than {_MAX_NAME_BYTES} bytes"
    return ""


def parse_http_url(url: str, what: str) -> str:
    """Read the URL of an HTTP server: scheme and host in lower case, everything else as it is.

    Args:
        url: with `http://` or `https://`.
        what: names the setting in messages.

    Raises:
        InvalidInput: blank, another scheme or none, no host, a port that is no port, spaces, a fragment.
    """
    text = checked_text(what, url).strip()
    shown = _shown(text)
    if not text:
        raise InvalidInput(f"{what} is blank; give a URL such as http://127.0.0.1:6333, or leave it out")
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        raise InvalidInput(
            f"{what} {shown!r} is not an http:// or https:// URL; write http://{_shown(_without_scheme(text))}"
        )
    problem = "it holds a space" if re.search(r"\s", text) or not text.isprintable() else _problem(text)
    if problem:
        raise InvalidInput(f"{what} {shown!r} is not the URL of a server: {problem}; write http://host:port")
    return f"{scheme.lower()}://{rest}"


def parse_ledger_url(url: str, what: str = "the ledger's URL") -> str:
    """Read the URL of a ledger's database, and complete it with the driver.

    Args:
        url: an SQLAlchemy URL of SQLite or Postgres; `postgres://` and `sqlite:///`, without a driver, are completed.
        what: names the setting in messages.

    Returns:
        The URL with `sqlite` or `postgresql+psycopg`; drivers that earlier releases asked for (aiosqlite, asyncpg) are
        read as these.

    Raises:
        InvalidInput: it is neither; the message never repeats the URL, which may hold a password.
    """
    text = checked_text(what, url).strip()
    scheme, separator, rest = text.partition("://")
    dialect, _, driver = scheme.lower().partition("+")
    if not separator or dialect not in ("sqlite", "postgres", "postgresql"):
        begins = f"begins with {scheme[:30]!r}, which is not" if separator else "is not"
        raise InvalidInput(f"{what} {begins} a database that a ledger can be kept in; {_LEDGER_FORMS}")
    if dialect == "sqlite":
        return _sqlite_url(rest, driver, what)
    if driver not in _POSTGRES_DRIVERS:
        raise InvalidInput(f"{what} names the driver {driver!r}, which is not supported; write postgresql+psycopg://")
    named = f"postgresql+psycopg://{rest}"
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(named)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or not (parsed.host or parsed.database or parsed.query.get("host")):
        raise InvalidInput(f"{what} is not a Postgres URL; write postgresql+psycopg://user:password@host:5432/name")
    return named


def parse_encoder_name(spec: str, what: str = "the encoder") -> tuple[str, str]:
    """Provider and model of `provider:model`.

    Raises:
        InvalidInput: it is not of this form.
    """
    provider, _, model = (part.strip() for part in spec.partition(":"))
    if not provider or not model or not provider.replace("_", "").isalnum() or model.startswith("//"):
        raise InvalidInput(f"{what} {spec!r} is not provider:model, such as openai:text-embedding-3-small")
    if len(spec) > MAX_ENCODER_NAME:
        raise InvalidInput(f"{what} has a name of {len(spec)} characters; at most {MAX_ENCODER_NAME} are kept")
    return provider.lower(), model


def _sqlite_url(rest: str, driver: str, what: str) -> str:
    if driver not in _SQLITE_DRIVERS:
        raise InvalidInput(f"{what} names the driver {driver!r}, which is not supported; {_LEDGER_FORMS}")
    path = rest.removeprefix("/")
    if not rest.startswith("/"):
        raise InvalidInput(f"{what} needs three slashes before a path: sqlite:///{rest or 'ledger.sqlite'}")
    if "\0" in path:
        raise InvalidInput(f"{what}: {path!r} is not a valid file name: it holds a NUL")
    if not path.strip() or path.startswith(":memory:") or "?" in path or path.endswith("/"):
        raise InvalidInput(f"{what} names no file: a ledger is kept in one, without options; {_LEDGER_FORMS}")
    return f"sqlite:///{path}"


def _server_address(text: str, *, is_path: bool) -> str:
    """Server address in a text that should be a path; empty when it is a path."""
    stripped = text.strip()
    if _DRIVE.match(stripped):
        return ""
    scheme = _SCHEME.match(stripped)
    if scheme or _SERVER_LIKE.match(stripped):
        return _without_scheme(stripped)
    if stripped.startswith(_EXPLICIT):
        return ""
    found = _ADDRESS.match(stripped)
    if found and (not is_path or _is_host(found["address"].rpartition(":")[0])):
        return found["address"]
    first = re.split(r"[/\\]", stripped)[0]
    if not is_path and (":" in first or _is_host(first)):
        return first.rstrip(":")
    return ""


def _is_host(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return name.lower() == "localhost" or name.lower().endswith((".qdrant.io", ".qdrant.tech"))
    return True


def _shown(text: str) -> str:
    """The text without passwords, those of an address without a scheme too."""
    return re.sub(r"^[^/\s]*@", "***@", masked(text))


def _without_scheme(text: str) -> str:
    """The part after a (mistyped) scheme: `http:/host`, `https//host`, `grpc://host` -> `host`."""
    return re.sub(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:/+|(?i:https?|grpcs?|qdrant|tcp)[:;/]+)", "", text).lstrip("/")


def _problem(url: str) -> str:
    """Problem of an http URL; empty when it is valid."""
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return masked(str(error)) if "Port" not in str(error) else "its port is not a number from 1 to 65535"
    if not parts.hostname:
        return "it names no host"
    if port == 0 or parts.netloc.endswith(":"):
        return "its port is not a number from 1 to 65535"
    if parts.fragment:
        return "it ends in a fragment (#...)"
    return ""
