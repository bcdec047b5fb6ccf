"""Cases: the same experience has the same id, the same question the same hash, and what is no case is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from memento.memory.case import Case, case_id, question_hash, storable


def case(**fields: object) -> Case:
    values = {"id": case_id("n", "s", "a"), "namespace": "n", "state": "s", "action": "a", "reward": 1.0}
    return Case.model_validate(values | fields)


def test_id_is_the_same_only_when_namespace_state_and_action_are() -> None:
    ids = {case_id("n", "s", "a"), case_id("m", "s", "a"), case_id("n", "t", "a"), case_id("n", "s", "b")}
    assert len(ids) == 4
    assert case_id("n", "s", "a") == case_id("n", "s", "a")
    assert case_id("n", "sa", "") != case_id("n", "s", "a")


@pytest.mark.parametrize(
    "variant", ["who wrote dune", " Who  wrote\nDUNE?", "Who wrote Dune ?!", "\uff37ho wrote Dune."]
)
def test_question_is_the_same_when_only_its_looks_differ(variant: str) -> None:
    assert question_hash(variant) == question_hash("Who wrote Dune?")


def test_question_is_another_when_a_word_differs() -> None:
    assert question_hash("Who wrote Dune?") != question_hash("Who filmed Dune?")


@pytest.mark.parametrize("wrong", [{"reward": 1.1}, {"reward": None}, {"status": "lost"}, {"trust": -1}, {"id": None}])
def test_refused_when_a_field_is_out_of_bounds(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        case(**wrong)


def test_content_is_the_same_when_only_version_and_time_differ() -> None:
    assert case(version=2, created_at="later").content() == case().content()
    assert case(reward=0.0).content() != case().content()


@given(st.text(st.characters(), max_size=30))
def test_any_text_can_be_stored(text: str) -> None:
    stored = storable(text)
    assert len(stored) == len(text)
    assert case(state=stored).question == question_hash(stored)
    assert Case.model_validate_json(case(state=stored).model_dump_json()).state == stored
