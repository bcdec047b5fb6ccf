"""What the adapters for LangChain cost: the middleware on a model call, and the ranker on 64 documents of a retriever.

    python -m benchmarks.langchain_adapters [--runs 200] [--cases 1000] [--busy]

The packaged encoder, a bank in a folder, and a model that answers at once. An agent with the middleware takes turns
with the bare agent, in one process. Each run has one model call, which bears the whole cost: the reading before and
the outcome written after it. The ranker gets 64 documents that it has never seen. What the encoder takes in a run is
counted in calls, and left out of the times beside them: those of the processor, as in `graph_overhead`, and of the
wall. What a run leaves to be learned in the background is not in them.
"""

import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Awaitable
from typing import Any, NamedTuple

import numpy as np
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from numpy.typing import NDArray

from benchmarks.busy import busy_cores
from benchmarks.graph_overhead import Instant
from benchmarks.results import Figure, argument_parser, at_most, measured, report
from memento.integrations.langchain import CaseMiddleware
from memento.memory.case_memory import CaseMemory
from memento.memory.experience import Experience
from memento.memory.minilm.encoder import MiniLmEncoder

N_DOCUMENTS = 64
N_WARM = 10
_WORDS = ("river", "harbour", "copper", "signal", "orchard", "valley", "engine", "lantern", "bridge", "meadow")


class TimedEncoder:
    """The packaged encoder; counts its calls and the time they take."""

    name, dim = MiniLmEncoder.name, MiniLmEncoder.dim

    def __init__(self) -> None:
        self._encoder = MiniLmEncoder()
        self.n_calls = 0
        self.taken = Taken(0.0, 0.0)

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit rows."""
        began = Taken.now()
        rows = await self._encoder.encode(texts)
        self.n_calls += 1
        self.taken = self.taken.plus(began.until_now())
        return rows


class Taken(NamedTuple):
    """Milliseconds of the processor and of the wall."""

    cpu: float
    wall: float

    @classmethod
    def now(cls) -> "Taken":
        """Two clocks."""
        return cls(1000 * time.process_time(), 1000 * time.perf_counter())

    def until_now(self) -> "Taken":
        """The time since then."""
        return Taken.now().plus(self, -1)

    def plus(self, other: "Taken", sign: int = 1) -> "Taken":
        """The sum, or the difference."""
        return Taken(self.cpu + sign * other.cpu, self.wall + sign * other.wall)


class AdapterRun(NamedTuple):
    """One run of an adapter."""

    added: Taken
    """Beside the encoder."""
    encoding: Taken
    n_calls: int
    """Of the encoder."""


async def timed(work: Awaitable[Any], encoder: TimedEncoder) -> AdapterRun:
    """Run something; what it takes, and how often it encodes."""
    n_calls, encoding, began = encoder.n_calls, encoder.taken, Taken.now()
    await work
    taken, encoding = began.until_now(), encoder.taken.plus(encoding, -1)
    return AdapterRun(taken.plus(encoding, -1), encoding, encoder.n_calls - n_calls)


def sentence(rng: np.random.Generator, n_words: int) -> str:
    """A text that was never encoded before."""
    return " ".join([*rng.choice(_WORDS, n_words), str(rng.integers(10**12))])


async def middleware(memory: CaseMemory, encoder: TimedEncoder, *, n_runs: int) -> list[AdapterRun]:
    """An agent of one model call with the memory, beside the bare one."""
    model: Any = Instant(reply=lambda _: AIMessage("done"))
    rng, found = np.random.default_rng(1), []
    bare = create_agent(model)
    remembering = create_agent(model, middleware=[CaseMiddleware(memory, reward=graded)])
    for number in range(N_WARM + n_runs):
        asked = [{"messages": [HumanMessage(sentence(rng, 20))]} for _ in range(2)]
        first = await timed(bare.ainvoke(asked[0]), encoder) if number % 2 else None
        ours = await timed(remembering.ainvoke(asked[1]), encoder)
        await memory.settle()
        other = first or await timed(bare.ainvoke(asked[0]), encoder)
        if number >= N_WARM:
            found.append(ours._replace(added=ours.added.plus(other.added, -1)))
        gc.collect(0)
    return found


async def graded(state: Any) -> float:
    """A reward at no cost."""
    del state
    return 1.0


async def ranker(memory: CaseMemory, encoder: TimedEncoder, *, n_runs: int) -> list[AdapterRun]:
    """64 documents that were never seen; every ranking is given a reward before the next."""
    rng, found = np.random.default_rng(2), []
    for number in range(N_WARM + n_runs):
        task, documents = sentence(rng, 12), [sentence(rng, 40) for _ in range(N_DOCUMENTS)]
        rankings = []

        async def rank(task: str = task, documents: list[str] = documents, into: list[Any] = rankings) -> None:
            into.append(await memory.rank(task, documents, k=4))

        ours = await timed(rank(), encoder)
        await memory.feedback(rankings[0].event_id, float(rng.integers(2)))
        await memory.settle()
        if number >= N_WARM:
            found.append(ours)
        gc.collect(0)
    return found


def told(what: str, found: list[AdapterRun], *, n_calls: int, bar_ms: float, is_busy: bool) -> list[Figure]:
    """Figures of one adapter."""
    calls = [float(one.n_calls) for one in found]
    cpu, wall = [one.added.cpu for one in found], [one.added.wall for one in found]
    # what the encoder was not asked for, of as many calls as are allowed, may be spent otherwise
    over = [one.added.cpu - (n_calls - one.n_calls) * one.encoding.cpu / one.n_calls for one in found]
    allowed = f"{n_calls} forward{'s' if n_calls > 1 else ''}"
    return [
        measured(f"{what}, calls of the encoder", calls, "calls", of="runs", bar=at_most(n_calls), is_busy=is_busy),
        measured(f"{what}, over {allowed}", over, "ms", of="runs", bar=at_most(bar_ms), is_busy=is_busy),
        measured(f"{what}, beside the encoder", cpu, "ms", of="runs", is_busy=is_busy),
        measured(f"{what}, beside the encoder, wall", wall, "ms", of="runs", is_busy=is_busy),
    ]


async def run(*, n_runs: int, n_cases: int, is_busy: bool) -> list[Figure]:
    """Measure both."""
    encoder, rng = TimedEncoder(), np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="adapters-") as folder, busy_cores(is_wanted=is_busy):
        async with CaseMemory.open(folder, encoder=encoder, seed=0) as memory:
            bank = [
                Experience(state=sentence(rng, 20), action=sentence(rng, 20), reward=float(rng.integers(2)))
                for _ in range(n_cases)
            ]
            await memory.write_all(bank)
            by_middleware = await middleware(memory, encoder, n_runs=n_runs)
            by_ranker = await ranker(memory, encoder, n_runs=n_runs)
    return [
        *told("`CaseMiddleware`, a model call", by_middleware, n_calls=2, bar_ms=10.0, is_busy=is_busy),
        *told(f"`rank` of {N_DOCUMENTS} documents", by_ranker, n_calls=1, bar_ms=5.0, is_busy=is_busy),
    ]


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--runs", type=int, default=200, help="of each adapter")
    parser.add_argument("--cases", type=int, default=1000, help="in the bank")
    options = parser.parse_args()
    work = run(n_runs=options.runs, n_cases=options.cases, is_busy=options.busy)
    sys.exit(report("langchain_adapters", asyncio.run(work), options))


if __name__ == "__main__":
    main()
