"""What a run of the workflow costs beside its models: the whole graph against a bare LangGraph of as many steps.

Both sides use scripted models that answer at once and the same kind of checkpointer, and take turns in one process, so
that whatever else the machine does falls on both. Where a subtask is carried out, LangChain's own agent, bare, makes
the same tool call in the same turn: its loop is part of what a run costs, but not ours. Reported per shape: medians,
median of the paired differences with a bootstrap interval, and the ratio to the bare graph.

    .venv/bin/python benchmarks/graph_overhead.py [--runs 200]
"""

import argparse
import asyncio
import gc
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypedDict

import numpy as np
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from numpy.typing import NDArray

from memento import CaseMemory, Deps, build_graph

BAR_MS = 20.0
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


class Measured(NamedTuple):
    """Seconds per run, paired."""

    ours: list[float]
    bare: list[float]
    agent: list[float]
    """LangChain's agent with the same model and tool; zero where no subtask is carried out."""


async def timed(run: Callable[[int], Awaitable[Any]], number: int) -> float:
    """Seconds of one run."""
    started = time.perf_counter()
    await run(number)
    return time.perf_counter() - started


async def measure(
    planner: Callable[[list[BaseMessage]], AIMessage], *, n_runs: int, location: str, policy: str, n_warm: int = 10
) -> Measured:
    """Both sides in turn, a new thread and a new task each time."""
    bare = bare_graph()
    models: dict[str, Any] = {
        "planner": Instant(reply=planner),
        "executor": Instant(reply=calls_once),
        "judge": Instant(reply=answers),
    }
    agent = create_agent(models["executor"], [multiply], system_prompt="Multiply.")
    measured = Measured([], [], [])
    folder = tempfile.TemporaryDirectory(prefix="overhead-")  # what users have: the embedded engine, a durable ledger
    async with CaseMemory.open(location or folder.name, encoder=Hashing(), policy=policy) as memory:
        ours = build_graph(Deps(memory=memory, tools=[multiply], **models), checkpointer=InMemorySaver())

        async def run_ours(number: int) -> None:
            given: Any = {"task": f"What is six times seven, for the {number}. time?", "reference": "42"}
            result = await ours.ainvoke(given, {"configurable": {"thread_id": f"ours-{number}"}})
            assert result["reward"] == 1.0
            assert result["case_id"]

        async def run_bare(number: int) -> None:
            await bare.ainvoke({"n": 0}, {"configurable": {"thread_id": f"bare-{number}"}})

        async def run_agent(_number: int) -> None:
            if planner is plans_once:
                await agent.ainvoke({"messages": [HumanMessage("multiply")]})

        for number in range(n_warm + n_runs):
            turn = [await timed(run, number) for run in (run_ours, run_bare, run_agent)]
            if number >= n_warm:
                for side, seconds in zip(measured, turn, strict=True):
                    side.append(seconds)
            await memory.settle()
            gc.collect(0)
    folder.cleanup()
    return measured


def interval(values: Sequence[float], *, n_boot: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the median."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(np.asarray(values), (n_boot, len(values))), axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    return float(low), float(high)


def report(shape: str, measured: Measured) -> bool:
    """Print one shape; True if it is within the bar."""
    ours, bare, agent = (statistics.median(side) * 1e3 for side in measured)
    over = [(a - b) * 1e3 for a, b, _ in zip(*measured, strict=True)]
    own = [(a - b - c) * 1e3 for a, b, c in zip(*measured, strict=True)]
    print(f"{shape}: whole graph {ours:.1f} ms, bare graph {bare:.1f} ms, LangChain's agent {agent:.1f} ms per run")
    for name, values in {"over the bare graph": over, "without the agent's loop": own}.items():
        low, high = interval(values)
        print(f"  {name:<24} {statistics.median(values):.1f} ms [{low:.1f}, {high:.1f}], bar {BAR_MS:.0f} ms")
    print(f"  whole / bare {ours / bare:.1f}, medians of {len(over)} runs")
    return statistics.median(over) <= BAR_MS  # the agent's loop is not ours, but it is not in the bare graph either


async def main(n_runs: int, location: str, policy: str) -> None:
    """Measure both shapes."""
    shapes = {"direct answer": answers, "one subtask, one tool call": plans_once}
    within = [
        report(shape, await measure(planner, n_runs=n_runs, location=location, policy=policy))
        for shape, planner in shapes.items()
    ]
    print("within the bar" if all(within) else "NOT within the bar")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--location", default="", help="of the memory, such as :memory:; a fresh folder by default")
    parser.add_argument("--policy", default="advantage", help="how cases are chosen; similarity learns nothing")
    options = parser.parse_args()
    asyncio.run(main(options.runs, options.location, options.policy))
