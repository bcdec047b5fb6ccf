"""The house rules: distinct tasks, right answers, rules that only experience tells."""

import json
import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from pydantic import ValidationError

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
from memento.nodes.executor import make_executor
from memento.nodes.sources import Toolbox
from memento.nodes.state import PromptCase
from memento.nodes.tool_binding import bound_tool
from tests.node_parts import Roles, a_run, runtime_of

APPLIED: dict[str, Callable[[str], str]] = {  # written again, for the tests' own sake
    "brill": lambda word: "".join(reversed(word)),
    "dask": lambda word: f"{len(word)}",
    "fenn": lambda word: f"{word[1:]}{word[:1]}",
    "gorp": lambda word: re.sub("[^aeiou]", "", word) or "none",
    "hulm": lambda word: "".join(letter * word.count(letter) for letter in sorted(set(word))),
    "jent": lambda word: word[:1] + word[-1:],
}


def word_of(task: HouseTask) -> str:
    return task.text.split("'")[1]


def opening_of(task: HouseTask) -> str:
    return task.text.split("'")[0]


def case(action: str, *, reward: float = 1.0, state: str = "s") -> PromptCase:
    view: dict[str, Any] = {"id": "c", "state": state, "action": action, "answer": "", "lesson": "", "reward": reward}
    return {**view, "similarity": 0.5, "score": 0.5, "slot": 0, "propensity": 1.0}  # type: ignore[typeddict-item]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 300), more=st.integers(0, 300))
def test_a_longer_stream_begins_with_the_shorter_one_when_the_seed_is_the_same(seed: int, n: int, more: int) -> None:
    longer = house_stream(n + more, seed=seed)
    assert longer[:n] == house_stream(n, seed=seed)
    assert len({task.text for task in longer}) == n + more


def test_every_answer_is_right_when_computed_another_way() -> None:
    for task in house_stream(900, seed=3):
        assert task.answer == APPLIED[task.rule](word_of(task))


def test_a_department_has_one_rule_when_a_stream_is_drawn() -> None:
    rules: dict[str, set[str]] = {}
    for task in house_stream(900, seed=5):
        rules.setdefault(opening_of(task), set()).add(task.rule)
    assert all(len(found) == 1 for found in rules.values())
    assert Counter(next(iter(found)) for found in rules.values()) == dict.fromkeys(RULES, 3)


def test_departments_have_other_rules_when_the_seed_differs() -> None:
    drawn = {tuple(sorted({(opening_of(t), t.rule) for t in house_stream(900, seed=seed)})) for seed in range(8)}
    assert len(drawn) == 8


def test_a_stream_is_refused_when_it_is_longer_than_all_tasks() -> None:
    with pytest.raises(ValueError, match="house tasks, not 5000"):
        house_stream(5000, seed=0)


async def test_each_tool_applies_its_rule_when_called_by_name() -> None:
    tools = {tool.__name__: tool for tool in house_tools()}
    assert tuple(tools) == RULES
    for rule, tool in tools.items():
        assert await tool("velvet") == APPLIED[rule]("velvet")
    assert await tools["gorp"]("rhythm") == "none"


def test_only_rules_are_allowed_when_a_plan_is_decoded() -> None:
    schema = json.dumps(HousePlan.model_json_schema())
    assert json.dumps(list(RULES)) in schema
    assert '"const": "1"' in schema
    plan = HousePlan.model_validate({"subtasks": [{"description": "dask"}]})
    assert plan.steps() == [{"id": "1", "description": "dask", "depends_on": []}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"subtasks": [{"description": "sing"}]},
        {"subtasks": []},
        {"subtasks": [{"description": "dask"}, {"description": "fenn"}]},
        {"subtasks": [{"description": "dask"}], "answer": "6"},
    ],
)
def test_a_plan_is_refused_when_it_is_more_than_one_rule(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HousePlan.model_validate(wrong)


def test_what_worked_is_shown_best_last_when_the_prompt_is_made() -> None:
    cases = [case("1. dask\n2. more", state="best"), case("1. fenn", reward=0.0), case("1. hulm", state="second")]
    messages = house_prompt(run=a_run("task"), cases=cases, results=[], is_last=False, feedback="")
    assert [type(message) for message in messages] == [
        SystemMessage, HumanMessage, AIMessage, HumanMessage, AIMessage, HumanMessage,
    ]  # fmt: skip
    assert [message.text for message in messages[1::2]] == ["second", "best", "task"]
    assert HousePlan.model_validate_json(messages[4].text).subtasks[0].description == "dask"


def test_the_majority_wins_when_cases_vote() -> None:
    assert vote([case("1. dask"), case("1. fenn"), case("1. fenn")], otherwise="jent") == "fenn"
    assert vote([case("1. dask"), case("1. fenn")], otherwise="jent") == "dask"  # a tie: the most similar
    assert vote([case("1. dask", reward=0.0)], otherwise="jent") == "jent"  # failures do not vote
    assert vote([], otherwise="jent") == "jent"


def test_the_vote_reads_a_correction_when_one_was_written() -> None:
    task = random.Random(0).choice(house_stream(50, seed=0))
    assert vote([case(right_plan(task))], otherwise="jent") == task.rule


async def test_the_clerk_obeys_the_plan_when_told_a_rule() -> None:
    async def tools(_run: Any) -> Toolbox:
        return Toolbox([bound_tool(tool) for tool in house_tools()])

    step = {"id": "1", "description": "hulm", "depends_on": []}
    state: Any = {"run": a_run("The recipe is 'velvet'."), "cycle": 1, "subtask": step, "earlier": []}
    update = await make_executor(Roles(executor=Clerk()), tools)(state, runtime=runtime_of())
    (result,) = update["results"]
    assert (result["result"], result["is_complete"]) == ("eeltvv", True)
    assert result["tool_calls"] == [{"name": "hulm", "args": {"word": "velvet"}, "result": "eeltvv"}]


def test_the_answer_is_the_last_result_when_there_is_one() -> None:
    assert last_result([]) is None
    result: Any = {"result": "6"}
    assert last_result([result]) == "6"
