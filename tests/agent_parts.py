"""What tests of the executor's agent share: one subtask, carried out with scripted models and plain tools."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatResult
from langchain_core.tools import BaseTool
from pydantic import Field

from memento.nodes.executor import make_executor
from memento.nodes.sources import Price, Toolbox, ToolSource
from memento.nodes.state import SubtaskInput
from memento.nodes.subtasks import SubtaskResult
from memento.nodes.tool_binding import bound_tool
from memento.nodes.usage import Usage
from memento.tools.workspace import Workspace
from tests.node_parts import Roles, a_run, runtime_of
from tests.scripted import ScriptedChatModel


class Done(NamedTuple):
    """What came of a subtask."""

    result: SubtaskResult
    usage: Usage
    update: dict[str, Any]


class SlowChatModel(ScriptedChatModel):
    """Takes as many seconds as a script says, by the number of the call."""

    seconds: list[float] = Field(default_factory=list)

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        await asyncio.sleep(self.seconds.pop(0) if self.seconds else 0)
        return self._generate(*args, **kwargs)


async def multiply(a: int, b: int) -> str:
    """Multiply two numbers."""
    return str(a * b)


def slow(seconds: Sequence[float], *replies: Any) -> SlowChatModel:
    model = SlowChatModel(list(replies))
    model.seconds = list(seconds)
    return model


def subtask_of(**changes: Any) -> SubtaskInput:
    step = {"id": "1", "description": "multiply 6 by 7", "depends_on": []}
    run = a_run(settings=changes.pop("settings", {}))
    return {"run": run, "cycle": 1, "subtask": step, "earlier": []} | changes  # type: ignore[return-value,typeddict-item]


def source(*tools: Any, workspace: Workspace | None = None) -> ToolSource:
    bound = [tool if isinstance(tool, BaseTool) else bound_tool(tool) for tool in tools]

    async def given(_run: Any) -> Toolbox:
        return Toolbox(bound, workspace)

    return given


async def carried_out(
    model: BaseChatModel,
    *tools: Any,
    events: list[Any] | None = None,
    price: Price | None = None,
    secrets: Callable[[], Sequence[str]] | None = None,
    workspace: Workspace | None = None,
    **state: Any,
) -> Done:
    """One subtask, from its state to its result."""
    node = make_executor(Roles(executor=model), source(*tools, workspace=workspace), price=price, secrets=secrets)
    update = await node(subtask_of(**state), runtime=runtime_of(events=events))
    (result,) = update["results"]
    return Done(result, update.get("usage"), update)  # type: ignore[arg-type]


def counted(reply: AIMessage | str, n_input: int, n_output: int = 0) -> AIMessage:
    """A reply whose server counts its tokens."""
    message = AIMessage(reply) if isinstance(reply, str) else reply
    message.usage_metadata = {
        "input_tokens": n_input,
        "output_tokens": n_output,
        "total_tokens": n_input + n_output,
    }
    return message
