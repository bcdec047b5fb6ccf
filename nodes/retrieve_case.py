"""The retrieve_case node: initialises the run and recalls candidate cases; also called between two plans."""

import asyncio
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypedDict, cast

from langchain_core.messages import HumanMessage
from langgraph.runtime import Runtime

from memento.memory.case import POSITIVE_FROM, storable
from memento.memory.pictures import CasePicture, picture_key
from memento.memory.task_keys import checked_key
from memento.memory.text_limits import MAX_STATE_CHARS
from memento.nodes.attachments import folder_name, given_files
from memento.nodes.context import Context, context_of
from memento.nodes.conversation import is_follow_up, open_question, said_before
from memento.nodes.errors import InvalidTask
from memento.nodes.follow_ups import FollowUps
from memento.nodes.memory_calls import MemoryFailed, memory_seconds, of_memory
from memento.nodes.message_texts import text_in
from memento.nodes.node import Node
from memento.nodes.redaction import Redact
from memento.nodes.run_bounds import RunBounds, owned_files, owned_thread
from memento.nodes.sources import MemorySource
from memento.nodes.state import MementoState, RereadInput, Run
from memento.nodes.task_picture import picture_among, picture_in

MAX_TASK_CHARS = MAX_STATE_CHARS


class _Keyed(TypedDict, total=False):
    key: str
    picture: bytes


def make_retrieve_case(
    memory_source: MemorySource,
    *,
    workspace: Path | Callable[[], Path] | None = None,
    redact: Redact = str,
    follow_ups: FollowUps | None = None,
    bounds: RunBounds | None = None,
) -> Node[MementoState | RereadInput]:
    """Make the retrieve_case node.

    Args:
        memory_source: the case memory.
        workspace: folder that attachments lie in, or a function that tells it; without one, none are accepted.
        redact: takes secrets out of what a failing memory says.
        follow_ups: condenses them; without it they are tasks as they are.
        bounds: tells whose the run is, whatever its input says, and the most that its settings may be.
    """
    kept_to = bounds or RunBounds()

    async def retrieve_case(state: MementoState | RereadInput, *, runtime: Runtime[Context]) -> dict[str, Any]:
        """Copy the input, reset what the last run of this thread left, recall candidates; or only recall again.

        Raises:
            InvalidTask: no task, or one beyond 100,000 characters.
            InvalidAttachment: a file that is not in the workspace or cannot be read.
            ModelError: a follow-up cannot be condensed now; the run can be resumed.
            InvalidInput: the run has no owner where it needs one, asks for a model that is not allowed, or has a key
                that is too long.
        """
        if "found" in state:
            return await _again(cast("RereadInput", state), memory_source, redact)
        messages = state.get("messages") or []
        context, owner, lowered = await kept_to.begin(runtime, context_of(runtime))
        namespace = owner or context.namespace or state.get("namespace") or ""
        question = open_question(messages)
        asked = _task(state, question)
        said = said_before(messages, question) if question is not None and not state.get("task") else []
        condensed = None
        if follow_ups is not None and question is not None and said and is_follow_up(messages, question):
            condensed = await follow_ups.condensed(asked, said, context)
        root = workspace() if callable(workspace) else workspace
        run, notices = await _run(state, question, runtime, root=root, owner=owner)
        run["settings"], notices = context.settings(), [*lowered, *notices]
        update = fresh(run)
        if question is None or text_in(question) != asked:
            update["messages"] = [HumanMessage(asked)]
        run["namespace"], run["key"] = namespace, checked_key(state.get("key") or "")
        run["task"] = asked if condensed is None else condensed.task
        if said:
            run["conversation"] = said
        picture = None
        if context.pictures and question is not None:
            picture, told = await asyncio.to_thread(picture_in, question)
            notices = [*notices, told] if told else notices
        if picture is not None:
            run["picture"] = picture.hash
            run["key"] = run["key"] or picture_key(run["task"], picture.hash)
        if condensed is not None:
            update |= {"usage": [condensed.usage], "asked_seconds": [condensed.seconds]}
            notices = [*notices, condensed.notice] if condensed.notice else notices
        try:
            memory = await of_memory(memory_source, redact)
            run["namespace"] = run["namespace"] or memory.namespace
            recalling = partial(
                memory.recall,
                run["task"],
                policy=context.policy,
                namespace=run["namespace"],
                **_identity(run, picture),
            )
            recall = await of_memory(recalling, redact, seconds=memory_seconds(run))
        except MemoryFailed as error:
            return update | {"retrieval_degraded": True, "notices": [*notices, f"running without cases: {error}"]}
        return update | {
            "recall": recall.to_json(),
            "retrieval_degraded": recall.is_degraded,
            "notices": [*notices, *recall.notices],
        }

    return retrieve_case


async def _run(
    state: MementoState,
    question: HumanMessage | None,
    runtime: Runtime[Context],
    *,
    root: Path | None,
    owner: str | None,
) -> tuple[Run, list[str]]:
    """Copy the input; the run, without its task, key, namespace and settings, and what was left out of its files."""
    thread = owned_thread(owner, runtime.execution_info.thread_id if runtime.execution_info else None)
    before = state.get("run")
    earlier = before.get("folder") if before else None
    folder = await asyncio.to_thread(folder_name, thread, root, earlier=earlier)
    attached = state.get("attachments") or []
    given = await asyncio.to_thread(given_files, attached, question, root, folder, below=owned_files(owner))
    run: Run = {
        "task": "",
        "references": _references(state.get("reference")),
        "attachments": given.attachments,
        "folder": folder,
        "inputs": given.present,
        "id": uuid.uuid4().hex,
        "namespace": "",
        "settings": {},
    }
    return run, given.notices


async def _again(state: RereadInput, memory_source: MemorySource, redact: Redact) -> dict[str, Any]:
    """Recall candidates for the task and the results so far; without any, the run keeps its cases."""
    run, notices = state["run"], state["notices"]
    try:
        memory = await of_memory(memory_source, redact)
        recalling = partial(
            memory.recall,
            f"{run['task']}\n{state['found']}",
            policy=run["settings"]["policy"],
            namespace=run["namespace"] or None,
            task=run["task"],
            follows=state["follows"],
            **_identity(run, await picture_among([state["question"]] if "question" in state else [], run)),
        )
        recall = await of_memory(recalling, redact, seconds=memory_seconds(run))
    except MemoryFailed as error:
        update: dict[str, Any] = {"recall": {}, "retrieval_degraded": True}
        fresh_notices = [f"cases were not read again: {error}"]
    else:
        update = {"recall": recall.to_json(), "retrieval_degraded": state["is_degraded"] or recall.is_degraded}
        fresh_notices = [notice for notice in recall.notices if notice not in notices]
    return update | {"read_cycle": state["cycle"], "notices": [*notices, *fresh_notices]}


def _identity(run: Run, picture: CasePicture | None) -> _Keyed:
    """Return key and picture as keywords of `recall`; none that says nothing, for memories that know of none."""
    keyed: _Keyed = {}
    if key := run.get("key"):
        keyed["key"] = key
    if picture is not None:
        keyed["picture"] = picture.content
    return keyed


def fresh(run: Run) -> dict[str, Any]:
    """Return the initial state of a run, resetting whatever its thread held before."""
    return {
        "run": run,
        "recall": {},
        "event_id": None,
        "cases": [],
        "left_out": [],
        "guides": [],
        "guide_events": [],
        "policy": "none",
        "positive_from": POSITIVE_FROM,
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
        "asked_seconds": None,
        "artefacts": None,
        "notices": [],
    }


def _task(state: MementoState, question: HumanMessage | None) -> str:
    task = state.get("task") or ("" if question is None else text_in(question))
    if not isinstance(task, str) or not task.strip():
        raise InvalidTask(
            "no task was given: set `task` to a text, or let `messages` have a human message with a text that no final "
            "answer of an assistant follows"
        )
    if len(task) > MAX_TASK_CHARS:
        raise InvalidTask(
            f"the task has {len(task):,} characters, at most {MAX_TASK_CHARS:,} are allowed; attach long texts as files"
        )
    return storable(task)


def _references(reference: Any) -> list[str]:
    """Return references as texts; data sets and people also give a bare text or a number."""
    given = reference if isinstance(reference, list) else [reference]
    return [str(one) for one in given if one is not None and str(one).strip()]
