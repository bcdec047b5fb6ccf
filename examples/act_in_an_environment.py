"""Act in an environment: what was done in one run is a case, and the actor of the next run is shown it.

    pip install memento-langgraph
    python examples/act_in_an_environment.py

Leave `actor` out, and the executor's model chooses the actions. No model, no key and no network.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from memento import CaseMemory, Deps, build_graph
from memento.nodes.acting.environment import Observation

WAY_OUT = ("right", "left", "right")


class Maze:
    """Three forks; a wrong turn leads back to the same fork."""

    async def reset(self, key: str) -> Observation:
        """Begin; every key is the same maze."""
        self.n_passed = 0
        return Observation("You are at fork 1.", ("left", "right"))

    async def step(self, action: str) -> Observation:
        """Take a turn."""
        self.n_passed += action == WAY_OUT[self.n_passed]
        is_out, score = self.n_passed == len(WAY_OUT), self.n_passed / len(WAY_OUT)
        return Observation(f"You are at fork {self.n_passed + 1}.", ("left", "right"), score, is_out, is_out)


@asynccontextmanager
async def maze_of_a_run(_run: Any) -> AsyncIterator[Maze]:
    """Lend an environment to one run; a pool would take it back."""
    yield Maze()


class FollowOrTry:
    """Follows the best case; without one, takes the first action that is offered."""

    async def act(self, *, cases: Any, steps: Any, now: Observation, **_: Any) -> str:
        """Return the next action."""
        known = cases[0]["action"].splitlines() if cases else []
        return known[len(steps)] if len(steps) < len(known) else now.valid[0]


async def main() -> None:
    """Two runs: the second one has seen the first."""
    async with CaseMemory.open("./bank", seed=0) as memory:
        graph = build_graph(Deps(memory=memory, environment=maze_of_a_run, actor=FollowOrTry()))
        for task in ("Leave the maze.", "Leave the maze again."):
            print(task, (await graph.ainvoke({"task": task}))["answer"])


if __name__ == "__main__":
    asyncio.run(main())
