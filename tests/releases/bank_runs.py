"""The reads of the frozen bank, and everything that can be told of one; with the API of the release that made it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from tests.releases.bank_texts import task_text

POLICIES = ("advantage", "similarity", "parametric", "advantage", "kernel", "soft", "random", "similarity_reward")
MODELS = {"planner": "made-up-1", "executor": "made-up-2"}


async def live(memory: CaseMemory, namespace: str, numbers: Iterable[int]) -> None:
    """Read for tasks, and tell what came of it in every way that there is."""
    for number in numbers:
        policy, task = POLICIES[number % len(POLICIES)], task_text(number)
        recall = await memory.recall(task, policy=policy, namespace=namespace, seed=number)
        if number % 20 == 12:  # as when the search engine was away
            recall = recall._replace(is_degraded=True)
        reading = await memory.select(recall, k=4 if number % 9 else 2)
        served = [scored.case for scored in reading.cases]
        event_id = reading.event_id
        if number % 20 == 13:
            for cycle in range(1 + number % 3):
                query = f"{task}\nSo far: step {cycle} found {number * 7 % 11}."
                reading = await memory.read(
                    query, namespace=namespace, policy=policy, task=task, follows=event_id, seed=number
                )
                event_id = reading.event_id
        good = sum(case.reward for case in served) / max(1, len(served))
        reward = float((number * 2654435761 >> 7) % 100 < 25 + 50 * good)
        await OUTCOMES[number % 20](memory, namespace, number, event_id, reward, served)


Tell = Callable[..., Any]


async def _write(
    memory: CaseMemory, namespace: str, number: int, event_id: str, reward: float | None, **changes: Any
) -> str | None:
    given = {
        "state": task_text(number),
        "action": f"1. Look {number % 5} up.\n2. Compare with table {number % 3}.",
        "answer": f"{number * 3} ℃",
        "reward": reward,
        "event_id": event_id,
        "evaluator": ("exact", "judge", "human")[number % 3],
        "lesson": f"Näher hinsehen: {number}." if number % 4 == 0 else "",
        "error_class": ("plan", "tool", "knowledge", "format", "budget")[number % 5] if reward == 0 else None,
        "thread_id": f"thread {number}",
        "models": MODELS,
        "namespace": namespace,
    }
    return await memory.write(**{**given, **changes})


async def plain(memory: CaseMemory, ns: str, number: int, event_id: str, reward: float, served: Any) -> None:
    await _write(memory, ns, number, event_id, reward)


async def fraction(memory: CaseMemory, ns: str, number: int, event_id: str, reward: float, served: Any) -> None:
    await _write(memory, ns, number, event_id, (0.25 + reward) / 2 + number / 1000, confidence=0.8)


async def unknown(memory: CaseMemory, ns: str, number: int, event_id: str, reward: float, served: Any) -> None:
    await _write(memory, ns, number, event_id, None)


async def late(memory: CaseMemory, ns: str, number: int, event_id: str, reward: float, served: Any) -> None:
    await _write(memory, ns, number, event_id, None)
    await memory.feedback(event_id, reward, namespace=ns, lesson="Told a day later.")


async def corrected(memory: CaseMemory, ns: str, number: int, event_id: str, reward: float, served: Any) -> None:
    await _write(memory, ns, number, event_id, reward)
    await memory.feedback(event_id, 1 - reward, namespace=ns, confidence=0.9, lesson="Die Quelle irrte — 見直し。")


async def withdrawn(memory: CaseMemory, ns: str, number: int, event_id: str, reward: float, served: Any) -> None:
    await _write(memory, ns, number, event_id, reward)
    await memory.feedback(event_id, None, namespace=ns)


async def back_and_forth(memory: CaseMemory, ns: str, number: int, event_id: str, reward: float, served: Any) -> None:
    await withdrawn(memory, ns, number, event_id, reward, served)
    await memory.feedback(event_id, 0.6, namespace=ns, evaluator="judge")


async def left_out(memory: CaseMemory, ns: str, number: int, event_id: str, reward: float, served: list[Case]) -> None:
    await _write(memory, ns, number, event_id, reward, left_out=[case.id for case in served[1:3]])


async def no_outcome(memory: CaseMemory, ns: str, number: int, event_id: str, reward: float, served: Any) -> None:
    """Nothing was ever told."""


async def feedback_first(memory: CaseMemory, ns: str, number: int, event_id: str, reward: float, served: Any) -> None:
    await memory.feedback(event_id, 1.0, namespace=ns)
    if number % 40 < 20:
        await _write(memory, ns, number, event_id, 0.0)


async def repeated(memory: CaseMemory, ns: str, number: int, event_id: str, reward: float, served: Any) -> None:
    for _ in range(2):
        await _write(memory, ns, number, event_id, reward)
    for _ in range(2):
        await memory.feedback(event_id, 0.5, namespace=ns, evaluator="rubric")


async def doubtful(memory: CaseMemory, ns: str, number: int, event_id: str, reward: float, served: Any) -> None:
    await _write(memory, ns, number, event_id, reward, confidence=0.3)


async def unjudged(memory: CaseMemory, ns: str, number: int, event_id: str, reward: float, served: Any) -> None:
    await _write(memory, ns, number, event_id, None, error_class="judge")
    if number % 40 < 20:
        await memory.feedback(event_id, 1.0, namespace=ns)


OUTCOMES: Sequence[Tell] = (
    *(plain, plain, plain, plain, fraction, fraction, unknown, late, corrected, withdrawn),
    *(back_and_forth, plain, plain, corrected, left_out, no_outcome, feedback_first, repeated, doubtful, unjudged),
)
