"""How long twenty independent subtasks take, eight at a time: `python -m benchmarks.parallel_subtasks`.

Each takes half a second, as a model on a server would. Bar: the whole run in 2.5 s.
"""

import asyncio
import sys
import time
from typing import Any, Never

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver

from benchmarks.adversarial_models import Planner
from benchmarks.busy import busy_cores
from benchmarks.graph_overhead import Hashing
from benchmarks.results import argument_parser, at_most, measured, report
from memento import CaseMemory, Deps, build_graph
from memento.nodes.context import Context

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


async def measure(n_runs: int) -> list[float]:
    """Seconds of each run, after one that warms up."""
    seconds = []
    async with CaseMemory.open(":memory:", encoder=Hashing(), policy="similarity") as memory:
        deps = Deps(memory=memory, planner=Planner(n_subtasks=N_SUBTASKS), executor=Slow())
        graph = build_graph(deps, checkpointer=InMemorySaver())
        for number in range(n_runs + 1):
            config: Any = {"configurable": {"thread_id": f"run-{number}"}}
            began = time.perf_counter()
            result = await graph.ainvoke({"task": f"task {number}"}, config, context=Context(max_cycles=1))
            seconds.append(time.perf_counter() - began)
            results = (await graph.aget_state(config)).values["results"]
            assert result["answer"] == "42"
            assert [row["id"] for row in results] == [str(n) for n in range(N_SUBTASKS)]
    return seconds[1:]


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with busy_cores(is_wanted=options.busy):
        seconds = asyncio.run(measure(options.runs))
    what = f"{N_SUBTASKS} subtasks of {SUBTASK_S} s, 8 at a time, wall"
    bar = at_most(BAR_S)
    figures = [measured(what, seconds, "s", of="runs", bar=bar, is_busy=options.busy)]
    sys.exit(report("parallel_subtasks", figures, options))


if __name__ == "__main__":
    main()
