"""Read, part one: start the run afresh, and find the cases that might help; between two plans, find them again."""

import asyncio
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.runtime import Runtime

from memento.memory.case import storable
from memento.memory.errors import EncoderUnavailable, LedgerUnavailable
from memento.nodes.context import Context, context_of
from memento.nodes.errors import InvalidAttachment, InvalidTask
from memento.nodes.node import Node
from memento.nodes.sources import MemorySource
from memento.nodes.state import MementoState, RereadInput, Run
from memento.tools.workspace import Workspace

MAX_TASK_CHARS = 100_000
_SAFE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")


def make_retrieve_case(
    memory_source: MemorySource, *, workspace: Path | Callable[[], Path] | None = None
) -> Node[MementoState | RereadInput]:
    """Make the node.

    Args:
        memory_source: the case memory.
        workspace: folder that attachments lie in, or a function that tells it; without one, none are accepted.
    """

    async def retrieve_case(state: MementoState | RereadInput, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Copy the input, reset what the last run of this thread left, recall candidates; or only recall again.

        Raises:
            InvalidTask: no task, or one beyond 100,000 characters.
            InvalidAttachment: a file that is not in the workspace or cannot be read.
        """
        if "found" in state:
            return await _again(cast("RereadInput", state), memory_source)
        context, task = context_of(runtime), _task(state)
        folder = workspace() if callable(workspace) else workspace
        own = _folder_name(runtime)
        run: Run = {
            "task": task,
            "references": _references(state.get("reference")),
            "attachments": await asyncio.to_thread(_checked, state.get("attachments") or [], folder),
            "folder": own,
            "inputs": await asyncio.to_thread(_present, folder / own) if folder else [],
            "id": uuid.uuid4().hex,
            "namespace": state.get("namespace") or "",
            "settings": context.model_dump(),
        }
        update = fresh(run)
        messages = state.get("messages") or []
        if not (messages and isinstance(messages[-1], HumanMessage) and messages[-1].text == task):
            update["messages"] = [HumanMessage(task)]
        try:
            memory = await memory_source()
            run["namespace"] = run["namespace"] or memory.namespace
            recall = await memory.recall(task, policy=context.policy, namespace=run["namespace"])
        except (EncoderUnavailable, LedgerUnavailable) as error:
            return update | {"retrieval_degraded": True, "notices": [f"running without cases: {error}"]}
        return update | {
            "recall": recall.to_json(),
            "retrieval_degraded": recall.is_degraded,
            "notices": list(memory.notices),
        }

    return retrieve_case


async def _again(state: RereadInput, memory_source: MemorySource) -> dict[str, Any]:
    """Candidates for the task and what has been found; without them the run keeps the cases it has."""
    run, notices = state["run"], state["notices"]
    try:
        memory = await memory_source()
        recall = await memory.recall(
            f"{run['task']}\n{state['found']}",
            policy=run["settings"]["policy"],
            namespace=run["namespace"] or None,
            task=run["task"],
            follows=state["follows"],
        )
    except (EncoderUnavailable, LedgerUnavailable) as error:
        update: dict[str, Any] = {"recall": {}, "retrieval_degraded": True}
        fresh_notices = [f"cases were not read again: {error}"]
    else:
        update = {"recall": recall.to_json(), "retrieval_degraded": state["is_degraded"] or recall.is_degraded}
        fresh_notices = [notice for notice in memory.notices if notice not in notices]
    return update | {"read_cycle": state["cycle"], "notices": [*notices, *fresh_notices]}


def fresh(run: Run) -> dict[str, Any]:
    """The state of a run that has just begun, whatever its thread held before."""
    return {
        "run": run,
        "recall": {},
        "event_id": None,
        "cases": [],
        "policy": "none",
        "retrieval_degraded": False,
        "cycle": 0,
        "read_cycle": 0,
        "plan": [],
        "is_plan_approved": False,
        "rejection": "",
        "plans": [],
        "results": None,
        "answer": None,
        "reward": None,
        "confidence": 1.0,
        "evaluator": "none",
        "lesson": "",
        "error": None,
        "error_class": None,
        "case_id": None,
        "models": None,
        "usage": None,
        "artefacts": None,
        "notices": [],
    }


def _task(state: MementoState) -> str:
    task = state.get("task") or _open_question(state.get("messages") or [])
    if not isinstance(task, str) or not task.strip():
        raise InvalidTask("there is no task: give `task` as text, or `messages` that end with a human one")
    if len(task) > MAX_TASK_CHARS:
        raise InvalidTask(
            f"the task has {len(task):,} characters, at most {MAX_TASK_CHARS:,} are allowed; attach long texts as files"
        )
    return storable(task)


def _open_question(messages: list[AnyMessage]) -> str:
    """The last message, if a person wrote it: one that has been answered is no task."""
    return messages[-1].text if messages and isinstance(messages[-1], HumanMessage) else ""


def _folder_name(runtime: Runtime[Context]) -> str:
    """The thread's name, so that its runs find each other's files; where it is no safe one, or none, another."""
    info = runtime.execution_info
    thread_id = info.thread_id if info else None
    if thread_id is None:
        return uuid.uuid4().hex
    return thread_id if _SAFE_NAME.fullmatch(thread_id) else uuid.uuid5(uuid.NAMESPACE_OID, thread_id).hex


def _present(folder: Path) -> list[str]:
    return [entry.path for entry in Workspace(folder).entries()]


def _references(reference: Any) -> list[str]:
    """As texts; data sets and people also give a bare one, or a number."""
    given = reference if isinstance(reference, list) else [reference]
    return [str(one) for one in given if one is not None and str(one).strip()]


def _checked(attachments: Any, workspace: Path | None) -> list[str]:
    if not isinstance(attachments, list):
        raise InvalidAttachment("attachments are a list of file paths inside the workspace")
    for name in attachments:
        if workspace is None:
            raise InvalidAttachment("attachments need a workspace, and none is configured")
        try:
            path = (workspace / str(name)).resolve()
            is_file = path.is_file()
        except (OSError, ValueError):  # too long, a NUL in it, links in a circle
            is_file = False
        else:
            if not path.is_relative_to(workspace.resolve()):
                raise InvalidAttachment(f"attachment {name!r} lies outside the workspace")
        if not is_file:
            raise InvalidAttachment(f"attachment {str(name)[:200]!r} is not a file in the workspace")
        try:
            path.open("rb").close()
        except OSError as error:
            raise InvalidAttachment(f"attachment {name!r} cannot be read: {error.strerror}") from error
    return attachments
