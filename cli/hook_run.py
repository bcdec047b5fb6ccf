"""Runs the hooks of coding agents: exit status 0 whatever happens, one sentence on stderr where something failed.

The project's `.env` file is not read into the environment: a folder that somebody else has written must not say where
the memory is. Its secrets are taken out of what is kept all the same.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from memento.cli.streams import open_missing_streams, print_json, tell
from memento.integrations.agent_hooks.hook_input import MAX_INPUT_BYTES, HookInput

if TYPE_CHECKING:
    from memento.graph.settings import Settings
    from memento.integrations.agent_hooks.turn_files import TurnFile
    from memento.memory.case_memory import CaseMemory
    from memento.nodes.redaction import Redact


class HookCall(NamedTuple):
    """Options that every hook has."""

    project: Path | None
    namespace: str | None
    seconds: float
    """Time that it may take."""


class _Parts(NamedTuple):
    memory: "CaseMemory"
    turns: "TurnFile"
    redact: "Redact"
    settings: "Settings"


def run_recall(call: HookCall, *, k: int, policy: str | None) -> None:
    """Print what the agent is told about a prompt, in the form of a UserPromptSubmit hook."""

    async def recall(given: HookInput, parts: _Parts) -> None:
        from memento.integrations.agent_hooks.hooks import HookOptions, recall_for_prompt

        options = HookOptions(k=k, policy=policy)
        told = await recall_for_prompt(given, parts.memory, parts.turns, redact=parts.redact, options=options)
        if told:
            print_json({"hookSpecificOutput": {"hookEventName": "UserPromptSubmit", "additionalContext": told}})

    _run(call, recall, is_wanted=lambda given: given.is_task or given.rating is not None)


def run_capture(call: HookCall, *, test_command: str | None) -> None:
    """Capture the turn that has ended; prints nothing on stdout."""

    async def capture(given: HookInput, parts: _Parts) -> None:
        from memento.integrations.agent_hooks.hooks import HookOptions, capture_turn

        command = parts.settings.test_command if test_command is None else test_command
        options = HookOptions(test_command=command)
        told = await capture_turn(given, parts.memory, parts.turns, redact=parts.redact, options=options)
        if told:
            tell(f"memento: {told}")

    _run(call, capture, is_wanted=lambda _given: True)


def _run(
    call: HookCall, work: Callable[[HookInput, _Parts], Awaitable[None]], *, is_wanted: Callable[[HookInput], bool]
) -> None:
    open_missing_streams()
    try:
        given = HookInput.parse(sys.stdin.buffer.read(MAX_INPUT_BYTES + 1))
        if is_wanted(given):
            _silence_libraries()
            asyncio.run(asyncio.wait_for(_opened(call, given, work), call.seconds))
    except TimeoutError:
        tell(f"memento: the hook gave up after {call.seconds:g} s; the session goes on without it")
    except Exception as error:  # noqa: BLE001  a hook must never stop the agent, whatever fails
        tell(f"memento: the hook failed, the session goes on without it: {_reason(error)}")


async def _opened(call: HookCall, given: HookInput, work: Callable[[HookInput, _Parts], Awaitable[None]]) -> None:
    from memento.graph.settings import file_secrets, read_settings
    from memento.integrations.agent_hooks.turn_files import TurnFile
    from memento.integrations.project_namespace import project_namespace, project_root
    from memento.memory.namespaces import checked_namespace

    settings = read_settings()
    turns = TurnFile(settings.folder / "agent-hooks", given.session_id)
    if not given.prompt:  # of a capture: where there is nothing to capture, no memory is opened
        turn = await asyncio.to_thread(turns.find, given.ended_turn)
        if turn is None or turn.is_captured:
            return
    folder = call.project or Path(given.cwd or ".")
    name = call.namespace
    if name is None:
        name = await asyncio.to_thread(project_namespace, folder)
    settings = settings.model_copy(update={"namespace": checked_namespace(name)})
    root = await asyncio.to_thread(project_root, folder)
    secrets = await asyncio.to_thread(file_secrets, root / ".env")

    from memento.cli.mcp_choice import redact_for
    from memento.graph.app import Application

    app = Application(settings)
    try:
        await work(given, _Parts(await app.memory(), turns, redact_for(settings, secrets), settings))
    finally:
        await app.aclose()


def _silence_libraries() -> None:
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.basicConfig(level=logging.CRITICAL)


def _reason(error: Exception) -> str:
    from memento.graph.settings import environment_secrets
    from memento.nodes.foreign_errors import told
    from memento.nodes.redaction import make_redact

    return told(error, make_redact(environment_secrets))
