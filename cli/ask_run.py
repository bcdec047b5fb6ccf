"""Runs the workflow on a checkpointed thread for `memento ask`, shown while it happens."""

import asyncio
import contextlib
import stat
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command

from memento.cli.ask import AskOptions
from memento.cli.progress import RunView
from memento.cli.running import ExitCode, parsed_options, reward_of
from memento.cli.streams import print_json
from memento.evals.scorer import load_scorer
from memento.graph.app import Application
from memento.graph.home_saver import HomeSaver, open_checkpointer
from memento.graph.model_specs import PACKAGED_MODEL
from memento.graph.settings import Settings, read_settings
from memento.graph.workflow import MementoGraph, build_graph
from memento.memory.case import storable
from memento.memory.errors import InvalidInput, MementoError
from memento.memory.namespaces import checked_namespace
from memento.memory.task_keys import checked_key
from memento.nodes.attachments import RUNS, SAFE_NAME, copy_in, folder_name, run_folder
from memento.nodes.context import Context, strict_context
from memento.nodes.events import RunEvent
from memento.tools.files.removal import remove_tree
from memento.tools.files.walking import Walk

_LEAST_FREE_BYTES = 8 << 20
"""Free disk space needed to keep the steps of a run. With less they are not kept, so that the run still finishes."""


async def run_ask(options: AskOptions) -> ExitCode:
    """Run or resume a task; exit code 0 when there is an answer."""
    thread = _checked(options)
    context = parsed_options(lambda: strict_context(options.settings))
    scorer = None
    if options.scorer is not None:
        scorer = await asyncio.to_thread(load_scorer, options.scorer)
        context = context.model_copy(update={"evaluator": "custom"})
    settings = read_settings()
    async with open_checkpointer(settings.threads, least_free_bytes=_LEAST_FREE_BYTES) as saver:
        await saver.check(thread)
        async with _workspace(settings, saver) as workspace:
            app = Application(settings, workspace=workspace)
            try:
                if options.resume is None:
                    await _check_parts(app, context)
                graph = build_graph(replace(app.deps(), scorer=scorer), checkpointer=saver)
                config: RunnableConfig = {"configurable": {"thread_id": thread}}
                folder = await _folder(graph, config, workspace, thread)
                view = RunView(thread=thread, folder=folder, as_json=options.as_json, not_kept=saver.not_kept)
                try:
                    with saver.named_errors():
                        return await _converse(options, graph, config, context, view)
                except (MementoError, asyncio.CancelledError):
                    if not saver.not_kept and (await graph.aget_state(config)).next:
                        _say_resumable(thread, options)
                    raise
            finally:
                await app.aclose()


@asynccontextmanager
async def _workspace(settings: Settings, saver: HomeSaver) -> AsyncIterator[Path]:
    """Folder for the runs' files: below the home, or a temporary one where the home cannot be written.

    A temporary folder stays when the run made files in it, for the answer may name them.
    """
    if not saver.not_kept:
        yield settings.workspace
        return
    try:
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="memento-"))
    except OSError:  # no room there either: tools say so when they want to write
        yield settings.workspace
        return
    try:
        yield folder
    finally:
        await asyncio.to_thread(_remove_without_files, folder)


def _remove_without_files(folder: Path) -> None:
    if not any(stat.S_ISREG(found.status.st_mode) for found in Walk(folder)):
        with contextlib.suppress(OSError):
            remove_tree(folder)


async def _folder(graph: MementoGraph, config: RunnableConfig, workspace: Path, thread: str) -> Path:
    """Workspace folder of the thread's runs."""
    earlier = ((await graph.aget_state(config)).values.get("run") or {}).get("folder")
    return run_folder(workspace, await asyncio.to_thread(folder_name, thread, workspace, earlier=earlier))


async def _converse(
    options: AskOptions, graph: MementoGraph, config: RunnableConfig, context: Context, view: RunView
) -> ExitCode:
    """Run to the end, or to an interrupt that nobody is there to answer."""
    folder = view.folder
    with view:
        given, is_old = await _input(options, graph, config, folder)
        if not is_old:
            await _stream(graph, given, config, context, view)
        while (question := await _open_question(graph, config)) is not None:
            reply = await _reply(view, question)
            if reply is None:
                return view.wait_for(question)
            view.go_on()
            await _stream(graph, Command(resume=reply), config, context, view)
        values = (await graph.aget_state(config)).values
        view.finish(values, is_old=is_old)
    return ExitCode.OK if values.get("answer") else ExitCode.FAILED


async def _check_parts(app: Application, context: Context) -> None:
    """Fail early on a wrong model or tool; a missing judge only leaves the reward unknown."""
    await app.get("planner", context.planner)
    await app.get("executor", context.executor)
    await app.toolset.offer()
    if PACKAGED_MODEL in (context.planner, app.settings.planner):
        print("note: the packaged 135M model is a demonstration, not a brain", file=sys.stderr)  # noqa: T201


def reply_of(question: dict[str, Any], reply: str) -> Any:
    """Parse a typed reply into the value that the interrupt expects.

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
    return {"reward": reward_of(word or "unknown"), "reason": reason}


async def _reply(view: RunView, question: dict[str, Any]) -> Any:
    """Ask the person at the terminal until the reply is valid; None when there is nobody."""
    while (typed := view.ask(question)) is not None:
        try:
            return reply_of(question, typed)
        except InvalidInput as error:
            view.refuse(str(error))
    return None


async def _stream(graph: MementoGraph, given: Any, config: RunnableConfig, context: Context, view: RunView) -> None:
    async for event in graph.astream(given, config, context=context, stream_mode="custom", durability="sync"):
        view.show(cast("RunEvent", event))


async def _open_question(graph: MementoGraph, config: RunnableConfig) -> dict[str, Any] | None:
    interrupts = (await graph.aget_state(config)).interrupts
    return interrupts[0].value if interrupts else None


async def _input(options: AskOptions, graph: MementoGraph, config: RunnableConfig, folder: Path) -> tuple[Any, bool]:
    """Input of the graph, and whether the thread had finished before."""
    if options.resume is not None:
        return await _resumption(options, graph, config)
    given: dict[str, Any] = {"task": options.task, "reference": options.references}
    if options.namespace is not None:
        given["namespace"] = checked_namespace(options.namespace)
    if options.key:
        given["key"] = checked_key(options.key)
    if options.attach:
        names = await asyncio.to_thread(copy_in, options.attach, folder)
        given["attachments"] = [f"{RUNS}/{folder.name}/{name}" for name in names]
    return given, False


async def _resumption(options: AskOptions, graph: MementoGraph, config: RunnableConfig) -> tuple[Any, bool]:
    state = await graph.aget_state(config)
    if not state.values and not state.next:
        raise InvalidInput(f"there is no thread {options.resume!r} to resume")
    if options.reply is None:
        return None, not state.next
    if not state.interrupts:
        raise InvalidInput(f"thread {options.resume!r} is not waiting for a reply")
    return Command(resume=reply_of(state.interrupts[0].value, options.reply)), False


def _checked(options: AskOptions) -> str:
    """Validate the options, and return the thread's name."""
    if options.resume is not None:
        others = (options.task, options.references, options.attach, options.settings, options.namespace, options.key)
        if any(others):
            raise InvalidInput("--resume goes on with the thread's own task and settings; give no others")
    elif options.reply is not None:
        raise InvalidInput("--reply answers a waiting thread; name it with --resume")
    elif not (options.task or "").strip():
        raise InvalidInput("give a task: memento ask 'What is ...?'")
    evaluator = options.settings.get("evaluator")
    if evaluator == "custom" and options.scorer is None:
        raise InvalidInput("--evaluator custom needs a function: name it with --scorer package.module:function")
    if evaluator not in (None, "custom") and options.scorer is not None:
        raise InvalidInput(f"--scorer gives the reward itself: leave --evaluator {evaluator} out")
    for text in (options.task or "", *options.references):
        if storable(text) != text:
            raise InvalidInput("the task or a reference holds a character that is not valid Unicode text")
    thread = options.resume or options.thread or uuid.uuid4().hex[:12]
    if not SAFE_NAME.fullmatch(thread):
        raise InvalidInput(f"a thread's name is made of letters, digits, '_', '.' and '-', not {thread!r}")
    return thread


def _say_resumable(thread: str, options: AskOptions) -> None:
    if options.as_json:
        print_json({"event": "interrupted", "thread": thread})
    print(f"the thread is kept; go on with: memento ask --resume {thread}", file=sys.stderr)  # noqa: T201
