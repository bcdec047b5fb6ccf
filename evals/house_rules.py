"""House rules: a synthetic task family with exact answers that only experience can teach.

Six departments of an office each have their own rule for what is done with a word; the rules have opaque names, so a
model that has not seen what worked for a department can only guess. Carrying a rule out is a real tool call, and the
reward is whether its result is the right one.
"""

import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, NamedTuple, cast, get_args

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field

from memento.memory.case import POSITIVE_FROM
from memento.nodes.plan import Plan, PlannedSubtask
from memento.nodes.state import PromptCase, Run
from memento.nodes.subtasks import SubtaskResult

HouseRule = Literal["brill", "dask", "fenn", "gorp", "hulm", "jent"]
RULES: tuple[HouseRule, ...] = get_args(HouseRule)

_APPLY: dict[HouseRule, Callable[[str], str]] = {
    "brill": lambda word: word[::-1],
    "dask": lambda word: str(len(word)),
    "fenn": lambda word: word[1:] + word[0],
    "gorp": lambda word: "".join(letter for letter in word if letter in "aeiou") or "none",
    "hulm": lambda word: "".join(sorted(word)),
    "jent": lambda word: word[0] + word[-1],
}

_DEPARTMENTS: tuple[tuple[str, ...], ...] = (
    ("A ship came into the harbour with", "The captain unloads at the docks", "On the pier sailors carry"),
    ("The kitchen cooks a soup called", "A chef bakes in the oven", "The recipe on the stove is"),
    ("In the hospital a nurse writes", "The doctor tells the patient", "At the clinic the surgeon notes"),
    ("The astronomer saw a star named", "Through the telescope appears a planet", "In the night sky a comet,"),
    ("The farmer plants in the field", "On the farm a tractor pulls", "The harvest in the barn is"),
    ("In court the judge reads out", "The lawyer pleads in the trial of", "The jury hears the witness"),
)

_WORDS = re.findall(
    r"\w+",
    """
    kestrel marble lantern copper velvet saddle thistle anchor basket candle dagger ember feather glacier
    hammer island jacket kernel ladder magnet needle orchid pepper quarry ribbon shadow timber umbrella violet
    walnut yarrow zephyr acorn blanket cobble dragon engine falcon garnet harvest ivory juniper kettle lobster
    meadow nutmeg oyster pebble quiver raven sparrow tulip urchin vessel willow
    """,
)
_QUOTED = re.compile(r"'([a-z]+)'")


class HouseTask(NamedTuple):
    """A task and its right answer."""

    text: str
    rule: HouseRule
    answer: str


class HouseSubtask(PlannedSubtask):
    """One rule to apply."""

    id: Literal["1"] = "1"
    description: HouseRule
    depends_on: list[str] = Field(default_factory=list, max_length=0)


class HousePlan(Plan):
    """The only plans there are: one rule."""

    subtasks: list[HouseSubtask] = Field(min_length=1, max_length=1)  # type: ignore[assignment]
    answer: None = None


def house_stream(n: int, *, seed: int) -> list[HouseTask]:
    """Make a stream of distinct tasks in random order; the seed decides which department has which rule.

    A longer stream of the same seed begins with the shorter one.

    Args:
        n: how many.
        seed: of rules, order and words.
    """
    chance = random.Random(seed)  # noqa: S311  a simulation
    rules = chance.sample(RULES, len(RULES))
    every = [
        (f"{opening} '{word}'.", rules[index], word)
        for index, openings in enumerate(_DEPARTMENTS)
        for opening in openings
        for word in _WORDS
    ]
    if n > len(every):
        raise ValueError(f"there are {len(every)} house tasks, not {n}")
    chance.shuffle(every)
    return [HouseTask(text, rule, _APPLY[rule](word)) for text, rule, word in every[:n]]


def house_tools() -> list[Callable[..., Awaitable[str]]]:
    """Make the six rules as tools."""
    return [_tool(rule) for rule in RULES]


def house_prompt(
    *, run: Run, cases: Sequence[PromptCase], results: Sequence[SubtaskResult], is_last: bool, feedback: str
) -> list[BaseMessage]:
    """Build a planner prompt for a 135M model: good cases as earlier turns, the best last, then the task."""
    del results, is_last, feedback
    messages: list[BaseMessage] = [SystemMessage(f"Choose the rule for the task. Rules: {', '.join(RULES)}.")]
    for case in reversed(cases):
        if case["reward"] >= POSITIVE_FROM and _rule_of(case["action"]) in RULES:  # a blanked case names none
            plan = HousePlan(subtasks=[HouseSubtask(id="1", description=_rule_of(case["action"]))])
            messages += [HumanMessage(case["state"]), AIMessage(plan.model_dump_json())]
    return [*messages, HumanMessage(run["task"])]


def right_plan(task: HouseTask) -> str:
    """Return the correct plan, as a case stores it."""
    return f"1. {task.rule}"


def vote(cases: Sequence[PromptCase], *, otherwise: HouseRule) -> HouseRule:
    """Majority vote of the same cases without any model: the control for memory alone.

    A case votes from a reward of 0.5 on, whatever a run's `positive_from` is: house rules are right or wrong, 1 or 0.
    """
    named = [_rule_of(case["action"]) for case in cases if case["reward"] >= POSITIVE_FROM]
    worked = [rule for rule in named if rule in RULES]
    return Counter(worked).most_common(1)[0][0] if worked else otherwise


def last_result(results: Sequence[SubtaskResult]) -> str | None:
    """Return the result of the rule as the answer."""
    return results[-1]["result"] if results else None


class Clerk(BaseChatModel):
    """Executor of house plans: applies the named rule to the quoted word. A fixed program, not a language model.

    So that the figures show what the planner has learned, and nothing else.
    """

    @property
    def _llm_type(self) -> str:
        return "clerk"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Return itself; the clerk knows the tools by name."""
        del tools, kwargs
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        last = messages[-1]
        if isinstance(last, ToolMessage):
            reply = AIMessage(last.artifact)  # what the tool said, without its fence
        else:
            word = _QUOTED.findall(last.text)[0]
            rule = next(line for line in reversed(last.text.splitlines()) if line in RULES)
            reply = AIMessage("", tool_calls=[{"name": rule, "args": {"word": word}, "id": f"{rule}-{word}"}])
        return ChatResult(generations=[ChatGeneration(message=reply)])


def _tool(rule: HouseRule) -> Callable[..., Awaitable[str]]:
    async def apply(word: str) -> str:
        return _APPLY[rule](word)

    apply.__name__ = rule
    apply.__doc__ = f"Apply the house rule {rule} to a word."
    return apply


def _rule_of(action: str) -> HouseRule:
    return cast("HouseRule", action.partition("\n")[0].removeprefix("1. ").strip())
