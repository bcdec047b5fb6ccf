"""The reward: in [0, 1], or None when it cannot be known. Human rewards: test_workflow.py."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from memento.nodes.errors import ModelRejected, ModelUnavailable, NoModelConfigured
from memento.nodes.evaluate import make_evaluate
from memento.nodes.human_reward import HumanReward
from memento.nodes.scoring import EvaluatorName
from memento.nodes.scoring.registry import EVALUATORS
from memento.nodes.structured import StructuredCaller
from tests.node_parts import Roles, a_run, begun, names, runtime_of, scripted, verdict
from tests.nodes.test_rubric import criteria
from tests.scripted import Reply


async def evaluated(
    *replies: Reply,
    answer: str | None = "42",
    references: list[str] | None = None,
    evaluator: str = "auto",
    **state: Any,
) -> Any:
    judge = scripted(*replies)
    run = a_run(references=["forty-two"] if references is None else references, settings={"evaluator": evaluator})
    node = make_evaluate(Roles(judge=judge), StructuredCaller())
    update = await node(begun(run, answer=answer, event_id="e1") | state, runtime=runtime_of())  # type: ignore[arg-type,operator]
    return update, judge.calls


async def test_reward_is_one_without_a_judge_when_answer_matches() -> None:
    update, calls = await evaluated(answer="Forty-Two.")
    assert (update["reward"], update["evaluator"], update["confidence"]) == (1.0, "exact", 1.0)
    assert calls == []


@pytest.mark.parametrize(("word", "reward"), [("yes", 1.0), ("no", 0.0), ("unsure", None)])
async def test_reward_is_the_judges_when_answer_does_not_match(word: str, reward: float | None) -> None:
    update, calls = await evaluated(verdict(word, "as a number"))
    assert (update["reward"], update["evaluator"]) == (reward, "judge")
    assert update["lesson"] == ("as a number" if reward is not None else "")
    assert update["usage"]["model_calls"] == len(calls) == 1


async def test_judge_decides_when_it_alone_is_asked_for() -> None:
    update, _ = await evaluated(verdict("no"), answer="forty-two", evaluator="judge")
    assert (update["reward"], update["evaluator"]) == (0.0, "judge")


async def test_reward_is_zero_without_a_judge_when_only_matches_count() -> None:
    update, calls = await evaluated(evaluator="exact")
    assert (update["reward"], update["evaluator"], calls) == (0.0, "exact", [])


@pytest.mark.parametrize("evaluator", ["auto", "exact", "f1", "gaia", "judge", "judges"])
async def test_reward_is_unknown_when_there_is_no_reference(evaluator: str) -> None:
    update, calls = await evaluated(references=[], evaluator=evaluator)
    assert (update["reward"], update["evaluator"], calls) == (None, "none", [])
    assert "error" not in update, "nothing went wrong"


def test_every_evaluator_is_there_when_it_can_be_named() -> None:
    assert {*EVALUATORS, "human"} == set(get_args(EvaluatorName)), "a person is asked by the node itself"


@pytest.mark.parametrize(
    ("evaluator", "answer", "reward"),
    [
        ("exact", "Forty-Two", 1.0),
        ("exact", "forty-two apples", 0.0),
        ("f1", "forty-two", 1.0),
        ("f1", "it is forty-two", 0.5),
        ("f1", "six", 0.0),
        ("gaia", "Forty Two", 1.0),
        ("gaia", "the forty-two", 0.0),
    ],
)
async def test_reward_is_by_rule_without_a_judge_when_a_rule_is_named(
    evaluator: str, answer: str, reward: float
) -> None:
    update, calls = await evaluated(answer=answer, evaluator=evaluator)
    assert (update["reward"], update["evaluator"], update["confidence"]) == (reward, evaluator, 1.0)
    assert calls == []
    assert "error" not in update


async def test_reward_is_unknown_when_judges_disagree() -> None:
    second = '{"difference": "another number", "same": "no"}'
    update, calls = await evaluated(verdict("yes"), second, evaluator="judges")
    assert (update["reward"], update["evaluator"], update["confidence"]) == (None, "judges", 0.0)
    assert (update["error_class"], update["lesson"]) == ("judge", "")
    assert "the judges disagree" in update["error"]
    assert update["usage"]["model_calls"] == len(calls) == 2


async def test_user_is_told_when_a_model_judged_itself() -> None:
    update, _ = await evaluated(
        criteria(), references=[], evaluator="rubric", models={"planner": "scripted"}, notices=["one"]
    )
    assert (update["reward"], update["confidence"]) == (1.0, 0.3)
    assert update["notices"][0] == "one"
    assert "scripted judged its own work as planner" in update["notices"][1]


async def test_reward_is_unknown_when_no_scorer_is_given() -> None:
    update, calls = await evaluated(references=[], evaluator="custom")
    assert (update["reward"], update["error_class"], calls) == (None, "judge", [])
    assert "Deps(scorer=...)" in update["error"]


async def test_reward_is_unknown_when_evaluation_is_off() -> None:
    update, _ = await evaluated(answer="forty-two", evaluator="none")
    assert update["reward"] is None


@pytest.mark.parametrize(
    "replies",
    [
        [ConnectionError("refused")],
        [ModelUnavailable("down")],
        [ModelRejected("no key")],
        ["it is right", "it is right"],
        ['{"correct": "perhaps"}', "{}"],
        ["", ""],
        [RuntimeError("CUDA out of memory")],
        [KeyError("choices")],
        [AttributeError("no attribute")],
    ],
)
async def test_reward_is_unknown_when_the_judge_fails(replies: list[Reply]) -> None:
    update, _ = await evaluated(*replies)
    assert (update["reward"], update["confidence"], update["error_class"]) == (None, 0.0, "judge")
    assert "the judge failed" in update["error"]
    assert update["lesson"] == ""
    assert update["usage"]["model_calls"] == sum(isinstance(one, str) for one in replies), "unusable replies cost, too"


async def test_reward_is_unknown_when_there_is_no_judge() -> None:
    run = a_run(references=["forty-two"])
    node = make_evaluate(Roles(judge=NoModelConfigured()), StructuredCaller())
    update = await node(begun(run, answer="42"), runtime=runtime_of())
    assert update["reward"] is None
    assert "no model is configured" in update["error"]


@pytest.mark.parametrize("answer", [None, ""])
async def test_reward_is_unknown_when_there_is_no_answer(answer: str | None) -> None:
    update, calls = await evaluated(answer=answer, error="no valid plan")
    assert (update["reward"], calls) == (None, [])
    assert "messages" not in update
    assert "error" not in update, "the reason that is there stays"


async def test_answer_becomes_a_message_of_one_id_when_the_node_repeats() -> None:
    first, _ = await evaluated(answer="forty-two")
    again, _ = await evaluated(answer="forty-two")
    assert first["messages"][0].text == "forty-two"
    assert first["messages"][0].id == again["messages"][0].id == "answer-e1"


async def test_answers_have_different_ids_when_the_memory_was_away() -> None:
    update, _ = await evaluated(answer="forty-two", event_id=None)
    assert update["messages"][0].id == "answer-question", "that of the question's own message"


async def test_reward_is_announced_when_known() -> None:
    events: list[Any] = []
    node = make_evaluate(Roles(), StructuredCaller())
    await node(begun(a_run(references=["42"]), answer="42"), runtime=runtime_of(events=events))
    assert names(events) == ["reward"]
    assert events[0]["reward"] == 1.0


@pytest.mark.parametrize(
    ("given", "reward"),
    [(0.5, 0.5), (1, 1.0), ("0.5", 0.5), (None, None), ({"reward": 0.25, "reason": "partly"}, 0.25), ({}, None)],
)
def test_human_reward_is_read_when_given_as_number_or_object(given: Any, reward: float | None) -> None:
    assert HumanReward.model_validate(given).reward == reward


@pytest.mark.parametrize("given", [2, -0.1, "good", float("nan"), {"rewrad": 1}, [1]])
def test_human_reward_is_refused_when_it_is_none(given: Any) -> None:
    with pytest.raises(ValidationError):
        HumanReward.model_validate(given)


@pytest.mark.parametrize("evaluator", ["judge", "judges", "rubric", "auto"])
async def test_reward_is_unknown_and_no_secret_told_when_a_judge_raises_anything(evaluator: str) -> None:
    run = a_run(references=["forty-two"], settings={"evaluator": evaluator})
    failing = [RuntimeError("the key is s3cret-0123")] * 2
    models = Roles(judge=scripted(*failing))
    node = make_evaluate(models, StructuredCaller(), redact=lambda text: text.replace("s3cret-0123", "***"))
    update = await node(begun(run, answer="42", event_id="e1"), runtime=runtime_of())
    assert (update["reward"], update["error_class"]) == (None, "judge")
    assert update["error"].startswith("the judge failed: ")
    assert update["error"].endswith("RuntimeError: the key is ***")


async def test_reward_stands_when_the_hosts_prices_fail() -> None:
    def price(*_: Any) -> float:
        raise KeyError("no such model")

    run = a_run(references=["forty-two"], settings={"evaluator": "judge"})
    node = make_evaluate(Roles(judge=scripted(verdict("yes"))), StructuredCaller(), price=price)
    update = await node(begun(run, answer="42", event_id="e1"), runtime=runtime_of())
    assert (update["reward"], update["usage"]["cost_usd"]) == (1.0, 0.0)
