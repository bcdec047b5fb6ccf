"""One evaluation run in a folder, through the real graph and runner, with a scripted planner."""

import asyncio
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import STREAMS, EvalRunner, RunEnd, load_results
from memento.evals.subject import Subject, embedded_memory
from memento.evals.task import EvalTask, fingerprint
from memento.graph.deps import Deps
from memento.memory.case import Case
from tests.hashing_encoder import HashingEncoder
from tests.node_parts import answer
from tests.scripted import ScriptedChatModel


def right(messages: list[BaseMessage]) -> str:
    """The right answer, whatever is shown beside the task."""
    return answer(f"answer {item_of(messages)}")


def item_of(messages: list[BaseMessage]) -> int:
    """The item that is asked for: the last one named, after those of cases."""
    return int(re.findall(r"item (\d+) of", messages[-1].text)[-1])


class ScriptedRun:
    """One run in a folder, with a scripted planner."""

    def __init__(
        self,
        folder: Path,
        tasks: Sequence[EvalTask],
        reply: Callable[[list[BaseMessage]], Any] = right,
        *,
        arms: Sequence[str] = ("similarity",),
        workspace: Path | None = None,
        **more: Any,
    ) -> None:
        self.folder, self.tasks = folder, tasks
        self.model = ScriptedChatModel(reply)
        self.plan = RunPlan.model_validate(
            {
                "dataset": "made",
                "tasks": fingerprint(tasks),
                "n_tasks": len(tasks),
                "subject": "scripted",
                "scorer": "exact",
                "arms": [parse_arm(arm) for arm in arms],
                "seeds": [0],
                "settings": {"evaluator": "exact"},
            }
            | more
        )
        self.subject = Subject(
            name="scripted", make_deps=lambda memory: Deps(memory=memory, planner=self.model, workspace=workspace)
        )

    async def go(self, listen: Callable[[TaskResult], None] = lambda result: None, **options: Any) -> RunEnd:
        runner = EvalRunner(
            self.plan,
            tasks=self.tasks,
            subject=self.subject,
            folder=self.folder,
            encoder=HashingEncoder(),
            **options,
        )
        return await runner.run(listen)

    async def results(self) -> list[TaskResult]:
        return await asyncio.to_thread(lambda: list(load_results(self.folder, self.plan)))

    async def cases(self) -> list[Case]:
        (key,) = self.plan.streams()
        folder, encoder = self.folder / STREAMS / key.name, HashingEncoder()
        memory = embedded_memory(folder, policy=key.arm.policy, namespace=key.name, seed=0, encoder=encoder)
        async with memory:
            return [case async for case in memory.views.walk(namespace=key.name)]
