"""Two task families with exact answers, in which only experience tells what to do.

routing  real questions of six data sets, each to be sent to the desk that handles its data set. The desks' names say
         nothing, and nobody has told the model, or the memory, what distinguishes the data sets.
house    the demonstration's house rules: six departments, each with its own rule; the rule is really carried out.
"""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable

from benchmarks.frozen_model.one_step import Failures, as_action, plan_of, prompt_of
from memento.evals.house_rules import RULES, Clerk, house_stream, house_tools, last_result
from memento.evals.subject import Correction, Subject
from memento.evals.task import EvalTask
from memento.graph.deps import Deps
from memento.nodes.prompts import PlannerPrompt
from memento.nodes.sources import MemorySource

FamilyName = Literal["routing", "house"]
FAMILIES: tuple[FamilyName, ...] = get_args(FamilyName)

DESKS = {
    "2wiki": "alpha",
    "hotpotqa": "bravo",
    "musique": "delta",
    "nq": "echo",
    "popqa": "kilo",
    "tq": "tango",
}
"""Data set to desk. The seventh data set of the file has too few questions to be drawn from evenly."""


class Family(NamedTuple):
    """Tasks, and what is right."""

    name: FamilyName
    names: tuple[str, ...]
    """What a plan may say."""
    tasks: list[EvalTask]
    subject: Callable[["MakePlanner"], Subject]

    def right(self, task: EvalTask) -> str:
        """The name that would have been right."""
        return task.metadata["right"]


MakePlanner = Callable[[MemorySource], BaseChatModel]
"""Gives the planner of a stream, known by its memory."""


def routing(n: int, *, file: Path, seed: int = 0, failures: Failures = "hidden") -> Family:
    """Real questions, as many of each data set.

    Args:
        n: how many; rounded down to a multiple of six.
        file: questions with `data_source`, one JSON object a line.
        seed: of the draw.
        failures: whether the prompt shows cases that failed.
    """
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    chance = random.Random(seed)
    tasks = []
    for source, desk in DESKS.items():
        asked = sorted({row["question"] for row in rows if row["data_source"] == source})
        for number, question in enumerate(chance.sample(asked, n // len(DESKS))):
            tasks.append(
                EvalTask(
                    id=f"{source}-{number}",
                    question=question,
                    references=[desk],
                    source=source,
                    metadata={"right": desk},
                )
            )
    names = tuple(DESKS.values())
    prompt = f"Choose the desk for the question. Desks: {', '.join(names)}."
    planner_prompt = prompt_of(prompt, failures=failures)
    return Family(
        "routing", names, tasks, _subject("routing", names, planner_prompt, tools=[], executor=Porter(names=names))
    )


def house(n: int, *, seed: int = 0, failures: Failures = "hidden") -> Family:
    """House rules.

    Args:
        n: how many.
        seed: of rules, departments and words.
        failures: whether the prompt shows cases that failed.
    """
    tasks = [
        EvalTask(
            id=str(number), question=one.text, references=[one.answer], source=one.rule, metadata={"right": one.rule}
        )
        for number, one in enumerate(house_stream(n, seed=seed))
    ]
    prompt = f"Choose the rule for the task. Rules: {', '.join(RULES)}."
    planner_prompt = prompt_of(prompt, failures=failures)
    return Family(
        "house", RULES, tasks, _subject("house", RULES, planner_prompt, tools=house_tools(), executor=Clerk())
    )


class Porter(BaseChatModel):
    """The executor of routing plans: carries the question to the desk and reports where it went. No language model."""

    names: tuple[str, ...]

    @property
    def _llm_type(self) -> str:
        return "porter"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """There are none."""
        del tools, kwargs
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        desk = next(line for line in reversed(messages[-1].text.splitlines()) if line in self.names)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(desk))])


def _subject(
    name: FamilyName, names: Sequence[str], prompt: PlannerPrompt, *, tools: Sequence[Any], executor: BaseChatModel
) -> Callable[[MakePlanner], Subject]:
    schema = plan_of(names)

    def subject(make_planner: MakePlanner) -> Subject:
        def deps(memory: MemorySource) -> Deps:
            return Deps(
                memory=memory,
                planner=make_planner(memory),
                executor=executor,
                judge=executor,
                tools=tools,
                plan_schema=schema,
                planner_prompt=prompt,
                answer_from_results=last_result,
            )

        def correction(task: EvalTask) -> Correction:
            return Correction(as_action(task.metadata["right"]), task.references[0])

        return Subject(
            name=f"frozen-{name}",
            make_deps=deps,
            correction=correction,
            settings={"evaluator": "exact", "max_cycles": 1},
        )

    return subject
