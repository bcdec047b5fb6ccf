"""Plans of one step, whose name comes from a list, and how a model of 135M parameters is asked for one.

The model writes `{"name": "..."}`; that is a third of the tokens of a whole plan, and reading them is what takes time.
"""

from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import Field, create_model, model_validator
from pydantic.json_schema import SkipJsonSchema

from benchmarks.frozen_model.chat_model import shown
from memento.memory.case import POSITIVE_FROM
from memento.nodes.plan import Plan, PlannedSubtask
from memento.nodes.prompts import PlannerPrompt
from memento.nodes.state import PromptCase, Run
from memento.nodes.subtasks import SubtaskResult


class OneStep(Plan):
    """What the model writes becomes the only subtask."""

    subtasks: SkipJsonSchema[list[PlannedSubtask]] = Field(default_factory=list)
    answer: SkipJsonSchema[None] = None

    @model_validator(mode="before")
    @classmethod
    def _as_subtask(cls, given: Any) -> Any:
        if isinstance(given, dict) and "name" in given:
            return {"name": given["name"], "subtasks": [{"id": "1", "description": given["name"]}]}
        return given


def plan_of(names: Sequence[str]) -> type[Plan]:
    """A plan schema that allows one step with one of these names, and nothing else."""
    fields: dict[str, Any] = {"name": (Literal[tuple(names)], ...)}
    return create_model("OneStepPlan", __base__=OneStep, **fields)


def as_action(name: str) -> str:
    """The plan as a case keeps it."""
    return f"1. {name}"


def name_of(action: str) -> str:
    """What the plan of a case names."""
    return action.partition("\n")[0].removeprefix("1. ").strip()


WRONG = "That was wrong.\n\n"
"""Begins the turn after a case that failed."""

Failures = Literal["hidden", "shown"]


def prompt_of(instruction: str, *, failures: Failures = "hidden") -> PlannerPrompt:
    """A prompt with cases as earlier turns, the best case last, then the task.

    Args:
        instruction: of the system's turn.
        failures: hidden: cases that worked alone; shown: those that failed, too, each followed by the word that it was
            wrong, before those that worked.
    """

    def prompt(
        *, run: Run, cases: Sequence[PromptCase], results: Sequence[SubtaskResult], is_last: bool, feedback: str
    ) -> list[BaseMessage]:
        del results, is_last, feedback
        messages: list[BaseMessage] = [SystemMessage(instruction)]
        worst_first = list(reversed(cases))
        worked = [case for case in worst_first if case["reward"] >= POSITIVE_FROM]
        failed = [case for case in worst_first if case["reward"] < POSITIVE_FROM] if failures == "shown" else []
        verdict = ""
        for case in [*failed, *worked]:
            reply = AIMessage(shown({"name": name_of(case["action"])}))
            messages += [HumanMessage(verdict + case["state"]), reply]
            verdict = WRONG if case["reward"] < POSITIVE_FROM else ""
        return [*messages, HumanMessage(verdict + run["task"])]

    return prompt
