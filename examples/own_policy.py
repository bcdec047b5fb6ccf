"""A policy of your own: successes only, those of like tasks first, and now and then one that is drawn at random.

    pip install memento-langgraph
    python examples/own_policy.py

A policy gives probabilities, and the memory draws: so every propensity is known, and other policies can be judged from
the log later. docs/policies.md has the rules, and what `check_policy` checks. No model, no key and no network.
"""

import asyncio
from collections.abc import Sequence

import numpy as np

from memento import CaseMemory
from memento.memory.policies.port import Candidates, Distribution
from memento.testing import check_policy

SHARE_DRAWN = 0.2


class Successes:
    """The nearest case that succeeded; with a chance of one in five, another one of them; never a failure."""

    name = "successes"
    pool = "nearest"
    estimator = None

    def distribution(self, candidates: Candidates, *, chosen: Sequence[int | None], k: int) -> Distribution | None:
        """Fill the next slot; None when no slot remains."""
        if len(chosen) >= min(k, len(candidates)):
            return None
        left = candidates.reward_C >= 0.5
        left[[index for index in chosen if index is not None]] = False
        if not left.any():
            return Distribution(np.zeros(len(candidates)), null=1.0, score_C=candidates.similarity_C)
        share = SHARE_DRAWN * left / left.sum()
        share[np.argmax(np.where(left, candidates.similarity_C, -np.inf))] += 1 - SHARE_DRAWN
        return Distribution(share, null=0.0, score_C=candidates.similarity_C)


async def main() -> None:
    """Check the policy, then read with it."""
    check_policy(Successes())
    async with CaseMemory.open(":memory:", policy=Successes(), seed=0) as memory:
        for town, reward in {"Ankara": 1.0, "Bern": 0.0, "Cairo": 1.0, "Dakar": 1.0}.items():
            await memory.write(state=f"What is {town} the capital of?", action=f"look up {town}", reward=reward)
        reading = await memory.read("What is Dublin the capital of?", k=4)
        for slot in reading.slots:
            case = next((one.case.action for one in reading.cases if one.slot == slot.slot), "nothing")
            print(f"slot {slot.slot}: {case}, propensity {slot.propensity:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
