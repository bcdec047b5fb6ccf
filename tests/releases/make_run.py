"""Makes an interrupted evaluation: `PYTHONPATH=. python tests/releases/make_run.py FOLDER`, run at cd8a8e0 and e3533e0.

A folder as a process leaves it that was stopped in the third of four rounds: plan, journals, and a memory per stream.
"""

import asyncio
import contextlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.runner import EvalRunner
from memento.evals.subject import Subject
from memento.evals.task import EvalTask, fingerprint
from memento.graph.deps import Deps
from tests.hashing_encoder import HashingEncoder
from tests.scripted import ScriptedChatModel

N_PLAYED = 20
"""Results before it was stopped, of 36."""


class Stopped(Exception):
    """The process is gone."""


def made_runner(folder: Path) -> tuple[EvalRunner, ScriptedChatModel]:
    """The evaluation, and its model, which answers every third item wrongly."""

    def reply(messages: list[Any]) -> str:
        item = int(re.findall(r"item (\d+) of", messages[-1].text)[-1])
        return json.dumps({"subtasks": [], "answer": f"answer {item}" if item % 3 else "no idea"})

    tasks = [
        EvalTask(id=f"t{number}", question=f"What is item {number} of chess?", references=[f"answer {number}"])
        for number in range(12)
    ]
    plan = RunPlan(
        dataset="made",
        tasks=fingerprint(tasks),
        n_tasks=len(tasks),
        subject="scripted",
        scorer="exact",
        arms=[parse_arm(arm) for arm in ("none", "similarity", "advantage")],
        seeds=[0],
        round=3,
        settings={"evaluator": "exact"},
    )
    model = ScriptedChatModel(reply)
    subject = Subject(name="scripted", make_deps=lambda memory: Deps(memory=memory, planner=model))
    return EvalRunner(plan, tasks=tasks, subject=subject, folder=folder, encoder=HashingEncoder()), model


def main() -> None:
    """Run until enough is done."""
    n_seen = 0

    def listen(result: object) -> None:
        nonlocal n_seen
        n_seen += 1
        if n_seen == N_PLAYED:
            raise Stopped

    with contextlib.suppress(Stopped):
        asyncio.run(made_runner(Path(sys.argv[1]))[0].run(listen))


if __name__ == "__main__":
    main()
