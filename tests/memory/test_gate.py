"""The promotion gate: what is better and honest passes; noise, difficulty and false credit do not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from memento.memory.errors import InvalidInput
from memento.memory.estimators.port import Estimator, Example
from memento.memory.estimators.settings import EstimatorSettings
from memento.memory.offpolicy.gate import MIN_OUTCOMES, Gate
from memento.memory.offpolicy.verdict import Report
from tests.case_means import CaseMeans
from tests.gate_examples import Rule, Vectors, outcomes

TIMID: EstimatorSettings = {"shrinkage": 500.0}
BOLD: EstimatorSettings = {"shrinkage": 0.2}
SPACE = ({"shrinkage": 1.0}, {"shrinkage": 5.0}, {"shrinkage": 200.0})


def helps(task_D: Vectors, case_D: Vectors) -> float:
    """Cases of one half of the sphere help, whatever the task."""
    return float(1 / (1 + np.exp(-8 * (case_D[0] + case_D[1]))))


def is_easy(task_D: Vectors, case_D: Vectors) -> float:
    """Tasks of one half of the sphere are easy, whatever the cases."""
    return float(1 / (1 + np.exp(-6 * task_D[0])))


def by_chance(task_D: Vectors, case_D: Vectors) -> float:
    return 0.4


def makes(space: tuple[dict[str, float], ...] = SPACE) -> Callable[[EstimatorSettings], Estimator]:
    return lambda settings: CaseMeans(settings=settings, space=space)


def judged(rule: Rule, serving: EstimatorSettings, *, n: int = 300, seed: int = 0, **stream: int) -> Report:
    return Gate(makes(), outcomes(n, rule, seed=seed, **stream), seed=seed).judge(serving)


@pytest.fixture(scope="module")
def better() -> Report:
    """Cases help, and the settings that serve are too timid to say so."""
    return judged(helps, TIMID)


def test_promoted_when_other_settings_are_better_on_held_out_outcomes(better: Report) -> None:
    assert better.is_better, better.reason
    assert better.settings == {"shrinkage": 1.0}
    assert better.gain.low > 0
    assert better.by_time.rows["chosen"].log_loss.value < better.by_time.rows["serving"].log_loss.value


def test_a_later_judgement_asks_for_more(better: Report) -> None:
    """Whoever judges until something passes must show more each time: the limits of both gains go out."""
    late = Gate(makes(), outcomes(300, helps, seed=0), seed=0, look=10**6).judge(TIMID)
    assert (better.look, better.confidence, late.look) == (1, 0.975, 10**6)
    for first, later in ((better.gain, late.gain), (better.gain_over_caseless, late.gain_over_caseless)):
        assert later.value == first.value
        assert later.low < 0 < first.low < first.high < later.high
    assert not late.is_better
    assert "judgement 1000000 against these settings" in late.reason


def test_refused_when_the_serving_settings_are_the_better_ones() -> None:
    report = judged(helps, {"shrinkage": 1.0})
    assert not report.is_better
    assert "no better than what serves" in report.reason


@pytest.mark.slow
@pytest.mark.parametrize("serving", [TIMID, BOLD], ids=["timid", "bold"])
def test_refused_when_outcomes_are_noise(serving: EstimatorSettings) -> None:
    """The bold settings overfit, so that others are truly better: yet nothing was learned that a constant lacks."""
    verdicts = [judged(by_chance, serving, n=200, seed=seed).is_better for seed in range(10)]
    assert not any(verdicts)


def test_refused_when_only_less_was_learned_from_noise() -> None:
    report = judged(by_chance, BOLD, n=400, n_cases=150)
    assert report.gain.low > 0
    assert not report.is_better
    assert "the control that knows no case" in report.reason


def test_refused_when_only_difficulty_can_be_foretold() -> None:
    report = judged(is_easy, BOLD, n=400)
    assert not report.is_better
    assert report.best_caseless == "query only"
    assert report.gain_over_caseless.high < 0


def test_refused_when_within_a_question_the_better_cases_do_not_score_higher() -> None:
    """One case is served for all easy questions, another for all hard ones: what they tell is the question."""

    def fingerprint(examples: list[Example]) -> list[Example]:
        rng = np.random.default_rng(1)
        chance = {one.question: 0.2 + 0.6 * float(rng.random() < 0.5) for one in examples}
        told = {question: f"sign of {p}" for question, p in chance.items()}
        return [
            one._replace(
                cases=replace(one.cases, ids=(told[one.question], one.cases.ids[1])),
                reward=float(rng.random() < chance[one.question]),
            )
            for one in examples
        ]

    examples = fingerprint(outcomes(900, by_chance, seed=0, n_questions=300))
    report = Gate(makes(), examples, seed=0).judge(TIMID)
    assert report.gain.low > 0
    assert report.gain_over_caseless.low > 0
    assert not report.is_better
    assert "within a question" in report.reason


def test_refused_when_inert_cases_get_credit() -> None:
    space = ({"shrinkage": 1.0, "boldness": 2.0},)
    report = Gate(makes(space), outcomes(300, helps, seed=0), seed=0).judge(TIMID)
    assert report.gain.low > 0
    assert not report.is_better
    assert "100% of 105 placebo cases get credit" in report.reason


@pytest.mark.slow
def test_within_a_question_the_better_cases_score_higher_when_cases_help() -> None:
    report = judged(helps, TIMID, n=600, n_questions=300)
    assert report.is_better, report.reason
    assert report.within_question.is_enough
    assert report.within_question.over_chance.low > 0.1


def test_too_few_repeated_questions_are_said_to_be_too_few(better: Report) -> None:
    assert (better.within_question.n_questions, better.within_question.is_enough) == (0, False)


def test_every_control_stands_beside_the_estimator(better: Report) -> None:
    controls = {"query only", "per-case mean", "question lookup", "constant", "same without cases"}
    for table in (better.by_time, better.by_question):
        assert set(table.rows) == {"chosen", "serving", *controls}
        for row in table.rows.values():
            assert all(figure.low <= figure.high for figure in row)
        assert table.rows["question lookup"] == table.rows["constant"]  # no question is on both sides
    assert abs(better.shuffled.auc.value - 0.5) < 0.15


@pytest.mark.slow
def test_refused_when_there_is_nothing_else_to_try() -> None:
    report = Gate(makes(space=()), outcomes(120, helps, seed=0), seed=0).judge({})
    assert (report.is_better, report.reason) == (False, "there are no other settings to try")
    assert report.by_question.rows["chosen"] == report.by_question.rows["serving"]


@pytest.mark.slow
def test_the_built_in_settings_are_tried_when_others_serve() -> None:
    report = Gate(makes(space=()), outcomes(300, helps, seed=0), seed=0).judge(TIMID)
    assert (report.n_tried, report.settings, report.is_better) == (1, {}, True)


@pytest.mark.slow
def test_the_same_figures_when_judged_again() -> None:
    assert repr(judged(helps, TIMID, n=100)) == repr(judged(helps, TIMID, n=100))


@pytest.mark.parametrize(
    ("examples", "problem"),
    [
        (outcomes(MIN_OUTCOMES - 1, helps, seed=0), "79 known outcomes are too few"),
        ([], "0 known outcomes are too few"),
        (outcomes(200, helps, seed=0, n_questions=10), "0 new questions among the later outcomes"),
        (outcomes(100, lambda task, case: 1.0, seed=0), "all of one kind"),
    ],
)
def test_nothing_is_judged_when_there_is_too_little_to_judge_by(examples: list[Example], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        Gate(makes(), examples, seed=0)


def test_a_question_is_never_on_both_sides_when_it_is_asked_again() -> None:
    """Every question has its own outcome: whoever saw it once could foretell all its events."""
    rng = np.random.default_rng(0)
    examples = outcomes(400, by_chance, seed=0, n_questions=250)
    label = {one.question: float(rng.random() < 0.5) for one in examples}
    report = Gate(makes(), [one._replace(reward=label[one.question]) for one in examples], seed=0).judge(TIMID)
    for table in (report.by_time, report.by_question):
        assert table.rows["question lookup"].auc.value < 0.55


def test_progress_is_told_and_can_end_the_work() -> None:
    class Enough(Exception):
        pass

    told = []

    def on_progress(progress: object) -> None:
        told.append(progress)
        if len(told) == 50:
            raise Enough

    with pytest.raises(Enough):
        Gate(makes(), outcomes(100, helps, seed=0), seed=0, on_progress=on_progress).judge(TIMID)
    assert len(told) == 50
