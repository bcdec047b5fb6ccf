"""The memory by itself, in a loop of your own: recall cases, do the task, write what came of it.

    pip install memento-langgraph
    python examples/memory_alone.py

No model, no key and no network: what does the task here is a function that knows one rule and learns the other.
"""

import asyncio

from memento import CaseMemory
from memento.integrations.case_texts import format_cases

TASKS = {
    "Ship a parcel to Norway": "with a customs form",
    "Ship a parcel to Sweden": "without a customs form",
    "Ship a letter to Norway": "with a customs form",
    "Ship a parcel to Denmark": "without a customs form",
}


def do(task: str, cases: str) -> str:
    """Do a task with the help of cases: where one of the same country failed, do it the other way."""
    country = task.rsplit(" ", 1)[-1]
    return "with a customs form" if country in cases else "without a customs form"


async def main() -> None:
    """Do every task twice."""
    async with CaseMemory.open("./bank", seed=0) as memory:
        for turn in (1, 2):
            for task, right in TASKS.items():
                reading = await memory.read(task, k=4)
                action = do(task, format_cases(reading.cases))
                reward = float(action == right)
                await memory.write(state=task, action=action, reward=reward, event_id=reading.event_id)
                print(f"turn {turn}: {task}, {action}: {'right' if reward else 'wrong'} ({len(reading.cases)} cases)")
        print(f"{await memory.n_outcomes()} outcomes learned from")


if __name__ == "__main__":
    asyncio.run(main())
