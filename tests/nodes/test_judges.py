"""One judge or two: what they see, what their verdicts are worth, and that a failure is never a wrong answer."""

import json
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel

from memento.nodes.errors import ModelRejected, ModelUnavailable, UnknownModel
from memento.nodes.scoring.judge import JUDGE_CONFIDENCE, JudgeVerdict, judged
from memento.nodes.scoring.judges import AGREED, AGREED_WITH_ITSELF
from memento.nodes.scoring.parts import Answered, Scored, ScoringParts
from memento.nodes.scoring.registry import score
from memento.nodes.sources import Role
from memento.nodes.structured import StructuredCaller
from tests.node_parts import a_run, scripted, verdict
from tests.scripted import Reply, ScriptedChatModel


class Named(ScriptedChatModel):
    """A scripted model that says what it is called."""

    model_name: str = ""


class Judges:
    """A source of judges by the names that runs give them; the configured one is ''."""

    def __init__(self, **models: BaseChatModel | Exception) -> None:
        self.models = models

    async def get(self, role: Role, override: str | None = None) -> BaseChatModel:
        assert role == "judge"
        model = self.models[override or "configured"]
        if isinstance(model, Exception):
            raise model
        return model


def named(name: str, *replies: Reply) -> Named:
    model = Named(list(replies))
    model.model_name = name
    return model


def same(word: str, difference: str = "") -> str:
    """The second judge's reply."""
    return json.dumps({"difference": difference, "same": word})


async def scored(evaluator: str, models: Judges, **settings: Any) -> Scored:
    run = a_run(references=["forty-two", "42"], settings={"evaluator": evaluator, **settings})
    parts = ScoringParts(models=models, caller=StructuredCaller())
    return await score(Answered(run, "it is 42"), parts)


@pytest.mark.parametrize(
    ("word", "reward", "confidence"),
    [("yes", 1.0, JUDGE_CONFIDENCE), ("no", 0.0, JUDGE_CONFIDENCE), ("unsure", None, 0.0)],
)
def test_reward_follows_the_verdict(word: str, reward: float | None, confidence: float) -> None:
    evaluation = judged(JudgeVerdict.model_validate({"correct": word, "reason": "because"}))
    assert evaluation == (reward, "judge", confidence, "because")


@pytest.mark.parametrize(("word", "reward"), [("yes", 1.0), ("no", 0.0)])
async def test_two_models_that_agree_are_believed_more_than_one(word: str, reward: float) -> None:
    first, second = named("one", verdict(word, "as said")), named("other", same(word))
    done = await scored("judges", Judges(configured=first, second=second), second_judge="second")
    assert done.evaluation == (reward, "judges", AGREED, "as said")
    assert AGREED > AGREED_WITH_ITSELF > JUDGE_CONFIDENCE
    assert done.usage is not None
    assert done.usage["model_calls"] == len(first.calls) + len(second.calls) == 2


async def test_the_second_judge_is_asked_in_another_way_with_the_evidence_reversed() -> None:
    judge = named("one", verdict("yes"), same("yes"))
    done = await scored("judges", Judges(configured=judge))
    assert (done.evaluation.reward, done.evaluation.confidence) == (1.0, AGREED_WITH_ITSELF)
    first, second = judge.calls
    assert first.messages[0].text != second.messages[0].text
    shown, shown_again = first.messages[1].text, second.messages[1].text
    in_order = ["<task>", "<references>", "- forty-two", "- 42", "<answer>"]
    assert sorted(in_order, key=shown.index) == in_order
    again = ["<answer>", "<references>", "- 42", "- forty-two", "<task>"]
    assert sorted(again, key=shown_again.index) == again


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (
            verdict("yes", "same thing"),
            same("no", "another year"),
            "the first says yes: same thing; the second no: another year",
        ),
        (verdict("no"), same("yes"), "the judges disagree"),
        (verdict("yes"), same("unsure"), "the second judge is not sure"),
    ],
)
async def test_reward_is_unknown_when_the_judges_do_not_agree(first: str, second: str, said: str) -> None:
    done = await scored("judges", Judges(configured=named("one", first, second)))
    assert (done.evaluation.reward, done.evaluation.confidence) == (None, 0.0)
    assert said in done.evaluation.reason


async def test_the_second_judge_is_not_paid_for_when_its_verdict_cannot_matter() -> None:
    judge = named("one", verdict("unsure", "cannot tell"))
    done = await scored("judges", Judges(configured=judge))
    assert done.evaluation == (None, "judges", 0.0, "cannot tell")
    assert len(judge.calls) == 1


@pytest.mark.parametrize("failure", [ModelUnavailable("down"), ModelRejected("no key"), UnknownModel("no such model")])
@pytest.mark.parametrize("is_first", [True, False])
async def test_a_judge_that_fails_abstains_when_the_other_has_a_verdict(failure: Exception, is_first: bool) -> None:
    if is_first:
        models = Judges(configured=failure, second=named("other", same("no", "another year")))
    else:
        models = Judges(configured=named("one", verdict("no", "another year")), second=failure)
    done = await scored("judges", models, second_judge="second")
    assert done.evaluation == (0.0, "judges", JUDGE_CONFIDENCE, "another year")
    assert done.usage is not None
    assert done.usage["model_calls"] == 1


async def test_reward_is_unknown_when_the_one_left_is_not_sure() -> None:
    models = Judges(configured=ModelUnavailable("down"), second=named("other", same("unsure")))
    done = await scored("judges", models, second_judge="second")
    assert done.evaluation.reward is None


@pytest.mark.parametrize("evaluator", ["judge", "judges"])
async def test_reward_is_unknown_when_all_judges_fail(evaluator: str) -> None:
    judge = scripted(*["it is right"] * 4)
    done = await scored(evaluator, Judges(configured=judge))
    assert (done.evaluation.reward, done.evaluation.evaluator, done.evaluation.confidence) == (None, evaluator, 0.0)
    assert "the judge failed" in done.evaluation.reason
