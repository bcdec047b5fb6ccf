"""Erase a person's texts: what would go, what goes, and what stays for the others.

    pip install memento-langgraph
    python examples/erase_a_user.py

Each user has a namespace here, and one question of Ben's names Ann. `memento cases erase` does the same, and removes
threads too; docs/erasure.md says what stays (counts, ids, times) and what no command can reach (backups, exports). No
model, no key and no network.
"""

import asyncio

from memento import CaseMemory

ASKED = {
    "user-ann": ("My knee hurts when I run", "Where do I send my sick note?"),
    "user-ben": ("Tell Ann Miller that I am late", "Where do I send my sick note?"),
}


async def recalled(memory: CaseMemory) -> str:
    """What each namespace recalls."""
    counts = [
        f"{name}: {len((await memory.read('What was asked?', k=4, policy='similarity', namespace=name)).cases)}"
        for name in ASKED
    ]
    return ", ".join(counts)


async def main() -> None:
    """Erase Ann's namespace, then what mentions her in Ben's."""
    async with CaseMemory.open("./people_bank", seed=0) as memory:
        for name, questions in ASKED.items():
            for question in questions:
                await memory.write(state=question, action="look it up", reward=1.0, namespace=name)
        print(f"recalled before: {await recalled(memory)}")

    async with CaseMemory.open("./people_bank", namespace="user-ann", seed=0) as memory:
        plan = await memory.lifecycle.plan_erasure(is_all=True)
        print(f"would go: {plan.counts.cases} cases, {plan.counts.events} readings")
        done = await memory.lifecycle.erase(is_all=True)
        print(f"erased: {done.counts.cases} cases; left to do: {done.unfinished or 'nothing'}")

    async with CaseMemory.open("./people_bank", namespace="user-ben", seed=0) as memory:
        done = await memory.lifecycle.erase(matching="ann miller")
        print(f"erased of Ben's: {done.counts.cases} case")
        print(f"recalled after: {await recalled(memory)}")
        (entry,) = await memory.lifecycle.audit()
        print(f"in the audit trail: {entry.verb}, {entry.detail}")


if __name__ == "__main__":
    asyncio.run(main())
