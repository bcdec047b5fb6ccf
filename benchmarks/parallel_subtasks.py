"""Twenty independent subtasks of half a second each: how long does the whole run take, eight at a time?

.venv/bin/python -m benchmarks.parallel_subtasks [--runs 5] [--json]
"""

import argparse
import asyncio
import json
import statistics
import time
from typing import Any, Never

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver

from benchmarks.graph_overhead import Hashing
from memento import CaseMemory, Deps, build_graph

N_SUBTASKS = 20
SUBTASK_S = 0.5
BAR_S = 2.5


class Slow(BaseChatModel):
    """Takes half a second, as a server would."""

    @property
    def _llm_type(self) -> str:
        return "slow"

    def _generate(self, *args: Any, **kwargs: Any) -> Never:
        raise NotImplementedError

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        await asyncio.sleep(SUBTASK_S)
        return ChatResult(generations=[ChatGeneration(message=AIMessage("done"))])


class Planner(BaseChatModel):
    """Plans all subtasks at once, then answers."""

    @property
    def _llm_type(self) -> str:
        return "planner"

    def with_structured_output(self, *args: Any, **kwargs: Any) -> Never:
        """None, so that plain calls are made."""
        raise NotImplementedError

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        is_done = "<result " in messages[-1].text
        steps = [{"id": str(n), "description": f"step {n}", "depends_on": []} for n in range(N_SUBTASKS)]
        reply = {"subtasks": [], "answer": "42"} if is_done else {"subtasks": steps, "answer": None}
        return ChatResult(generations=[ChatGeneration(message=AIMessage(json.dumps(reply)))])


async def measure(n_runs: int) -> list[float]:
    """Seconds of each run, after one that warms up."""
    seconds = []
    async with CaseMemory.open(":memory:", encoder=Hashing(), policy="similarity") as memory:
        graph = build_graph(Deps(memory=memory, planner=Planner(), executor=Slow()), checkpointer=InMemorySaver())
        for number in range(n_runs + 1):
            config: Any = {"configurable": {"thread_id": f"run-{number}"}}
            began = time.perf_counter()
            result = await graph.ainvoke({"task": f"task {number}"}, config)
            seconds.append(time.perf_counter() - began)
            results = (await graph.aget_state(config)).values["results"]
            assert result["answer"] == "42"
            assert [row["id"] for row in results] == [str(n) for n in range(N_SUBTASKS)]
    return seconds[1:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seconds = asyncio.run(measure(options.runs))
    median = statistics.median(seconds)
    if options.json:
        print(json.dumps({"n_subtasks": N_SUBTASKS, "median_s": median, "max_s": max(seconds), "bar_s": BAR_S}))
        return
    slowest = f"slowest {max(seconds):.2f} s of {len(seconds)} runs"
    print(f"{N_SUBTASKS} subtasks of {SUBTASK_S} s, 8 at a time: median {median:.2f} s, {slowest}; bar {BAR_S} s")


if __name__ == "__main__":
    main()
