"""Finds secrets in environment variables, settings and headers, by their names and values."""

import base64
import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

_WORD: Final = re.compile(
    "KEYS?|TOKENS?|SECRETS?|PASS|PASSWORDS?|PASSWD|PASSPHRASE|PWD|PAT|COOKIES?|AUTHN?|AUTHORIZATION|BEARER|CREDENTIALS?"
    "|CREDS?|JWT.*|JWKS?|DSN|SAS|SIG|SIGNATURE|WEBHOOKS?|OTP|CONNSTR|CONNECTIONSTRINGS?"
    "|.+(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|KEY|DSN|CREDENTIALS|COOKIE)"
)
_OTHER_WORD: Final = re.compile("MONKEY|DONKEY|TURKEY|WHISKEY|JOCKEY|HOCKEY|HOTKEY|MICKEY|PUBKEY")
_PAIRS: Final = re.compile(r"\b(?:CONNECTION|CONN) (?:STRINGS?|STR)\b")
_ABOUT_ONE: Final = re.compile(
    "SOCK|SOCKET|PATH|FILES?|DIR|FOLDER|TYPE|METHOD|MODE|PROVIDER|LIMIT|COUNT|SIZE|LENGTH|TIMEOUT|TTL|ENABLED|ENDPOINT"
    "|HOST|PORT|ISSUER|AUDIENCE|SCOPES?|ALGORITHM|ALG|DOMAIN|REGION|VERSION|USERNAME|EMAIL|NAME"
)
"""Last words of names that tell something about a secret, and hold none."""
_COUNTED: Final = frozenset({"MAX", "MIN", "NUM", "BUDGET"})
_ADDRESS: Final = re.compile("UR[LI]S?")
_IN_ADDRESS: Final = re.compile("WEBHOOKS?|.*DSN|SAS")
_NOT_SECRET: Final = frozenset({"PWD", "OLDPWD"})
"""Where a shell is, and where it was."""

_URL: Final = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s\"'<>]+")
_PASSWORD: Final = re.compile(r"://[^/?#@:\s]*:(\S+)@")
_PAIR: Final = re.compile(r"([A-Za-z][\w .-]*?)\s*=\s*(\"[^\"]*\"|'[^']*'|[^;]*)(?:;|$)")
_LIBPQ_PAIR: Final = re.compile(r"(\w+)\s*=\s*('[^']*'|\S+)")
_PART: Final = re.compile(r"(?!---)[^=]{16,}=*")
"""One of several keys, or a line of one; not `name=value`."""
_SEVERAL: Final = re.compile(r"[,;\s]+")
_MIN_PART_CHARS: Final = 16
_MAX_DEPTH: Final = 8


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a variable, setting, header or parameter of this name is secret: `OPENAI_API_KEY_2`, `dbPassword`.

    Args:
        name: in any case, its words parted by anything that is no letter and no digit, or by a capital.
    """
    if name.upper() in _NOT_SECRET:
        return False
    words = _words(name)
    found = {word for word in words if _WORD.fullmatch(word) and not _OTHER_WORD.fullmatch(word)}
    if not found and not _PAIRS.search(" ".join(words)):
        return False
    if _ADDRESS.fullmatch(words[-1]):
        return any(_IN_ADDRESS.fullmatch(word) for word in words)
    is_number = found and found <= {"TOKEN", "TOKENS"} and _COUNTED.intersection(words)
    return not is_number and not _ABOUT_ONE.fullmatch(words[-1])


def secrets_of(values: Mapping[str, str]) -> Iterator[str]:
    """Yield secrets among named values: those with secret names, whole and in parts, and those in URLs."""
    for name, value in values.items():
        if is_secret_name(name):
            yield from _whole_and_parts(value)
        else:
            yield from secrets_in_urls(value)


def secrets_in_urls(text: str) -> Iterator[str]:
    """Yield passwords and secret parameters of all URLs in a text, raw and decoded."""
    if "://" not in text:
        return
    for found in _PASSWORD.findall(text):  # up to the last @: a password may hold a raw one, or a slash
        yield from _decoded(found)
    for url in _URL.findall(text):
        place, _, rest = url.partition("://")[2].partition("/")
        if ":" in (user := place.rpartition("@")[0]):
            yield from _decoded(user.partition(":")[2])
        query = rest.partition("?")[2] or place.partition("?")[2]
        for name, value in parse_qsl(query.partition("#")[0]):
            if is_secret_name(name):
                yield from _decoded(value)
        for name, value in re.findall(r"([^?&=#]+)=([^&#]*)", query):
            if is_secret_name(name):
                yield value


def secrets_in_arguments(arguments: Sequence[str]) -> Iterator[str]:
    """Yield secrets among a command's arguments: `--api-key=x`, `--token x`, `NAME_KEY=x`, URLs."""
    for argument, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        name, _, value = argument.partition("=")
        if is_secret_name(name) and (value or argument.startswith("-")):
            yield from _whole_and_parts(value or following)
        else:
            yield from secrets_in_urls(argument)


def _words(name: str) -> list[str]:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    words = (word.upper().rstrip("0123456789") for word in re.split(r"[^A-Za-z0-9]+", parted))
    return [word for word in words if word] or [""]


def _whole_and_parts(value: str) -> Iterator[str]:
    """Return a secret and its quotable parts: a line of a private key, a connection string's password."""
    yield value
    if value != value.strip():
        yield value.strip()
    yield from _of_header(value)
    yield from secrets_in_urls(value)
    yield from _of_address(value)
    yield from _of_pairs(value)
    yield from _of_json(value)
    yield from filter(_PART.fullmatch, _SEVERAL.split(value))


def _of_header(value: str) -> Iterator[str]:
    """Return the credentials of an Authorization header; of a Basic one, the password too (RFC 7617)."""
    scheme, _, credentials = value.partition(" ")
    if scheme.lower() not in ("bearer", "basic", "token", "apikey"):
        return
    yield credentials.strip()
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            yield base64.b64decode(credentials).decode().partition(":")[2]


def _of_address(value: str) -> Iterator[str]:
    """Return the secret part of a webhook address or a DSN."""
    if "://" not in value or _SEVERAL.search(value):
        return
    try:
        parts = urlsplit(value)
    except ValueError:
        return
    if parts.username and len(parts.username) >= _MIN_PART_CHARS:
        yield parts.username
    path = parts.path.strip("/")
    if len(path) >= _MIN_PART_CHARS:
        yield path
    yield from (part for part in path.split("/") if len(part) >= _MIN_PART_CHARS)


def _of_pairs(value: str) -> Iterator[str]:
    """Return the secrets of `Server=x;Password=y` and of `host=x password=y`."""
    for pattern in (_PAIR, _LIBPQ_PAIR):
        for name, given in pattern.findall(value) if "=" in value else ():
            if is_secret_name(name):
                yield given.strip("\"' ")


def _of_json(value: str) -> Iterator[str]:
    if not value.lstrip().startswith(("{", "[")):
        return
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return
    yield from _leaves(found, is_secret=False, depth=0)


def _leaves(value: Any, *, is_secret: bool, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        if is_secret:
            yield value
            yield from (line for line in value.split("\n") if len(line) >= _MIN_PART_CHARS and "-----" not in line)
    elif depth < _MAX_DEPTH and isinstance(value, dict):
        for name, one in value.items():
            yield from _leaves(one, is_secret=is_secret_name(str(name)), depth=depth + 1)
    elif depth < _MAX_DEPTH and isinstance(value, list):
        for one in value:
            yield from _leaves(one, is_secret=is_secret, depth=depth + 1)


def _decoded(text: str) -> Iterator[str]:
    yield text
    if "%" in text:
        yield unquote(text)
