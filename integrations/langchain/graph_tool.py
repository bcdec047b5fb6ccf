"""memento_tool: the workflow as a tool that another agent calls with one argument, the task.

```python
agent = create_agent(model, [memento_tool(graph)])
```
"""

from collections.abc import Mapping
from typing import Any, Final

from langchain.tools import ToolRuntime
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, Field

from memento.graph.workflow import MementoGraph
from memento.integrations.langchain.access import KeyRule, NamespaceRule, key_by, namespace_by
from memento.memory.namespaces import checked_namespace
from memento.memory.owner_loop import OwnerLoop
from memento.nodes.context import Context

DESCRIPTION: Final = (
    "Answer a question or carry out a task that takes several steps. It plans, works with tools, and remembers which "
    "plans worked in similar tasks. Give it the whole task in one text: it sees nothing of this conversation."
)

_ARTIFACT: Final = ("event_id", "case_id", "reward", "error", "notices", "artefacts")


class DelegatedTask(BaseModel):
    """Arguments of `memento_tool`."""

    task: str = Field(
        min_length=1,
        description="The task, complete in itself: names, numbers and the form that the answer should have.",
    )


def memento_tool(
    graph: MementoGraph,
    *,
    name: str = "memento",
    description: str = DESCRIPTION,
    namespace: NamespaceRule = None,
    key: KeyRule = None,
    context: Context | None = None,
) -> BaseTool:
    """Make a tool of the workflow. It returns the answer; its artifact has `event_id`, `reward`, `notices` and more.

    Give the `event_id` to `CaseMemory.feedback` when the reward is known later. The run is part of the host's: its
    callbacks, tags and thread are the host's, and its interrupts (a plan to approve) pause the host's graph.

    Args:
        graph: from `build_graph`, without a checkpointer of its own: the host's keeps its state.
        name: of the tool.
        description: that the agent's model is told.
        namespace: whose cases, or a function that tells it by `ToolRuntime`; the model never does. None: the
            graph's own rule, by its context or the memory's namespace.
        key: tells the key of the task by `ToolRuntime`, where many tasks have the same text.
        context: settings of the runs; the host's context by default.

    Raises:
        InvalidInput: the namespace is not valid.
    """
    if isinstance(namespace, str):
        checked_namespace(namespace)
    settings: dict[str, Any] = {} if context is None else {"context": context}
    loop = OwnerLoop("adapter", in_thread=True, survives_fork=True)  # for synchronous agents alone

    # Without a default, the tool could only be called by an agent, which injects the runtime.
    async def arun(
        task: str,
        config: RunnableConfig,
        runtime: ToolRuntime[Any, Any] = None,  # type: ignore[assignment]
    ) -> tuple[str, dict[str, Any]]:
        given = _input(task, await namespace_by(namespace, runtime), key_by(key, runtime))
        return _told(await graph.ainvoke(given, config, **settings))

    def run(
        task: str,
        config: RunnableConfig,
        runtime: ToolRuntime[Any, Any] = None,  # type: ignore[assignment]
    ) -> tuple[str, dict[str, Any]]:
        given = _input(task, loop.run_blocking(lambda: namespace_by(namespace, runtime)), key_by(key, runtime))
        return _told(graph.invoke(given, config, **settings))

    return StructuredTool.from_function(
        func=run,
        coroutine=arun,
        name=name,
        description=description,
        args_schema=DelegatedTask,
        response_format="content_and_artifact",
    )


def _input(task: str, namespace: str | None, key: str) -> Any:
    given = {"task": task} if namespace is None else {"task": task, "namespace": namespace}
    return given | ({"key": key} if key else {})


def _told(result: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    artifact = {name: result.get(name) for name in _ARTIFACT}
    answer = result.get("answer")
    if isinstance(answer, str) and answer:
        return answer, artifact
    return f"There is no answer: {result.get('error') or 'the run ended without one'}", artifact
