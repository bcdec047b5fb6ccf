"""What tests of nodes and graphs share: scripted models by role, a state to start from, a runtime that records."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.runtime import Runtime

from memento.memory.case_memory import CaseMemory
from memento.nodes.context import Context
from memento.nodes.retrieve_case import fresh
from memento.nodes.sources import MemorySource, Role
from memento.nodes.state import MementoState, Run
from tests.hashing_encoder import HashingEncoder
from tests.scripted import Reply, Script, ScriptedChatModel


class Roles:
    """A `ModelSource` of scripted models, which records what it was asked for."""

    def __init__(self, **models: BaseChatModel | Exception) -> None:
        self.models = models
        self.asked: list[tuple[Role, str | None]] = []

    async def get(self, role: Role, override: str | None = None) -> BaseChatModel:
        self.asked.append((role, override))
        model = self.models[role]
        if isinstance(model, Exception):
            raise model
        return model


def plan(*steps: str | tuple[str, str] | tuple[str, str, list[str]]) -> str:
    """A planner's reply: descriptions, or (id, description, depends_on)."""
    rows = []
    for number, step in enumerate(steps, start=1):
        row = (str(number), step, []) if isinstance(step, str) else (*step, [])[:3]
        rows.append({"id": row[0], "description": row[1], "depends_on": row[2]})
    return json.dumps({"subtasks": rows, "answer": None})


def answer(text: str) -> str:
    """A planner's reply that ends the run; also what is asked for in the last cycle."""
    return json.dumps({"subtasks": [], "answer": text})


def verdict(correct: str, reason: str = "") -> str:
    """A judge's reply."""
    return json.dumps({"correct": correct, "reason": reason})


def scripted(*replies: Reply | Script) -> ScriptedChatModel:
    return ScriptedChatModel(list(replies))


def always(reply: Reply) -> ScriptedChatModel:
    return ScriptedChatModel(lambda _messages: reply)


def calling(name: str, call: int = 1, /, **args: Any) -> AIMessage:
    """An executor's reply that calls a tool."""
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"call-{call}", "type": "tool_call"}])


def a_run(task: str = "What is six times seven?", **changes: Any) -> Run:
    settings = Context(**changes.pop("settings", {})).settings()
    run: Run = {
        "task": task,
        "references": [],
        "attachments": [],
        "folder": "run",
        "inputs": [],
        "id": "",
        "namespace": "default",
        "settings": settings,
    }
    return {**run, **changes}  # type: ignore[typeddict-item]


def begun(run: Run | None = None, **changes: Any) -> MementoState:
    """The state of a run that has just begun."""
    run = run or a_run()
    state = fresh(run) | {"results": [], "usage": None, "messages": [HumanMessage(run["task"], id="question")]}
    return {**state, **changes}  # type: ignore[typeddict-item]


def runtime_of(context: Any = None, events: list[Any] | None = None) -> Runtime[Context]:
    written = [] if events is None else events
    return Runtime(context=context, stream_writer=written.append)


def a_memory(**options: Any) -> CaseMemory:
    """A memory that leaves nothing to chance: other policies draw the same lots in every run."""
    given = {"policy": "similarity", "encoder": HashingEncoder(), "seed": 0} | options
    return CaseMemory.open(":memory:", **given)


def given(memory: CaseMemory) -> MemorySource:
    async def source() -> CaseMemory:
        return memory

    return source


def failing(error: Exception) -> Callable[[], Any]:
    """A source of memories that has none."""

    async def source() -> CaseMemory:
        raise error

    return source


def names(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]
