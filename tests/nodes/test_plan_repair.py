"""Repairs of plans: what can be read in one way only is carried out, and each repair is told."""

from typing import Any

import pytest
from pydantic import ValidationError

from memento.nodes.plan import Plan, PlannedSubtask

Row = tuple[Any, ...]


def planned(*rows: Row) -> Plan:
    """A plan of (id, description, depends_on) rows, as a model would write it."""
    names = ("id", "description", "depends_on")
    return Plan.model_validate({"subtasks": [dict(zip(names, row, strict=False)) for row in rows]})


def order(plan: Plan) -> list[tuple[str, list[str]]]:
    return [(step["id"], step["depends_on"]) for step in plan.steps()]


@pytest.mark.parametrize(
    ("rows", "wanted", "said"),
    [
        ([("1", "a", ["1"])], [("1", [])], ["step '1' waited for itself"]),
        ([("1", "a", ["9"])], [("1", [])], ["step '1' waited for '9', which is missing"]),
        ([("1", "a", []), ("2", "b", ["1", "1", "2"])], [("1", []), ("2", ["1"])], ["step '2' waited for itself"]),
        ([("1", "a", []), ("1", "a", []), ("2", "b", ["1"])], [("1", []), ("2", ["1"])], ["step '1' was there twice"]),
        (
            [("1", "a", []), ("1", "b", ["1"]), ("3", "c", ["1"])],
            [("1", []), ("2", ["1"]), ("3", ["1", "2"])],
            ["step '1' became step '2', since its id was taken or too long"],
        ),
        (
            [("1", "a", []), ("2", "b", ["1"]), ("1", "c", ["2"])],
            [("1", []), ("2", ["1"]), ("3", ["2"])],
            ["step '1' became step '3', since its id was taken or too long"],
        ),
        ([("1", "c", ["2"]), ("2", "a", []), ("2", "b", [])], [("1", ["2", "3"]), ("2", []), ("3", [])], ["became"]),
        ([("1", "  "), ("2", "b", ["1"])], [("2", [])], ["1 of the steps had no description", "which is missing"]),
        ([("x" * 60, "a"), ("2", "b", ["x" * 60])], [("1", []), ("2", ["1"])], ["became step '1'"]),
        # a matter of form, which needs no telling
        ([(1, "a", []), (2.0, "b", [1.0])], [("1", []), ("2", ["1"])], []),
        ([("A", "a"), ("b", "b", [" a "]), ("C", "c", ["A", "B"])], [("A", []), ("b", ["A"]), ("C", ["A", "b"])], []),
        ([("Step 1", "a"), ("Step 2", "b", ["1"])], [("Step 1", []), ("Step 2", ["Step 1"])], []),
        ([("1", "a"), ("2", "b", ["Subtask 1", "step_1"])], [("1", []), ("2", ["1"])], []),
        ([("1", "a", None), ("2", "b", "1"), ("3", "c", "1, 2")], [("1", []), ("2", ["1"]), ("3", ["1", "2"])], []),
        ([("1", "a"), ("2", "b", 1)], [("1", []), ("2", ["1"])], []),
        ([(None, "a"), ("", "b", ["1"])], [("1", []), ("2", ["1"])], []),
        ([("2", "a"), ("", "b", ["2"])], [("2", []), ("3", ["2"])], []),
    ],
)
def test_plan_is_mended_when_it_can_be_read_in_one_way_only(
    rows: list[Row], wanted: list[tuple[str, list[str]]], said: list[str]
) -> None:
    plan = planned(*rows)
    assert order(plan) == wanted
    assert len(plan.mended) == len(said)
    assert all(one in note for one, note in zip(said, plan.mended, strict=True))


@pytest.mark.parametrize(("subtasks", "said"), [(["find", "do"], ["find", "do"]), ({"description": "find"}, ["find"])])
def test_steps_are_found_when_they_are_written_without_their_form(subtasks: Any, said: list[str]) -> None:
    assert [step["description"] for step in Plan.model_validate({"subtasks": subtasks}).steps()] == said


@pytest.mark.parametrize("subtasks", ["find", 42, [42], [["1", "find"]], {"1": "find"}])
def test_plan_is_refused_when_its_steps_are_none(subtasks: Any) -> None:
    with pytest.raises(ValidationError):
        Plan.model_validate({"subtasks": subtasks})


def test_answer_is_taken_when_there_are_no_steps_beside_it() -> None:
    assert Plan.model_validate({"subtasks": None, "answer": "42"}).answer == "42"


def test_a_handful_of_repairs_is_told_when_there_are_many() -> None:
    plan = planned(*((str(n), "do", ["x\x1b[31m", str(n)]) for n in range(1, 9)))
    assert plan.mended[-1] == "and 11 more"
    assert len(plan.mended) == 6
    assert all(note.isprintable() for note in plan.mended)


def test_objects_are_mended_as_mappings_are_when_code_makes_the_plan() -> None:
    steps = [PlannedSubtask(id="1", description="a", depends_on=["1", "9"])]
    assert order(Plan(subtasks=steps)) == [("1", [])]
    assert steps[0].depends_on == ["1", "9"], "what was given is not changed"


def test_no_circle_comes_of_a_repair_when_every_step_has_the_same_id() -> None:
    plan = planned(*(("1", f"do {n}", ["1"]) for n in range(6)))
    names = [name for name, _ in order(plan)]
    assert len(set(names)) == 6
    assert all(names.index(one) < names.index(name) for name, after in order(plan) for one in after)
