"""Made tasks and a model that answers at once: what is left of a run's time is the product's own.

The model's answer follows from what it is shown, cases included, so that a memory which went astray would be seen.
"""

import hashlib
import os
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import FeedbackKind, RunPlan
from memento.evals.subject import Subject
from memento.evals.task import EvalTask, fingerprint
from memento.graph.deps import Deps
from memento.nodes.sources import MemorySource

CALLS = "BENCHMARK_CALLS"
"""Environment variable: a file in which every call of the model leaves a line, its stream and the task's text."""


class Scripted(BaseChatModel):
    """Says one of three numbers, by a hash of all that it is shown."""

    namespace: str = ""
    """Of the stream whose model it is."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        shown = messages[-1].text
        if CALLS in os.environ:
            with open(os.environ[CALLS], "a", encoding="utf-8") as file:
                task = shown.rpartition("<task>")[2].strip().partition("\n")[0]
                file.write(f"{self.namespace}\t{task}\n")
        answer = ("one", "two", "three")[hashlib.sha256(shown.encode()).digest()[0] % 3]
        text = f'{{"subtasks": [], "answer": "{answer}"}}'
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages)


def subject() -> Subject:
    """The graph around it; no tools."""

    def make_deps(memory: MemorySource) -> Deps:
        model = Scripted(namespace=getattr(memory, "namespace", ""))
        return Deps(memory=memory, planner=model, executor=model, judge=model)

    return Subject(name="scripted", make_deps=make_deps)


def made_tasks(n: int) -> list[EvalTask]:
    """Distinct questions of four sources, each with one of the three answers."""
    return [
        EvalTask(
            id=str(number),
            question=f"Which number stands on card {number * 7919 % 1_000_003} of the box {number % 97}?",
            references=[("one", "two", "three")[number % 3]],
            source=f"box {number % 4}",
        )
        for number in range(n)
    ]


def made_plan(
    tasks: list[EvalTask], arms: Sequence[str], *, round_size: int, feedback: FeedbackKind = "correction"
) -> RunPlan:
    """One seed, exact match."""
    return RunPlan(
        dataset="made",
        tasks=fingerprint(tasks),
        n_tasks=len(tasks),
        subject="scripted",
        scorer="exact",
        arms=[parse_arm(arm) for arm in arms],
        seeds=[0],
        round=round_size,
        feedback=feedback,
        settings={"evaluator": "exact", "max_cycles": 1},
    )
