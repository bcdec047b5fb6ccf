"""What learning reads of an action: its first plan, the lines of it, and what an encoder is given."""

import pytest

from memento.memory.plan_text import MAX_ENCODED_CHARS, MAX_LINES, encoded_action, first_plan, plan_lines
from memento.nodes.plan import plan_text
from memento.nodes.subtasks import Subtask

FIRST: list[Subtask] = [
    {"id": "1", "description": "Find the county's seat.", "depends_on": []},
    {"id": "2", "description": "Ask who lives there", "depends_on": ["1"]},
]
SECOND: list[Subtask] = [{"id": "a", "description": "Guess", "depends_on": []}]


def test_the_first_plan_of_a_run_is_read() -> None:
    action = plan_text([FIRST, SECOND])
    assert first_plan(action) == plan_text([FIRST])
    assert plan_lines(action) == plan_lines(plan_text([FIRST]))
    assert encoded_action(action) == plan_text([FIRST])


@pytest.mark.parametrize(
    "line",
    [
        "Ask who lives there",
        "2. Ask who lives there (after 1)",
        "- ask who lives  there.",
        "(b) ASK who lives there!",
        "step 3: Ask who lives there (after 1, 2)",
        "• Ask who lives there",
    ],
)
def test_numbers_bullets_and_dependencies_do_not_tell_lines_apart(line: str) -> None:
    assert plan_lines(line) == plan_lines(plan_text([FIRST]))[1:]


@pytest.mark.parametrize("line", ["Ask who lives here", "3 people live there", "Ask who lives there (today)"])
def test_other_words_are_other_lines(line: str) -> None:
    assert plan_lines(line) != plan_lines("Ask who lives there")


def test_lines_are_distinct_and_few() -> None:
    assert len(plan_lines("\n".join(["Look", "", "1. look", "Ask"]))) == 2
    assert len(plan_lines("\n".join(f"Look at page {number}" for number in range(50)))) == MAX_LINES


def test_an_encoder_is_given_a_bounded_text_that_is_never_empty() -> None:
    assert len(encoded_action("word " * 10_000)) == MAX_ENCODED_CHARS
    assert encoded_action("").strip()
    assert encoded_action("   ") == encoded_action("")
    assert plan_lines("") == ()
