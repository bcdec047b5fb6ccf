"""What counts as a plan."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from memento.nodes.plan import MAX_SUBTASKS, FinalAnswer, Plan, plan_text


def steps(*rows: tuple[Any, list[Any]]) -> dict[str, Any]:
    return {"subtasks": [{"id": name, "description": "do", "depends_on": after} for name, after in rows]}


@pytest.mark.parametrize(
    "reply",
    [
        steps(("1", [])),
        steps(("2", ["1"]), ("1", [])),
        steps(("a", []), ("b", ["a"]), ("c", ["a", "b"])),
        steps(*((str(n), []) for n in range(MAX_SUBTASKS))),
        {"answer": "42"},
        {"subtasks": [{"id": "1", "description": "do"}], "answer": ""},
    ],
)
def test_plan_is_taken_when_it_can_be_carried_out(reply: dict[str, Any]) -> None:
    Plan.model_validate(reply)


def test_plan_is_mended_and_says_so_when_a_step_waits_for_itself() -> None:
    reply = steps(("1", ["1"]), ("2", ["1"]))
    for plan in (Plan.model_validate(reply), Plan(**reply), Plan.model_validate_json(json.dumps(reply))):
        assert [step["depends_on"] for step in plan.steps()] == [[], ["1"]]
        assert plan.mended == ("step '1' waited for itself",)
    assert Plan.model_validate(steps(("1", []))).mended == ()


def test_ids_are_texts_when_small_models_write_numbers() -> None:
    plan = Plan.model_validate(steps((1, []), (2, [1])))
    assert [step["id"] for step in plan.steps()] == ["1", "2"]
    assert plan.steps()[1]["depends_on"] == ["1"]
    assert FinalAnswer.model_validate({"answer": 42}).answer == "42"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({}, "at least one subtask"),
        ({"subtasks": [], "answer": None}, "at least one subtask"),
        ({"subtasks": [], "answer": " \n"}, "at least one subtask"),
        (steps(*((str(n), []) for n in range(MAX_SUBTASKS + 1))), "at most 20"),
        (steps(("1", ["2"]), ("2", ["1"])), "circle"),
        (steps(("1", ["2", "1"]), ("2", ["3"]), ("3", ["1"])), "circle"),
        ({"subtasks": [{"id": "1", "description": "  "}]}, "at least 1 character"),
    ],
)
def test_plan_is_refused_with_the_reason_when_it_cannot_be_carried_out(reply: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Plan.model_validate(reply)


@pytest.mark.parametrize("reply", [{}, {"answer": ""}, {"answer": "   "}, {"answer": None}])
def test_final_answer_is_refused_when_it_is_blank(reply: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FinalAnswer.model_validate(reply)


def test_plan_text_shows_steps_and_their_order_when_kept() -> None:
    first = Plan.model_validate(steps(("1", []), ("2", ["1"]))).steps()
    assert plan_text([first, first[:1]]) == "1. do\n2. do (after 1)\n--- replanned ---\n1. do"
    assert plan_text([]) == ""
