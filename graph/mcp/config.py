"""Parses the `mcpServers` file, as Claude Desktop, Cursor and VS Code write it.

One wrong entry costs that one server: it is told with the file, the server and the field. What is not known here is
left alone, for other programs read the same file.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from memento.memory.errors import InvalidInput
from memento.nodes.secret_names import secrets_in_arguments, secrets_in_urls, secrets_of

_VARIABLE: Final = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
MIN_SECRET_CHARS: Final = 6
"""Shorter than for secrets of the environment, for these are masked in what their own server says, nowhere else."""
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "SYSTEMROOT")
_SECONDS_BELOW: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """One server: a command to run, or a URL."""

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The whole environment of the command; nothing is added to it."""
    cwd: Path | None = None
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float | None = None
    """Limit of one call; None stands for the usual one."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not be seen in messages and results."""


@dataclass(frozen=True)
class McpConfig:
    """Content of a config file."""

    servers: tuple[ServerConfig, ...] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)
    """Servers that cannot be used, and why."""
    disabled: tuple[str, ...] = ()
    """Servers that the file switches off."""


class _Entry(BaseModel):
    """One server as written in the file."""

    model_config = ConfigDict(extra="ignore")

    command: StrictStr = ""
    args: list[StrictStr] = []
    env: dict[str, StrictStr | int | float | bool] = {}
    cwd: StrictStr | None = None
    url: StrictStr = ""
    headers: dict[str, StrictStr] = {}
    disabled: StrictBool = False
    timeout: Annotated[float | None, Field(gt=0, allow_inf_nan=False)] = None
    type: StrictStr | None = None
    transport: StrictStr | None = None


def read_config(source: Path | Mapping[str, Any], environment: Mapping[str, str]) -> McpConfig:
    """Read the file; blocks.

    Args:
        source: its path, or what it holds.
        environment: variables that the file may name, and the few that every command is given.

    Raises:
        InvalidInput: there is no such file, or it lists no servers.
    """
    where = str(source) if isinstance(source, Path) else "the MCP configuration"
    entries = _entries(_content(source) if isinstance(source, Path) else source, where)
    servers, wrong, disabled = [], {}, []
    for name, raw in entries.items():
        try:
            entry = _Entry.model_validate(raw)
            if entry.disabled:
                disabled.append(name)
            else:
                servers.append(_server(name, entry, environment))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            at = ".".join(str(part) for part in first["loc"][:2]) or "entry"
            wrong[name] = f"{where}: server {name!r}: {at}: {first['msg']}"
        except ValueError as error:
            wrong[name] = f"{where}: server {name!r}: {error}"
    return McpConfig(tuple(servers), wrong, tuple(disabled))


def _content(path: Path) -> Any:
    try:
        return json.loads(path.expanduser().read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InvalidInput(f"{path}: the file of MCP servers cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path}: it is not valid JSON ({error})") from error


def _entries(content: Any, where: str) -> Mapping[str, Any]:
    """Return the servers by name; VS Code's own file has them under `servers`."""
    if isinstance(content, Mapping):
        for key in ("mcpServers", "servers"):
            if isinstance(entries := content.get(key), Mapping):
                return {str(name): entry for name, entry in entries.items()}
    raise InvalidInput(f'{where}: an object with "mcpServers" is needed, as in {{"mcpServers": {{"name": {{...}}}}}}')


def _server(name: str, entry: _Entry, environment: Mapping[str, str]) -> ServerConfig:
    if bool(entry.command) == bool(entry.url):
        raise ValueError("command, url: one of the two is needed" + (", not both" if entry.url else ""))
    kind = (entry.type or entry.transport or "").lower()
    if kind == "sse":
        raise ValueError("type: the old SSE transport is not supported; most such servers have a /mcp URL, too")
    if entry.url and ("${" in entry.url or not entry.url.startswith(("http://", "https://"))):
        raise ValueError("url: an http or https address is needed; variables are filled into env and headers only")
    given = {key: str(value) for key, value in entry.env.items()}
    env = {key: _filled(value, f"env.{key}", environment) for key, value in given.items()}
    headers = {key: _filled(value, f"headers.{key}", environment) for key, value in entry.headers.items()}
    passed_on = {key: environment[key] for key in _PASSED_ON if key in environment}
    hidden = {*secrets_of({**env, **headers}), *secrets_in_urls(entry.url), *secrets_in_arguments(entry.args)}
    return ServerConfig(
        name=name,
        command=os.path.expanduser(entry.command),
        args=tuple(entry.args),
        env={**passed_on, **env},
        cwd=Path(entry.cwd).expanduser() if entry.cwd else None,
        url=entry.url,
        headers=headers,
        timeout_s=_seconds(entry.timeout),
        secrets=tuple(sorted((one for one in hidden if len(one) >= MIN_SECRET_CHARS), key=len, reverse=True)),
    )


def _filled(text: str, field_name: str, environment: Mapping[str, str]) -> str:
    """Substitute variables for `${NAME}`, `${env:NAME}` and `${NAME:-otherwise}`."""

    def value(match: re.Match[str]) -> str:
        variable, otherwise = match[1], match[2]
        found = environment.get(variable, otherwise)
        if found is None:
            raise ValueError(f"{field_name}: the variable {variable} is not set")
        return found

    filled = _VARIABLE.sub(value, text)
    if "${" in _VARIABLE.sub("", text):
        raise ValueError(f"{field_name}: only ${{NAME}} and ${{env:NAME}} can be filled in")
    return filled


def _seconds(timeout: float | None) -> float | None:
    """Convert a time limit to seconds: milliseconds in most programs, seconds in Cline; 60 ms is never meant."""
    return timeout / 1_000 if timeout is not None and timeout >= _SECONDS_BELOW else timeout
