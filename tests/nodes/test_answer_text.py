"""The answer's text out of a reply that is still being generated: each cut, each form, and nothing but the answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memento.nodes.replies.answer_text import AnswerText


def read(reply: str, *, n: int = 1, has_plan: bool = True) -> list[str]:
    reading = AnswerText(has_plan=has_plan)
    return [text for at in range(0, len(reply), n) if (text := reading.feed(reply[at : at + n]))]


@given(st.text(st.characters(codec="utf-8")), st.integers(1, 9), st.booleans(), st.sampled_from([None, 2]))
def test_the_answer_whatever_it_says_and_however_it_is_cut(
    text: str, n: int, is_ascii: bool, indent: int | None
) -> None:
    reply = json.dumps({"subtasks": [], "answer": text}, ensure_ascii=is_ascii, indent=indent)
    assert "".join(read(reply, n=n)) == text.strip()


@given(st.text())
def test_any_text_is_read_without_an_error(reply: str) -> None:
    read(reply)


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(st.text(max_size=9) | st.none(), lambda values: st.lists(values, max_size=3), max_leaves=6),
        max_size=3,
    ),
)
def test_other_fields_are_passed_over(others: dict[str, object]) -> None:
    others = {name: value for name, value in others.items() if name not in ("answer", "subtasks")}
    reply = json.dumps({**others, "subtasks": [], "why": others, "answer": "Paris", "more": others})
    assert "".join(read(reply)) == "Paris"


@pytest.mark.parametrize("opening", ["", "\n", "```json\n", "```\n", "  ```JSON "])
def test_an_object_in_a_fence_is_one(opening: str) -> None:
    assert "".join(read(opening + '{"subtasks": [ ], "answer": "Paris"}\n```')) == "Paris"


@pytest.mark.parametrize(
    "reply",
    [
        '{"subtasks": [{"id": "1"}], "answer": "Paris"}',
        '{"answer": "Paris", "subtasks": []}',
        '{"subtasks": null, "answer": "Paris"}',
        '{"subtasks": [], "answer": null}',
        '{"subtasks": [], "answer": 42}',
        '{"subtasks": [], "answer": ["Paris"]}',
        '{"why": {"subtasks": [], "answer": "Paris"}}',
        '<think>{"subtasks": [], "answer": "Paris"}',
        'So: {"subtasks": [], "answer": "Paris"}',
        '[{"subtasks": [], "answer": "Paris"}]',
        '{"subtasks" [], "answer": "Paris"}',
    ],
)
def test_nothing_where_it_is_not_certain(reply: str) -> None:
    assert read(reply) == []


def test_an_answer_alone_where_no_plan_is_possible() -> None:
    assert "".join(read('{"answer": " Paris \\n"}', has_plan=False)) == "Paris"


def test_each_piece_is_given_at_once() -> None:
    assert read('{"subtasks": [], "answer": "Par is"}') == ["P", "a", "r", " i", "s"]
