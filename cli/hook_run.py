"""Runs the hooks of coding agents: exit status 0 whatever happens, one sentence on stderr where something failed.

The project's `.env` file is not read into the environment: a folder that somebody else has written must not say where
the memory is. Its secrets are taken out of what is kept all the same.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from memento.cli.streams import open_missing_streams, print_json, silence_broken_streams, tell
from memento.integrations.agent_hooks.hook_input import (
    MAX_INPUT_BYTES,
    HookInput,
    HookOptions,
    InvalidHookInput,
)

if TYPE_CHECKING:
    from memento.graph.settings import Settings

HookName = Literal["recall", "capture"]


class HookCall(NamedTuple):
    """Options that every hook has."""

    project: Path | None
    namespace: str | None
    seconds: float
    """Time that it may take."""


def run_recall(call: HookCall, *, k: int, policy: str | None) -> None:
    """Print what the agent is told about a prompt, in the form of a UserPromptSubmit hook."""

    def tell_agent(told: str) -> None:
        print_json({"hookSpecificOutput": {"hookEventName": "UserPromptSubmit", "additionalContext": told}})

    def is_wanted(given: HookInput) -> bool:
        return given.is_task or given.rating is not None

    _run("recall", call, HookOptions(k=k, policy=policy), is_wanted=is_wanted, tell_result=tell_agent)


def run_capture(call: HookCall, *, test_command: str | None) -> None:
    """Capture the turn that has ended; prints nothing on stdout."""

    def tell_log(told: str) -> None:
        tell(f"memento: {told}")

    _run("capture", call, HookOptions(test_command=test_command), is_wanted=lambda _: True, tell_result=tell_log)


def _run(
    hook: HookName,
    call: HookCall,
    options: HookOptions,
    *,
    is_wanted: Callable[[HookInput], bool],
    tell_result: Callable[[str], None],
) -> None:
    open_missing_streams()
    try:
        given = HookInput.parse(sys.stdin.buffer.read(MAX_INPUT_BYTES + 1))
        if is_wanted(given) and (told := _done(hook, call, given, options)):
            tell_result(told)
    except TimeoutError:
        tell(f"memento: the hook gave up after {call.seconds:g} s; the session goes on without it")
    except Exception as error:  # noqa: BLE001  a hook must never stop the agent, whatever fails
        silence_broken_streams()
        tell(f"memento: the hook failed, the session goes on without it: {_reason(error)}")


def _done(hook: HookName, call: HookCall, given: HookInput, options: HookOptions) -> str:
    """Have a running server do it, or open the memory."""
    from memento.graph.settings import read_settings
    from memento.integrations.agent_hooks.socket_client import ask_server
    from memento.integrations.agent_hooks.turn_files import TurnFile
    from memento.integrations.project_namespace import project_namespace
    from memento.memory.namespaces import checked_namespace

    begun, settings = time.monotonic(), read_settings()
    name = project_namespace(_folder(call, given)) if call.namespace is None else call.namespace
    settings = settings.model_copy(update={"namespace": checked_namespace(name)})
    if hook == "capture":  # where there is nothing to capture, no memory is asked
        turn = TurnFile(settings.folder / "agent-hooks", given.session_id).find(given.ended_turn, name)
        if turn is None or turn.is_captured:
            return ""
    if options.test_command is None:
        options = options._replace(test_command=settings.test_command)
    told = ask_server(settings.folder, name, hook, given, options, seconds=call.seconds)
    if told is None:
        _silence_libraries()
        seconds = call.seconds - (time.monotonic() - begun)
        told = asyncio.run(asyncio.wait_for(_opened(hook, call, given, options, settings), seconds))
    return told


async def _opened(hook: HookName, call: HookCall, given: HookInput, options: HookOptions, settings: "Settings") -> str:
    from memento.cli.mcp_choice import redact_for
    from memento.graph.app import Application
    from memento.graph.settings import file_secrets
    from memento.integrations.agent_hooks.hooks import capture_turn, recall_for_prompt
    from memento.integrations.agent_hooks.turn_files import TurnFile
    from memento.integrations.project_namespace import project_root

    root = await asyncio.to_thread(project_root, _folder(call, given))
    redact = redact_for(settings, await asyncio.to_thread(file_secrets, root / ".env"))
    turns = TurnFile(settings.folder / "agent-hooks", given.session_id)
    app = Application(settings)
    try:
        run = recall_for_prompt if hook == "recall" else capture_turn
        return await run(given, await app.memory(), turns, redact=redact, options=options)
    finally:
        await app.aclose()


def _folder(call: HookCall, given: HookInput) -> Path:
    return call.project or Path(given.cwd or ".")


def _silence_libraries() -> None:
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.basicConfig(level=logging.CRITICAL)


def _reason(error: Exception) -> str:
    if isinstance(error, InvalidHookInput):
        return str(error)
    from memento.graph.settings import environment_secrets
    from memento.nodes.foreign_errors import told
    from memento.nodes.redaction import make_redact

    return told(error, make_redact(environment_secrets))
