"""A judge without references: what it is shown, what the criteria are worth, and whom it must not judge."""

import itertools
import json
from typing import Any, get_args

import pytest

from memento.nodes.errors import ModelUnavailable
from memento.nodes.prompts import RUBRIC_SYSTEM
from memento.nodes.scoring.parts import Answered, Scored, ScoringParts
from memento.nodes.scoring.registry import score
from memento.nodes.scoring.rubric import RUBRIC_CONFIDENCE, SELF_CONFIDENCE, Criteria, Met, share_met
from memento.nodes.structured import StructuredCaller
from tests.node_parts import Roles, a_run
from tests.nodes.test_judges import named
from tests.nodes.test_planning_call import reading
from tests.nodes.test_prompts import a_result
from tests.scripted import Reply

NAMES = ["on_task", "supported", "complete", "consistent", "well_formed"]


def criteria(reason: str = "", **met: str) -> str:
    """A judge's reply; all met but for what is said."""
    return json.dumps({"reason": reason} | dict.fromkeys(NAMES, "yes") | met)


async def scored(*replies: Reply, models: dict[str, str] | None = None, results: Any = (), **changes: Any) -> Any:
    judge = named("judge-model", *replies)
    run = a_run(**changes, settings={"evaluator": "rubric"})
    answered = Answered(run, "it is 42", results, models or {"planner": "other", "executor": "another"})
    done: Scored = await score(answered, ScoringParts(models=Roles(judge=judge), caller=StructuredCaller()))
    return done, judge.calls


def share(**met: str) -> float | None:
    return share_met(Criteria.model_validate(json.loads(criteria(**met))))


@pytest.mark.parametrize(
    ("met", "reward"),
    [
        ({}, 1.0),
        ({"complete": "no"}, 0.8),
        ({"complete": "no", "well_formed": "no", "consistent": "no"}, 0.4),
        ({"complete": "unsure"}, 1.0),
        ({"complete": "unsure", "well_formed": "no"}, 0.75),
        ({"on_task": "no"}, 0.0),
        ({"supported": "no", "on_task": "unsure"}, 0.0),
        ({"supported": "unsure"}, None),
        ({"on_task": "unsure", "complete": "no"}, None),
    ],
)
def test_reward_is_the_share_that_is_met_when_the_essential_is(met: dict[str, str], reward: float | None) -> None:
    assert share(**met) == reward


def test_reward_is_in_bounds_or_unknown_whatever_the_judge_says() -> None:
    for answers in itertools.product(get_args(Met), repeat=len(NAMES)):
        reward = share(**dict(zip(NAMES, answers, strict=True)))
        assert reward is None or 0 <= reward <= 1
        if "no" in answers[:2]:
            assert reward == 0


def test_every_criterion_is_explained_when_a_judge_is_asked() -> None:
    assert [name for name in Criteria.model_fields if f"- {name}: " not in RUBRIC_SYSTEM] == ["reason"]


async def test_judge_sees_task_answer_and_evidence_and_is_believed_a_little() -> None:
    done, (call,) = await scored(criteria("one part is missing", complete="no"), results=[a_result("six times seven")])
    assert done.evaluation == (0.8, "rubric", RUBRIC_CONFIDENCE, "one part is missing")
    assert done.notice == ""
    assert done.usage["model_calls"] == 1
    assert SELF_CONFIDENCE < 0.5 <= RUBRIC_CONFIDENCE < 1
    for shown in ("What is six times seven?", "it is 42", "Result: six times seven"):
        assert shown in call.messages[1].text


async def test_references_are_neither_needed_nor_shown() -> None:
    done, (call,) = await scored(criteria(), references=["forty-two"])
    assert done.evaluation.reward == 1.0
    assert "forty-two" not in call.text
    assert "There is no evidence." in call.text


@pytest.mark.parametrize("role", ["planner", "executor"])
async def test_confidence_is_cut_and_said_when_a_model_judges_itself(role: str) -> None:
    models = {"planner": "other", "executor": "another"} | {role: "judge-model"}
    done, _ = await scored(criteria(), models=models)
    assert (done.evaluation.reward, done.evaluation.confidence) == (1.0, SELF_CONFIDENCE)
    assert f"judge-model judged its own work as {role}" in done.notice


async def test_reward_is_unknown_when_the_judge_fails_or_is_not_sure() -> None:
    failures: list[tuple[list[Reply], str]] = [
        ([ModelUnavailable("down")], "the judge failed"),
        (["all is well", "all is well"], "the judge failed"),
        ([criteria(supported="unsure")], "not sure"),
    ]
    for replies, said in failures:
        done, _ = await scored(*replies)
        assert (done.evaluation.reward, done.evaluation.evaluator, done.evaluation.confidence) == (None, "rubric", 0.0)
        assert said in done.evaluation.reason


async def test_judge_is_asked_again_with_less_evidence_when_it_could_not_read_it_all() -> None:
    judge = reading(10_000, criteria())
    answered = Answered(a_run(settings={"evaluator": "rubric"}), "it is 42", [a_result("x" * 90_000)], {})
    done = await score(answered, ScoringParts(models=Roles(judge=judge), caller=StructuredCaller()))
    assert done.evaluation.reward is None, "an eighth is still more than it can read"
    assert "the judge failed" in done.evaluation.reason
    larger = reading(30_000, criteria())
    done = await score(answered, ScoringParts(models=Roles(judge=larger), caller=StructuredCaller()))
    assert done.evaluation.reward == 1.0
    assert "characters left out" in larger.calls[-1].text
