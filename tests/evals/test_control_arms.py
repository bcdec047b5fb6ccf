"""What control arms and protocols say: twins, comparisons, updates given to noise, and their parts of the report."""

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from memento.evals.presets import Asked, preset_named
from memento.evals.runs.arm import Arm, parse_arm
from memento.evals.runs.case_beliefs import BELIEFS, CaseBelief, load_beliefs, save_beliefs
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.runner import load_results
from memento.evals.statistics.controls import (
    ATTEMPTS,
    BLANKED,
    FAILURES,
    LESSON,
    OUTCOMES,
    SHUFFLED,
    control_findings,
)
from memento.evals.statistics.noise import noise_credit, noise_credits
from memento.evals.statistics.stateful import stateful_gains, stateless_twin
from memento.evals.statistics.summary import control_of
from memento.memory.errors import InvalidInput
from tests.eval_runs import MadeRun, make_run


def run_of(folder: Path, *arms: str, **more: Any) -> MadeRun:
    return make_run(folder, arms=arms, **{"n_tasks": 24, "seeds": (0, 1), **more})


def belief(number: int, *, effect: float, is_blanked: bool, exposures: int = 3) -> CaseBelief:
    return CaseBelief(
        case_id=f"c{number}",
        question=f"q{number}",
        is_blanked=is_blanked,
        exposures=exposures,
        effect=effect,
        sd=0.5,
    )


@pytest.mark.parametrize(
    ("arm", "twin"),
    [
        ("advantage", "none"),
        ("advantage:k=8,failures=hidden", "none"),
        ("advantage:outcomes=shuffled", "none"),
        ("context:8000", "none"),
        ("advantage:max_cycles=1", "none:max_cycles=1"),
        ("advantage:lesson=fresh", "fresh_lesson"),
        ("advantage:max_cycles=2", None),
    ],
)
def test_the_stateless_twin_differs_in_its_memory_alone(arm: str, twin: str | None, tmp_path: Path) -> None:
    plan = run_of(tmp_path, "fresh_lesson", "none", "none:max_cycles=1", arm, n_tasks=3).plan
    found: Arm | None = stateless_twin(parse_arm(arm), plan)
    assert (found.name if found else None) == twin


def test_the_control_is_the_agent_with_nothing_in_the_place_of_memory(tmp_path: Path) -> None:
    assert control_of(run_of(tmp_path / "1", "context:8000", "fresh_lesson", "none", "advantage").plan) == "none"
    assert control_of(run_of(tmp_path / "2", "context:8000", "advantage").plan) == "context:8000"


def test_gains_are_given_by_stream_and_held_out_tasks_apart(tmp_path: Path) -> None:
    run = run_of(tmp_path, "none", "advantage", held_out_share=0.25, effect=3.0)
    results = list(load_results(run.folder, run.plan))
    (gain,) = stateful_gains(run.plan, results)
    (tests,) = stateful_gains(run.plan, results, part="test")
    assert (gain.arm, gain.stateless, sorted(gain.by_seed)) == ("advantage", "none", [0, 1])
    assert gain.gain.n_questions == 18
    assert tests.gain.n_questions == 6
    weighted = sum(gain.by_seed.values()) / 2
    assert math.isclose(weighted, gain.gain.weighted.value, abs_tol=0.05)


def test_every_comparison_that_the_arms_allow_is_made_once_and_corrected(tmp_path: Path) -> None:
    arms = ("none", "context:8000", "fresh_lesson", "similarity", "similarity:outcomes=shuffled")
    run = run_of(tmp_path, *arms, "similarity:blanked=0.1", "similarity:failures=hidden")
    found = control_findings(run.plan, list(load_results(run.folder, run.plan)))
    pairs = [(one.question, one.found.arm, one.found.control) for one in found]
    assert sorted(pairs) == sorted(
        [
            *((ATTEMPTS, arm, "context:8000") for arm in ("similarity", "similarity:failures=hidden")),
            *((LESSON, arm, "fresh_lesson") for arm in ("similarity", "similarity:failures=hidden")),
            (OUTCOMES, "similarity", "similarity:outcomes=shuffled"),
            (SHUFFLED, "similarity:outcomes=shuffled", "none"),
            (BLANKED, "similarity", "similarity:blanked=0.1"),
            (FAILURES, "similarity", "similarity:failures=hidden"),
        ]
    )
    assert {one.found.n_comparisons for one in found} == {len(found)}
    assert control_findings(run_of(tmp_path / "plain", "none", "advantage").plan, []) == []


def test_blanked_cases_that_are_believed_helpful_are_counted_with_an_interval() -> None:
    one = [belief(n, effect=0.0 if n else 2.0, is_blanked=True) for n in range(10)]
    one += [belief(n, effect=2.0, is_blanked=False) for n in range(10, 40)]
    one += [belief(50, effect=9.0, is_blanked=True, exposures=0)]
    two = [belief(n, effect=0.9, is_blanked=True) for n in range(10)]  # 1.96 sd reach below 0
    found = noise_credit("advantage:blanked=0.1", [one, two])
    assert (found.n_streams, found.has_beliefs) == (2, True)
    assert (found.blanked.n_cases, found.blanked.n_believed) == (20, 1)
    assert (found.whole.n_cases, found.whole.n_believed) == (30, 30)
    share = found.blanked.share
    assert math.isclose(share.value, 0.05)
    assert 0 <= share.low < 0.05 < share.high
    none = noise_credit("similarity:blanked=0.1", [[], []])
    assert (none.has_beliefs, none.blanked.n_cases) == (False, 0)
    # None of 20 is no proof that there are none.
    assert noise_credit("a", [[belief(n, effect=0, is_blanked=True) for n in range(20)]]).blanked.share.high > 0.05


def test_damaged_beliefs_are_named_with_what_to_do(tmp_path: Path) -> None:
    assert load_beliefs(tmp_path) is None
    save_beliefs(tmp_path, [belief(1, effect=1.0, is_blanked=True)])
    assert load_beliefs(tmp_path) == [belief(1, effect=1.0, is_blanked=True)]
    (tmp_path / BELIEFS).write_text("[{}]")
    with pytest.raises(InvalidInput, match=r"is damaged \(0\.case_id: Field required\); delete it, and resume the run"):
        load_beliefs(tmp_path)


@pytest.mark.parametrize(
    "name", ["noise", *(pytest.param(name, marks=pytest.mark.slow) for name in ("frozen", "online", "controls"))]
)
def test_a_protocols_figures_are_in_its_report(name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="comes with the extra `evals`")
    from memento.evals.report.report import write_report

    shape = preset_named(name).shape(Asked())
    arms = [arm.name for arm in shape.arms]
    run = run_of(tmp_path, *arms, preset=name, held_out_share=shape.held_out_share)
    for key in run.plan.streams():
        if key.arm.controls.blanked and key.arm.policy == "advantage":
            save_beliefs(tmp_path / "streams" / key.name, [belief(n, effect=0, is_blanked=True) for n in range(5)])
    written = asyncio.run(write_report(tmp_path))
    page = written.page.read_text(encoding="utf-8").replace("\u00a0", " ")
    assert 'id="stateful"' in page
    assert 'id="paper"' not in page
    assert ('id="controls"' in page) == (name != "online")
    assert ('id="noise"' in page) == (name == "noise")
    if name == "frozen":
        assert "tasks that no arm learned from (30 % of the questions)" in page
    if name == "noise":
        assert "no estimates" not in page
        assert [one.n_streams for one in noise_credits(tmp_path, run.plan)] == [0, 2]


def test_a_plan_of_an_earlier_release_still_loads(tmp_path: Path) -> None:
    run = run_of(tmp_path, "none", "advantage:k=2")
    text = (tmp_path / "plan.json").read_text()
    old = run.plan.model_dump()
    del old["held_out_share"]
    for arm in old["arms"]:
        del arm["controls"]
    assert RunPlan.model_validate(old) == RunPlan.model_validate_json(text) == run.plan
