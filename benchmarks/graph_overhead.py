"""What a run of the workflow costs beside its models: the whole graph over a bare LangGraph of as many steps.

    python -m benchmarks.graph_overhead [--runs 200] [--busy]

Both sides use scripted models that answer at once, an encoder without weights and the same kind of checkpointer, and
take turns in one process, so that whatever else the machine does falls on both. Where a subtask is carried out,
LangChain's own agent, bare, makes the same tool call in the same turn: its loop is part of what a run costs, but not
ours. Times are the processor's; what a run leaves to be learned in the background has a figure of its own.
"""

import asyncio
import gc
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypedDict

import numpy as np
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from numpy.typing import NDArray

from benchmarks.busy import busy_cores
from benchmarks.results import Figure, argument_parser, at_most, measured, report
from memento import CaseMemory, Deps, build_graph

BARS = {"similarity": {"direct": 8.0, "one subtask": 15.0}, "advantage": {"direct": 12.0, "one subtask": 20.0}}
"""Milliseconds."""
NAMES = ("retrieve_case", "score_case", "planner", "evaluate", "write_case")


class Hashing:
    """Bags of hashed words, so that no weights are timed."""

    name, dim = "words-hashed-into-64", 64

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit rows."""
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.split() or [""]:
                row[int.from_bytes(hashlib.md5(word.encode()).digest()[:4]) % self.dim] += 1  # noqa: S324
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


class Instant(BaseChatModel):
    """Answers at once, by what it was asked."""

    reply: Callable[[list[BaseMessage]], AIMessage]

    @property
    def _llm_type(self) -> str:
        return "instant"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """Take tools as given."""
        return self

    def with_structured_output(self, *args: Any, **kwargs: Any) -> Any:
        """None, so that one plain call is made."""
        raise NotImplementedError

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self.reply(messages))])


def plans_once(messages: list[BaseMessage]) -> AIMessage:
    """One subtask, then the answer."""
    if "<result " in messages[-1].text:
        return answers(messages)
    step = {"id": "1", "description": "multiply", "depends_on": []}
    return AIMessage(json.dumps({"subtasks": [step], "answer": None}))


def answers(messages: list[BaseMessage]) -> AIMessage:
    """The answer."""
    return AIMessage(json.dumps({"subtasks": [], "answer": "42"}))


def calls_once(messages: list[BaseMessage]) -> AIMessage:
    """One tool call, then the result."""
    if messages[-1].type == "tool":
        return AIMessage("42")
    return AIMessage("", tool_calls=[{"name": "multiply", "args": {"a": 6, "b": 7}, "id": "1", "type": "tool_call"}])


async def multiply(a: int, b: int) -> str:
    """Multiply two numbers."""
    return str(a * b)


class Bare(TypedDict, total=False):
    """As little state as possible."""

    n: int


def bare_graph() -> Any:
    """Five nodes in a row that do nothing."""

    async def step(state: Bare) -> Bare:
        return {"n": state.get("n", 0) + 1}

    builder = StateGraph(Bare)
    for name in NAMES:
        builder.add_node(name, step)
    for start, end in zip((START, *NAMES), (*NAMES, END), strict=True):
        builder.add_edge(start, end)
    return builder.compile(checkpointer=InMemorySaver())


class Run(NamedTuple):
    """One run and what it is compared with; milliseconds of the processor, but for the last."""

    ours: float
    bare: float
    agent: float
    """LangChain's agent with the same model and tool; zero where no subtask is carried out."""
    learning: float
    """Of what the run left to be learned."""
    wall: float
    """Ours over the bare graph."""


async def timed(work: Awaitable[Any]) -> tuple[float, float]:
    """Milliseconds of the processor and of the wall."""
    cpu, wall = time.process_time(), time.perf_counter()
    await work
    return 1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)


async def runs(
    planner: Callable[[list[BaseMessage]], AIMessage], *, n_runs: int, location: str, policy: str, n_warm: int = 10
) -> list[Run]:
    """Both sides in turn, a new thread and a new task each time."""
    bare, found = bare_graph(), []
    models: dict[str, Any] = {
        "planner": Instant(reply=planner),
        "executor": Instant(reply=calls_once),
        "judge": Instant(reply=answers),
    }
    agent = create_agent(models["executor"], [multiply], system_prompt="Multiply.")
    folder = tempfile.TemporaryDirectory(prefix="overhead-")  # what users have: the embedded engine, a durable ledger
    async with CaseMemory.open(location or folder.name, encoder=Hashing(), policy=policy, seed=0) as memory:
        ours = build_graph(Deps(memory=memory, tools=[multiply], **models), checkpointer=InMemorySaver())

        async def run_ours(number: int) -> None:
            given: Any = {"task": f"What is six times seven, for the {number}. time?", "reference": "42"}
            result = await ours.ainvoke(given, {"configurable": {"thread_id": f"ours-{number}"}})
            assert result["reward"] == 1.0
            assert result["case_id"]

        async def run_bare(number: int) -> None:
            await bare.ainvoke({"n": 0}, {"configurable": {"thread_id": f"bare-{number}"}})

        async def run_agent() -> None:
            if planner is plans_once:
                await agent.ainvoke({"messages": [HumanMessage("multiply")]})

        for number in range(n_warm + n_runs):
            bare_first = await timed(run_bare(number)) if number % 2 else None
            our_cpu, our_wall = await timed(run_ours(number))
            learning, _ = await timed(memory.settle())
            bare_cpu, bare_wall = bare_first or await timed(run_bare(number))
            agent_cpu, _ = await timed(run_agent())
            if number >= n_warm:
                found.append(Run(our_cpu, bare_cpu, agent_cpu, learning, our_wall - bare_wall))
            gc.collect(0)
    folder.cleanup()
    return found


def told(policy: str, shape: str, found: list[Run], *, is_busy: bool) -> list[Figure]:
    """Figures of one policy and shape."""
    what = f"`{policy}` run, {shape}"
    bar = at_most(BARS[policy][shape]) if policy in BARS else None
    over = [one.ours - one.bare for one in found]
    parts = {
        "whole graph": [one.ours for one in found],
        "bare LangGraph": [one.bare for one in found],
        "over bare LangGraph, learning included": [one.ours - one.bare + one.learning for one in found],
        "over bare LangGraph, wall": [one.wall for one in found],
    }
    if shape == "one subtask":
        parts["over bare LangGraph and LangChain's agent"] = [one.ours - one.bare - one.agent for one in found]
    return [
        measured(f"{what}, over bare LangGraph", over, "ms", of="runs", bar=bar, is_busy=is_busy),
        *(measured(f"{what}, {name}", values, "ms", of="runs", is_busy=is_busy) for name, values in parts.items()),
    ]


async def run(policies: list[str], *, n_runs: int, location: str, is_busy: bool) -> list[Figure]:
    """Measure both shapes with each policy."""
    shapes = {"direct": answers, "one subtask": plans_once}
    figures = []
    with busy_cores(is_wanted=is_busy):
        for policy in policies:
            for shape, planner in shapes.items():
                found = await runs(planner, n_runs=n_runs, location=location, policy=policy)
                figures += told(policy, shape, found, is_busy=is_busy)
    return figures


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--runs", type=int, default=200, help="of each policy and shape")
    parser.add_argument("--location", default="", help="of the memory, such as :memory:; a fresh folder by default")
    parser.add_argument("--policies", default="similarity,advantage", help="comma-separated")
    options = parser.parse_args()
    work = run(options.policies.split(","), n_runs=options.runs, location=options.location, is_busy=options.busy)
    sys.exit(report("graph_overhead", asyncio.run(work), options))


if __name__ == "__main__":
    main()
