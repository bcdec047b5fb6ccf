"""Cases and questions for the memory's benchmarks: the reference's recorded ones, or made-up ones."""

import json
import random
from pathlib import Path

from memento.memory.case import Case, case_id
from memento.memory.interchange import read_cases

RECORDED = Path(__file__).parent.parent.parent / "shared" / "data"
WORDS = ("what", "which", "capital", "country", "river", "founded", "born", "band", "film", "county", "sport", "team")


def cases(n: int = 1031) -> list[Case]:
    """The reference's recorded bank, or made-up cases of its size where it is absent."""
    file = RECORDED / "memory.jsonl"
    if file.exists():
        found = {line.case.id: line.case for line in read_cases(file, namespace="default") if line.case}
        return list(found.values())[:n]
    chance = random.Random(0)
    return [_case(f"{made_up(chance)} {number}", f"1. Search for {made_up(chance)}.") for number in range(n)]


def queries(n: int) -> list[str]:
    """Recorded questions that no case has, or made-up ones."""
    file = RECORDED / "deepresearcher.jsonl"
    if file.exists():
        asked = dict.fromkeys(json.loads(line)["question"] for line in file.read_text("utf-8").splitlines())
        known = {case.state for case in cases()}  # their vectors are kept: reading them would cost no forward
        return [question for question in asked if question not in known][:n]
    chance = random.Random(1)
    return [f"{made_up(chance)} asked {number}" for number in range(n)]


def made_up(chance: random.Random) -> str:
    """A question's worth of words."""
    return " ".join(chance.choices(WORDS, k=10))


def _case(state: str, action: str) -> Case:
    return Case(id=case_id("default", state, action), namespace="default", state=state, action=action, reward=1.0)
