"""Probes: cases that cannot have helped are found out when they get credit, and only then."""

from collections.abc import Callable

import numpy as np
import pytest

from memento.memory.estimators.cross_entropy import CrossEntropyQ
from memento.memory.estimators.port import Estimator, Example
from memento.memory.offpolicy.controls import without_cases
from memento.memory.offpolicy.probes import Probe, probed
from tests.case_means import CaseMeans
from tests.gate_examples import DIM, Vectors, outcomes

PROBES: tuple[Probe, ...] = ("placebo", "null")


def helps(task_D: Vectors, case_D: Vectors) -> float:
    return float(1 / (1 + np.exp(-8 * case_D[0])))


def is_easy(task_D: Vectors, case_D: Vectors) -> float:
    return float(1 / (1 + np.exp(-8 * task_D[0])))


class Seen(CaseMeans):
    """Remembers what it was taught."""

    taught: list[Example]

    def learn(self, example: Example) -> None:
        self.taught.append(example)
        super().learn(example)


def seen() -> tuple[Callable[[], Estimator], list[list[Example]]]:
    """A factory, and what each estimator that it made was taught."""
    lessons: list[list[Example]] = []

    def make() -> Estimator:
        estimator = Seen()
        estimator.taught = []
        lessons.append(estimator.taught)
        return estimator

    return make, lessons


@pytest.mark.parametrize("probe", PROBES)
def test_no_credit_when_an_honest_estimator_is_probed(probe: Probe) -> None:
    found = probed(probe, CaseMeans, outcomes(800, helps, seed=0), seed=0, tick=lambda: None)
    assert found.n_cases >= 100
    assert found.is_passed, found


@pytest.mark.parametrize("probe", PROBES)
def test_false_credit_is_found_when_easy_tasks_are_mistaken_for_good_cases(probe: Probe) -> None:
    """A mean of shared outcomes, as the reference labels its cases, credits whatever is near easy tasks."""
    found = probed(probe, CaseMeans, outcomes(800, is_easy, seed=0), seed=0, tick=lambda: None)
    assert not found.is_passed
    assert found.share is not None
    assert found.share > 0.1
    assert found.shared_label_share > 0.1


def test_a_placebo_takes_the_place_of_a_served_case() -> None:
    make, lessons = seen()
    probed("placebo", make, outcomes(800, helps, seed=0), seed=0, tick=lambda: None)
    taught = lessons[0]
    changed = [one for one in taught if any(case.startswith("placebo:") for case in one.cases.ids)]
    assert all(len(one.cases) == 2 for one in taught)
    assert 300 <= len(changed) <= 400
    assert all(sum(case.startswith("placebo:") for case in one.cases.ids) == 1 for one in changed)


def test_an_inert_copy_stands_beside_the_served_cases() -> None:
    make, lessons = seen()
    examples = outcomes(800, helps, seed=0)
    probed("null", make, examples, seed=0, tick=lambda: None)
    for before, after in zip(examples, lessons[0], strict=True):
        assert after.cases.ids[:2] == before.cases.ids
        assert after.reward == before.reward
        assert len(after.propensity_N) == len(after.is_randomised_N) == len(after.cases) in (2, 3)
        if len(after.cases) == 3:
            cosine = after.cases.vectors["state"][2] @ after.state_D
            assert after.cases.similarity_N[2] == pytest.approx(cosine, abs=1e-6)


def test_the_outcomes_are_left_as_they_were_when_probed() -> None:
    examples = outcomes(200, helps, seed=0)
    before = repr(examples)
    probed("placebo", CaseMeans, examples, seed=0, tick=lambda: None)
    assert repr(examples) == before


def test_more_lots_are_drawn_when_one_smuggles_too_few() -> None:
    make, lessons = seen()
    found = probed("null", make, outcomes(250, helps, seed=0), seed=0, tick=lambda: None)
    assert len(lessons) > 1
    assert found.n_cases >= 100
    smuggled = [{one.cases.ids[2]: one.state_D.tobytes() for one in lot if len(one.cases) == 3} for lot in lessons]
    assert smuggled[0] != smuggled[1]


def test_nothing_is_claimed_when_there_are_too_few_cases_to_probe() -> None:
    found = probed("null", CaseMeans, outcomes(30, helps, seed=0), seed=0, tick=lambda: None)
    assert (found.share, found.is_applicable, found.is_passed) == (None, True, False)
    assert "too few outcomes" in found.problem


def test_reads_that_served_nothing_are_left_alone() -> None:
    make, lessons = seen()
    examples = outcomes(400, helps, seed=0)
    examples[::2] = without_cases(examples[::2])
    probed("null", make, examples, seed=0, tick=lambda: None)
    assert all(len(after.cases) == 0 for after in lessons[0][::2])


def test_no_credit_is_claimed_for_cases_when_the_estimator_tells_none_apart() -> None:
    found = probed("null", lambda: CrossEntropyQ(dim=DIM), outcomes(20, helps, seed=0), seed=0, tick=lambda: None)
    assert (found.share, found.is_applicable, found.is_passed) == (None, False, True)
    assert found.problem == "cross_entropy does not tell what a single case adds"
