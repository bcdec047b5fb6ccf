"""A memory can be opened with a policy of the caller's own, which is logged, repeated and evaluated like the others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput, UnknownPolicy
from memento.memory.estimators.port import EstimatorName
from memento.memory.policies.port import Candidates, Distribution, Pool
from tests.memories import filled


class CoinPolicy:
    """The nearest or the second nearest case, by the toss of a coin."""

    name = "coin"
    pool: Pool = "nearest"
    estimator: EstimatorName | None = None

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        if chosen or len(candidates) < 2 or not k:
            return None
        probability_C = np.zeros(len(candidates))
        probability_C[np.argsort(-candidates.similarity_C, kind="stable")[:2]] = 0.5
        return Distribution(probability_C, 0.0, candidates.similarity_C)


async def test_a_policy_of_ones_own_chooses_and_its_propensities_are_logged(tmp_path: Path) -> None:
    async with CaseMemory.open(tmp_path, policy=CoinPolicy(), seed=1) as memory:
        await filled(memory, 5)
        readings = [await memory.read("the capital of somewhere", k=3) for _ in range(12)]
        assert {len(reading.cases) for reading in readings} == {1}
        assert len({reading.cases[0].case.id for reading in readings}) == 2
        logged = [await memory.views.event(reading.event_id, namespace="default") for reading in readings]
        told = {(one.policy, one.slots[0].propensity, one.slots[0].is_randomised) for one in logged if one}
        assert told == {("coin", 0.5, True)}
        again = await memory.select(await memory.recall("the capital of somewhere", seed=4))
        assert again.policy == "coin"
        assert (await memory.read("the capital", policy="similarity")).policy == "similarity"
        assert (await memory.rank("a capital", ["Paris", "London"])).policy == "coin"
        with pytest.raises(UnknownPolicy, match="coin"):
            await memory.read("the capital", policy="dice")
        for number, reading in enumerate(readings):
            await memory.feedback(reading.event_id, float(number % 2))
        report = await memory.evaluation().report(["coin", "similarity"], logged_by="coin")
        assert set(report.policies) == {"coin", "similarity"}
        with pytest.raises(InvalidInput, match="'coin' learns nothing"):
            memory.offline()


async def test_what_it_logged_is_read_when_it_is_not_there(tmp_path: Path) -> None:
    async with CaseMemory.open(tmp_path, policy=CoinPolicy(), seed=1) as memory:
        await filled(memory, 5)
        event = (await memory.read("the capital of somewhere")).event_id
    async with CaseMemory.open(tmp_path) as memory:
        await memory.feedback(event, 1.0)
        assert await memory.n_outcomes() == 1
        assert (await memory.read("the capital of somewhere")).policy == "advantage"


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ({"name": "advantage"}, "built-in policy"),
        ({"name": ""}, "1 to 64 characters"),
        ({"name": 3}, "1 to 64 characters"),
        ({"pool": "all"}, "pool of policy 'coin' is one of"),
        ({"estimator": "mine"}, "estimator of policy 'coin' is None or one of"),
    ],
)
def test_an_object_that_is_no_policy_is_refused(spoilt: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        CaseMemory.open(":memory:", policy=type("Spoilt", (CoinPolicy,), spoilt)())


def test_an_object_without_the_parts_of_a_policy_is_refused() -> None:
    with pytest.raises(InvalidInput, match="a list without name, pool, estimator, distribution"):
        CaseMemory.open(":memory:", policy=[])  # type: ignore[arg-type]
