"""The learning demonstration: one stream of tasks, worked on by one frozen model without memory and by two policies.

Every task goes through the real graph. After a wrong answer the right plan is written as a case (a correction). Beside
the arms stands what a majority vote over the cases of `advantage` says without any language model: a small model does
not add reasoning to that, and the figures must not suggest it. The tasks come in one order, so its intervals say
nothing about other orders, and no verdict is given: `memento eval run` plays as many as one needs.
"""

import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from langchain_core.language_models import BaseChatModel

from memento.evals.house_rules import (
    RULES,
    Clerk,
    HousePlan,
    HouseTask,
    house_prompt,
    house_stream,
    house_tools,
    last_result,
    right_plan,
    vote,
)
from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.memory.case_memory import CaseMemory
from memento.memory.stats import Interval, difference_ends, mean_interval
from memento.nodes.context import Context
from memento.nodes.sources import ModelSource, Role
from memento.nodes.state import InputState, PromptCase

K = 6
DemoPolicy = Literal["none", "similarity", "advantage"]
SERIES = ("no memory", "similarity", "advantage", "vote, no model")
"""What is compared: the arms by policy, and a vote over the cases that `advantage` was served."""


class TaskScore(NamedTuple):
    """One task of the stream: what each series made of it."""

    number: int
    """From 0."""
    none: float
    similarity: float
    advantage: float
    vote: float


class Shown(NamedTuple):
    """A run worth looking at closely."""

    task: str
    cases: list[PromptCase]
    plan: str
    answer: str | None
    reward: float | None
    case_id: str | None


class LearningDemo:
    """One demonstration in one folder; an interrupted one resumes where it stopped."""

    def __init__(self, *, models: ModelSource, folder: Path, n_tasks: int = 24, seed: int = 0) -> None:
        """Prepare.

        Args:
            models: gives the planner, which is the model that learns by being shown cases.
            folder: for the case bank and the scores.
            n_tasks: length of the stream.
            seed: of the stream.
        """
        self._models = models
        self._folder = folder / f"house-rules-{n_tasks}-{seed}"
        self._seed = seed
        tasks = house_stream(n_tasks + 100, seed=seed)
        self.tasks, self.spare_tasks = tasks[:n_tasks], tasks[n_tasks:]
        self.n_tasks = n_tasks

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["OpenDemo"]:
        """The demonstration with its memory open."""
        scores = self._read_scores()
        if len(scores) >= self.n_tasks or not scores:
            shutil.rmtree(self._folder, ignore_errors=True)
            scores = []
        self._folder.mkdir(parents=True, exist_ok=True)
        self._write_scores(scores)  # without a last line that a crash has torn
        async with CaseMemory.open(self._folder / "bank", seed=self._seed) as memory:
            yield OpenDemo(self, memory, self._models, scores)

    @property
    def scores_path(self) -> Path:
        """One line of JSON per finished task."""
        return self._folder / "scores.jsonl"

    def _read_scores(self) -> list[TaskScore]:
        if not self.scores_path.exists():
            return []
        lines = self.scores_path.read_text(encoding="utf-8").splitlines()
        try:
            return [TaskScore(**json.loads(line)) for line in lines if line.endswith("}")]
        except TypeError:  # an earlier version, which compared other things, was interrupted
            return []

    def _write_scores(self, scores: Sequence[TaskScore]) -> None:
        whole = self.scores_path.with_suffix(".whole")
        whole.write_text("".join(json.dumps(score._asdict()) + "\n" for score in scores), encoding="utf-8")
        whole.replace(self.scores_path)


class OpenDemo:
    """A demonstration that can run."""

    def __init__(self, demo: LearningDemo, memory: CaseMemory, models: ModelSource, scores: list[TaskScore]) -> None:
        """Use `LearningDemo.opened`."""
        self._demo = demo
        self._memory = memory
        self.scores = scores
        self._graph = build_graph(
            Deps(
                memory=memory,
                models=_WithClerk(models),
                tools=house_tools(),
                plan_schema=HousePlan,
                planner_prompt=house_prompt,
                answer_from_results=last_result,
            )
        )

    async def run(self) -> AsyncIterator[TaskScore]:
        """Work through the rest of the stream; each score is on disk before it is yielded."""
        for number in range(len(self.scores), self._demo.n_tasks):
            task = self._demo.tasks[number]
            none, similarity, advantage = [await self.work_on(task, policy=arm) for arm in get_args(DemoPolicy)]
            voted = vote(advantage.cases, otherwise=RULES[number % len(RULES)]) == task.rule
            solved = (none.reward or 0.0, similarity.reward or 0.0, advantage.reward or 0.0)
            score = TaskScore(number, *solved, float(voted))
            with self._demo.scores_path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(score._asdict()) + "\n")
            self.scores.append(score)
            yield score

    async def show(self) -> tuple[Shown, Shown]:
        """One more task, and then a related one, whose plan is made with the first one's case at hand."""
        first, *others = self._demo.spare_tasks
        related = next(task for task in others if task.rule == first.rule)
        return await self.work_on(first, policy="advantage"), await self.work_on(related, policy="advantage")

    async def work_on(self, task: HouseTask, *, policy: DemoPolicy) -> Shown:
        """One run of the graph, and the correction if it was wrong."""
        context = Context(policy=policy, k=K, evaluator="exact", max_cycles=1)
        given: InputState = {"task": task.text, "reference": task.answer, "namespace": policy}
        cases: list[PromptCase] = []
        plan, final = "", dict[str, Any]()
        stream: AsyncIterator[Any] = self._graph.astream(given, context=context, stream_mode=["custom", "values"])
        async for mode, part in stream:
            if mode == "values":
                final = part
            elif part["event"] == "cases":
                cases = part["cases"]
            elif part["event"] == "plan":
                plan = part["plan"][0]["description"]
        if final.get("reward") == 0.0 and policy != "none":
            await self._memory.write(
                state=task.text, action=right_plan(task), reward=1.0, evaluator="correction", namespace=policy
            )
        return Shown(task.text, cases, plan, final.get("answer"), final.get("reward"), final.get("case_id"))


class _WithClerk:
    """The given planner, and the clerk as executor."""

    def __init__(self, models: ModelSource) -> None:
        self._models = models
        self._clerk = Clerk()

    async def get(self, role: Role, override: str | None = None) -> BaseChatModel:
        return self._clerk if role == "executor" else await self._models.get("planner", override)


def accuracy(values: Sequence[float]) -> Interval:
    """Share of successes with its 95 % interval over tasks of this one order: another order may well differ more."""
    return mean_interval(values)


def paired_difference(a: Sequence[float], b: Sequence[float], *, seed: int = 0) -> Interval:
    """Mean of a - b over the same tasks, with its 95 % interval over tasks of this one order."""
    difference = np.asarray(a) - np.asarray(b)
    return mean_interval(difference, ends=difference_ends(difference), seed=seed)
