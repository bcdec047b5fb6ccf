"""`memento ask`: one run of the workflow on a checkpointed thread, shown while it happens."""

import asyncio
import re
import shutil
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from memento.cli.progress import RunView
from memento.cli.running import ExitCode, print_json
from memento.graph.app import Application
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.errors import InvalidInput
from memento.nodes.context import Context
from memento.nodes.errors import InvalidAttachment

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, kw_only=True)
class AskOptions:
    """The command line of `ask`."""

    task: str | None
    references: list[str]
    attach: list[Path]
    settings: dict[str, Any]
    thread: str | None
    resume: str | None
    reply: str | None
    namespace: str | None
    as_json: bool


async def ask_command(options: AskOptions) -> ExitCode:
    """Run or resume; 0 when there is an answer."""
    context, thread = Context.model_validate(options.settings), _thread(options)
    app = Application()
    try:
        async with open_checkpointer(app.settings.threads) as saver:
            graph = build_graph(app.deps(), checkpointer=saver)
            config: RunnableConfig = {"configurable": {"thread_id": thread}}
            with RunView(thread=thread, as_json=options.as_json) as view:
                given = await _input(options, graph, config, app.settings.workspace / thread)
                await _stream(graph, given, config, context, view)
                while (question := await _open_question(graph, config)) is not None:
                    reply = view.ask(question)
                    if reply is None:
                        return view.wait_for(question)
                    await _stream(graph, Command(resume=reply_of(question, reply)), config, context, view)
                values = (await graph.aget_state(config)).values
                view.finish(values)
    except (KeyboardInterrupt, asyncio.CancelledError):
        _say_resumable(thread, options)
        raise
    finally:
        await app.aclose()
    return ExitCode.OK if values.get("answer") else ExitCode.FAILED


@asynccontextmanager
async def open_checkpointer(path: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """The command line's threads: SQLite, shared by processes."""
    import aiosqlite

    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    async with aiosqlite.connect(path, timeout=15) as connection:
        await connection.execute("PRAGMA journal_mode=WAL")
        # A power cut may cost the last steps of a thread, never the memory: that is the ledger's.
        await connection.execute("PRAGMA synchronous=NORMAL")
        saver = AsyncSqliteSaver(connection)
        await saver.setup()
        yield saver


def reply_of(question: dict[str, Any], reply: str) -> Any:
    """What a person typed, as the interrupt expects it.

    Raises:
        InvalidInput: it is neither approve, reject, nor a reward.
    """
    word, _, reason = reply.strip().partition(" ")
    if question.get("kind") == "approve_plan":
        if word.lower() in ("approve", "y", "yes"):
            return {"decision": "approve"}
        if word.lower() in ("reject", "n", "no"):
            return {"decision": "reject", "reason": reason}
        raise InvalidInput(f"reply `approve` or `reject [reason]`, not {reply!r}")
    if word.lower() in ("unknown", ""):
        return {"reward": None}
    try:
        return {"reward": float(word), "reason": reason}
    except ValueError as error:
        raise InvalidInput(f"reply a reward from 0 to 1 or `unknown`, not {reply!r}") from error


async def _stream(graph: MementoGraph, given: Any, config: RunnableConfig, context: Context, view: RunView) -> None:
    async for event in graph.astream(given, config, context=context, stream_mode="custom", durability="sync"):
        view.show(event)


async def _open_question(graph: MementoGraph, config: RunnableConfig) -> dict[str, Any] | None:
    interrupts = (await graph.aget_state(config)).interrupts
    return interrupts[0].value if interrupts else None


async def _input(options: AskOptions, graph: MementoGraph, config: RunnableConfig, folder: Path) -> Any:
    if options.resume is not None:
        state = await graph.aget_state(config)
        if not state.values and not state.next:
            raise InvalidInput(f"there is no thread {options.resume!r} to resume")
        if state.interrupts and options.reply is not None:
            return Command(resume=reply_of(state.interrupts[0].value, options.reply))
        return None
    given: dict[str, Any] = {"task": options.task, "reference": options.references}
    if options.namespace:
        given["namespace"] = options.namespace
    if options.attach:
        given["attachments"] = await asyncio.to_thread(_copy_in, options.attach, folder)
    return given


def _thread(options: AskOptions) -> str:
    if options.resume is None and not (options.task or "").strip():
        raise InvalidInput("give a task: memento ask 'What is ...?'")
    if options.resume is not None and options.task:
        raise InvalidInput("--resume goes on with a thread's own task; give no other")
    thread = options.resume or options.thread or uuid.uuid4().hex[:12]
    if not _SAFE_NAME.fullmatch(thread):
        raise InvalidInput(f"a thread's name is made of letters, digits, '_', '.' and '-', not {thread!r}")
    return thread


def _copy_in(files: list[Path], folder: Path) -> list[str]:
    """Copy attachments into the thread's workspace; the run works on the copies."""
    names = []
    for file in files:
        if not file.is_file():
            raise InvalidAttachment(f"attachment {file} is not a file")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(file, folder / file.name)
        except OSError as error:
            raise InvalidAttachment(f"attachment {file} cannot be read: {error.strerror}") from error
        names.append(f"{folder.name}/{file.name}")
    return names


def _say_resumable(thread: str, options: AskOptions) -> None:
    if options.as_json:
        print_json({"event": "interrupted", "thread": thread})
    print(f"interrupted; go on with: memento ask --resume {thread}", file=sys.stderr)  # noqa: T201
