"""A ledger full of made-up outcomes: 384-dimensional states around 40 topics, four near cases for each read.

Written through the ledger's own writer, with vectors of their own, so that nothing need be encoded.
"""

import asyncio
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.case import Case, case_id
from memento.memory.estimators.port import CaseRows, Example
from memento.memory.event import Candidate, Outcome, RetrievalEvent, Slot
from memento.memory.ledger.ledger import Ledger
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.plan_text import encoded_action
from memento.memory.products import cosines

DIM, N_TOPICS, N_ACTIONS, N_CASES, N_RECALLED, K = 384, 40, 40, 2000, 64, 4
_PART = 500


class GivenVectors:
    """Encoder of a ledger that holds every vector already."""

    name = "given-vectors"
    dim = DIM

    async def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Nothing: a text without a vector is a mistake."""
        raise AssertionError(f"no vector was given for {texts[:3]}")


class Made(NamedTuple):
    """What outcomes are made of. Axes: N cases, D dimensions, P topics."""

    centre_PD: NDArray[np.float32]
    case_ND: NDArray[np.float32]
    """Cases; the topic of each is its number modulo the number of topics."""
    chance: np.random.Generator

    def near(self, topic_N: NDArray[np.int64]) -> NDArray[np.float32]:
        """Unit vectors around topics."""
        row_ND = self.centre_PD[topic_N] + self.chance.normal(size=(len(topic_N), DIM)) / DIM**0.5
        unit_ND: NDArray[np.float32] = (row_ND / np.linalg.norm(row_ND, axis=1, keepdims=True)).astype(np.float32)
        return unit_ND

    def task(self) -> tuple[int, NDArray[np.float32]]:
        """A topic and a task of it."""
        topic = int(self.chance.integers(N_TOPICS))
        return topic, self.near(np.array([topic]))[0]

    def rows(self, state_D: NDArray[np.float32], cases: NDArray[np.int64]) -> CaseRows:
        """Cases as an estimator sees them."""
        case_ND = self.case_ND[cases]
        vectors = {"state": case_ND, "action": self.centre_PD[cases % N_ACTIONS], "text": case_ND}
        reward_N = (cases % 3 > 0).astype(np.float32)
        actions = tuple(f"action {one % N_ACTIONS}" for one in cases)
        return CaseRows(tuple(f"case {one}" for one in cases), cosines(case_ND, state_D), reward_N, vectors, actions)

    def recalled(self, topic: int) -> NDArray[np.int64]:
        """Cases of a topic."""
        n = len(self.case_ND) // N_TOPICS
        return topic + N_TOPICS * self.chance.choice(n, min(n, N_RECALLED), replace=False)

    def served(self, recalled: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those that a policy chose of them."""
        return self.chance.choice(recalled, K, replace=False)

    def reward(self) -> float:
        """What came of it."""
        return float(self.chance.random() < 0.5)

    def example(self, number: int) -> Example:
        """One outcome."""
        topic, state_D = self.task()
        cases = self.rows(state_D, self.served(self.recalled(topic)))
        certain = np.zeros(K, np.bool_), np.ones(K)
        return Example(number, f"e{number}", None, str(number), state_D, cases, *certain, self.reward(), 1.0)


def made(n_cases: int = N_CASES) -> Made:
    """Topics and cases."""
    chance = np.random.default_rng(0)
    centre_PD = chance.normal(size=(N_TOPICS, DIM)).astype(np.float32)
    centre_PD /= np.linalg.norm(centre_PD, axis=1, keepdims=True)
    empty = Made(centre_PD, np.empty((0, DIM), np.float32), chance)
    return empty._replace(case_ND=empty.near(np.arange(n_cases) % N_TOPICS))


async def fill(ledger: Ledger, world: Made, n_outcomes: int, *, start: int = 0) -> None:
    """Write the cases with the first outcomes; each with its event and vectors."""
    cases = [_case(number) for number in range(len(world.case_ND))]
    if start == 0:
        actions = dict(zip([encoded_action(case.action) for case in cases[:N_ACTIONS]], world.centre_PD, strict=True))
        await ledger.transact(lambda writer: writer.save_vectors(GivenVectors.name, actions))
        for first in range(0, len(cases), _PART):
            part = slice(first, first + _PART)
            vectors = dict(zip([case.state for case in cases[part]], world.case_ND[part], strict=True))
            await ledger.transact(lambda writer, part=part, vectors=vectors: _keep(writer, cases[part], vectors))  # type: ignore[misc]
    for first in range(start, start + n_outcomes, _PART):
        numbers = range(first, min(first + _PART, start + n_outcomes))
        await ledger.transact(lambda writer, numbers=numbers: _live(writer, world, cases, numbers))  # type: ignore[misc]


def _case(number: int) -> Case:
    state, action = f"state {number} of a made-up case", f"action {number % N_ACTIONS}"
    own = case_id("default", state, action)
    return Case(id=own, namespace="default", state=state, action=action, reward=float(number % 3 > 0))


def _keep(writer: LedgerWriter, cases: list[Case], vectors: dict[str, NDArray[np.float32]]) -> None:
    writer.append_revisions(cases)
    writer.save_vectors(GivenVectors.name, vectors)


def _live(writer: LedgerWriter, world: Made, cases: list[Case], numbers: range) -> None:
    events, vectors = list[RetrievalEvent](), dict[str, NDArray[np.float32]]()
    for number in numbers:
        topic, state_D = world.task()
        recalled = world.recalled(topic)
        cosine = dict(zip(recalled.tolist(), cosines(world.case_ND[recalled], state_D).tolist(), strict=True))
        event = RetrievalEvent(
            id=f"event {number}",
            namespace="default",
            query=f"task {number}",
            policy="advantage",
            n_outcomes=number,
            bank_version=len(cases),
            candidates=[Candidate(cases[case].id, cosine[case]) for case in recalled.tolist()],
            slots=[
                Slot(slot=slot, case_id=cases[case].id, similarity=cosine[case], score=cosine[case], propensity=1.0)
                for slot, case in enumerate(world.served(recalled).tolist())
            ],
        )
        events.append(event)
        vectors[event.query] = state_D
    writer.append_events(events)
    for event in events:
        writer.append_outcome(Outcome(key=event.id, event_id=event.id, namespace="default", reward=world.reward()))
    writer.save_vectors(GivenVectors.name, vectors)


def filled(folder: Path, world: Made, n_outcomes: int) -> None:
    """Make a ledger of its own in a folder."""

    async def write() -> None:
        async with Ledger(f"sqlite:///{folder / 'ledger.db'}", is_durable=False) as ledger:
            await fill(ledger, world, n_outcomes)

    asyncio.run(write())
