"""One stream of tasks through a memory of its own: raw cases, guides always, or guides on trial."""

from typing import Final, Literal, NamedTuple

from benchmarks.guides.tasks import FAMILIES, SimulatedTask, chance_of, made_tasks
from memento.memory.case import question_hash
from memento.memory.case_memory import CaseMemory
from memento.memory.encoder import Encoder
from memento.memory.experience import Experience
from memento.memory.guides import TRIAL, GuideTrial
from memento.memory.reading import Reading

Arm = Literal["raw cases", "always", "on trial"]
ARMS: Final[tuple[Arm, ...]] = ("raw cases", "always", "on trial")

_K: Final = 4
_FIRST_CASES: Final = 4
"""Of each family, that a stream begins with."""


class StreamResult(NamedTuple):
    """What became of a stream."""

    families: list[int]
    """Of the tasks, in order."""
    rewards: list[float]
    trials: list[GuideTrial]
    """In the order of the families; how they stand at the end."""


async def run_stream(arm: Arm, *, n_tasks: int, seed: int, encoder: Encoder) -> StreamResult:
    """Run one stream."""
    tasks = made_tasks(n_tasks, seed=seed)
    memory = CaseMemory.open(":memory:", encoder=encoder, policy="similarity", seed=seed)
    async with memory:
        families: dict[str, int] = {}
        for number in range(_FIRST_CASES):
            for place, family in enumerate(FAMILIES):
                written = await memory.write(state=family.asked.format(number), action="as usual", reward=1.0)
                families[written or ""] = place
        guides = [await _guide(memory, family.guide) for family in FAMILIES]
        rewards = [await _attempted(memory, task, arm, families, guides) for task in tasks]
        return StreamResult([task.family for task in tasks], rewards, await memory.trials(guides))


async def _guide(memory: CaseMemory, when: str) -> str:
    written = await memory.write(state=when, action=f"Procedure: {when}", reward=1.0, kind="skill")
    return written or ""


async def _attempted(
    memory: CaseMemory, task: SimulatedTask, arm: Arm, families: dict[str, int], guides: list[str]
) -> float:
    """Attempt a task: with its cases, and with what the arm shows of its guide in place of the last one."""
    reading = await memory.read(task.text, k=_K)
    trial = await _guide_reading(memory, task, reading) if arm == "on trial" else None
    shown = [one.case.id for one in trial.cases] if trial else []
    if arm == "always":
        shown = [guides[task.family]]
    cases = [one.case.id for one in reading.cases][: _K - len(shown)]
    chance = chance_of(task, [families[one] for one in cases], has_guide=guides[task.family] in shown)
    reward = float(task.luck < chance)
    attempt = Experience(
        state=task.text,
        action="as usual",
        reward=reward,
        event_id=reading.event_id,
        guides=[trial.event_id] if trial else (),
    )
    families[await memory.write(attempt) or ""] = task.family
    return reward


async def _guide_reading(memory: CaseMemory, task: SimulatedTask, reading: Reading) -> Reading:
    """Read as the workflow does."""
    key = question_hash(task.text)
    recall = await memory.recall(task.text, policy=TRIAL, kind="skill", key=key)
    return await memory.select(recall._replace(part_of=reading.event_id), k=1)
