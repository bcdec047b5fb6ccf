"""How runs end whose models and tools do everything wrong: `python -m benchmarks.adversarial_models`.

A seed makes a behaviour: what the executor's model says, call by call, what its tools do, and how large the budgets
are. Each runs through the whole graph with a checkpointer. A run may end with an answer, or, when its model is not to
be reached at all, with the error of that name, after which it can be resumed; anything else is a crash.
Bar: of two hundred behaviours none crashes, and none spends more than its budgets.
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, Never

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import PrivateAttr

from benchmarks.adversarial_moves import MOVES, TOOLS, Move, says
from benchmarks.graph_overhead import Hashing
from memento import CaseMemory, Deps, build_graph
from memento.nodes.context import Context
from memento.nodes.errors import ModelUnavailable

SLACK_S = 3.0
"""What a busy machine and two tries of an unreachable model may add to a run's time."""


class Adversary(BaseChatModel):
    """A model that follows the moves of one behaviour, and counts its calls."""

    _moves: Sequence[Move] = PrivateAttr()
    _rng: random.Random = PrivateAttr()
    n_calls: int = 0

    def __init__(self, moves: Sequence[Move], rng: random.Random) -> None:
        super().__init__()
        self._moves, self._rng = moves, rng

    @property
    def _llm_type(self) -> str:
        return "adversary"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """Heed no tools."""
        return self

    def _generate(self, *args: Any, **kwargs: Any) -> Never:
        raise NotImplementedError

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.n_calls += 1
        move = self._rng.choice(self._moves).act(self._rng, self.n_calls)
        if isinstance(move, Exception):
            self.n_calls -= 1  # refused, not answered
            raise move
        if isinstance(move, float):
            await asyncio.sleep(move)
            move = says("late")
        return ChatResult(generations=[ChatGeneration(message=move)])


class Planner(BaseChatModel):
    """Plans a few subtasks at once, over and over, until it has to answer."""

    n_subtasks: int

    @property
    def _llm_type(self) -> str:
        return "planner"

    def with_structured_output(self, *args: Any, **kwargs: Any) -> Never:
        """None, so that plain calls are made."""
        raise NotImplementedError

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        is_last = "No more plans" in messages[-1].text
        steps = [{"id": str(n), "description": f"step {n}", "depends_on": []} for n in range(self.n_subtasks)]
        reply = {"answer": "42"} if is_last else {"subtasks": steps, "answer": None}
        return ChatResult(generations=[ChatGeneration(message=AIMessage(json.dumps(reply)))])


class Ended(NamedTuple):
    """How one run ended."""

    seed: int
    moves: str
    ended_by: list[str]
    """Of each subtask; of a run without an answer, the error."""
    n_calls: int
    seconds: float
    most_s: float
    """So long it may take where the machine is free."""
    problem: str = ""
    """Why this is no good end; empty when it is one."""

    @property
    def is_late(self) -> bool:
        """Whether it took longer than that: a busy machine does it, too."""
        return self.seconds > self.most_s


async def run(seed: int, memory: CaseMemory) -> Ended:
    """Run one behaviour to its end."""
    rng = random.Random(seed)
    # First every move alone, for as long as it takes; then in all mixtures.
    moves = [MOVES[seed]] if seed < len(MOVES) else rng.sample(MOVES, rng.randint(2, 6))
    model, n_subtasks = Adversary(moves, rng), rng.randint(1, 4)
    settings = {
        "max_cycles": rng.randint(1, 2),
        "max_model_calls": rng.randint(1, 12),
        "max_tool_calls": rng.choice([1, 5, 40]),
        "max_tokens": rng.choice([None, None, 1, 50_000]),
        "max_cost_usd": rng.choice([None, None, 0.01]),
        "max_seconds": rng.choice([1.0, 2.0, 4.0]),
        "max_tool_seconds": rng.choice([0.2, 0.5]),
        "run_max_model_calls": rng.choice([3, 20, 400, 400]),
        "run_max_seconds": rng.choice([3.0, 8.0]),
    }
    deps = Deps(memory=memory, planner=Planner(n_subtasks=n_subtasks), executor=model, tools=TOOLS, price=one_cent)
    graph = build_graph(deps, checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": f"seed-{seed}"}}
    began = time.monotonic()
    try:
        async with asyncio.timeout(60):
            result = await graph.ainvoke({"task": f"task {seed}"}, config, context=Context(**settings))
        state = (await graph.aget_state(config)).values
        ends = [row["ended_by"] or "complete" for row in state["results"]]
        problem = "" if result["answer"] else "no answer"
    except ModelUnavailable as error:
        ends, problem = [type(error).__name__], ""
    except Exception as error:  # noqa: BLE001  the point of it all
        ends, problem = [type(error).__name__], f"crashed: {type(error).__name__}: {str(error)[:200]}"
    seconds = time.monotonic() - began
    most_calls = min(settings["max_model_calls"] * n_subtasks * settings["max_cycles"], settings["run_max_model_calls"])
    # A subtask's time, what its last call may take, and a second for each thing that does not heed being cancelled.
    most_s = settings["max_cycles"] * (settings["max_seconds"] + max(1.0, 0.2 * settings["max_seconds"]) + 2) + SLACK_S
    if not problem and model.n_calls > most_calls:
        problem = f"{model.n_calls} model calls, {most_calls} allowed"
    return Ended(seed, " + ".join(move.name for move in moves), ends, model.n_calls, seconds, most_s, problem)


def one_cent(_model: str, usage: Any) -> float | None:
    """A cent for every thousand tokens."""
    return max(0, usage["input_tokens"]) / 100_000


async def measure(seeds: Sequence[int], *, n_at_once: int = 8) -> list[Ended]:
    """Run behaviours, several at a time, with one memory."""
    gate = asyncio.Semaphore(n_at_once)
    async with CaseMemory.open(":memory:", encoder=Hashing(), policy="similarity") as memory:

        async def one(seed: int) -> Ended:
            async with gate:
                return await run(seed, memory)

        return await asyncio.gather(*map(one, seeds))


def main() -> None:
    """Run all and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    ended = asyncio.run(measure(range(options.n)))
    if options.json:
        for row in ended:
            print(json.dumps(row._asdict()))
        return
    for name, n in Counter(end for row in ended for end in row.ended_by).most_common():
        print(f"{n:5} {name}")
    print(f"{len(ended)} runs: at most {max(row.n_calls for row in ended)} model calls, "
          f"{max(row.seconds for row in ended):.1f} s")  # fmt: skip
    bad = [row for row in ended if row.problem or row.is_late]
    for row in bad:
        late = f"{row.seconds:.1f} s, {row.most_s:.1f} allowed"
        print(f"seed {row.seed} ({row.moves}): {row.problem or late}")
    print("every run ended within its budgets" if not bad else f"{len(bad)} did NOT")


if __name__ == "__main__":
    main()
