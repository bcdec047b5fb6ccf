"""The planted stream: the world is what it says, all policies see the same one, and no cell is lost or stale."""

import json
import math
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.planted.bars import bars
from benchmarks.planted.cells import Calibration, CaseColumns, Cell, Task, load, run
from benchmarks.planted.figures import Results, probe, ranking
from benchmarks.planted.plots import save_plots
from benchmarks.planted.report import json_lines, markdown
from benchmarks.planted.scenarios import ACTION_SCENARIOS, SCENARIOS, World
from benchmarks.planted.stream import POLICIES, OraclePlayer, Trace, play, play_on
from benchmarks.planted.world import CASE_KINDS, planted
from benchmarks.planted_stream import main
from memento.memory.policies.registry import POLICY_NAMES

STEPS = 60
ROOT = Path(__file__).parents[2]
QUICK = ("advantage", "kernel", "soft", "oracle")
SMALL = World(bank_start=30, bank_end=50, dim=8)


def trace(policy: str, *, world: World = SMALL, seed: int = 1, steps: int = STEPS, k: int = 4) -> Trace:
    return play(world, policy, seed=seed, steps=steps, k=k)


def task(policy: str = "similarity_reward", *, seed: int = 0, world: World = SMALL, **changes: str) -> Task:
    return Task("fixed", world, policy, seed, STEPS, 4, **changes)


def kept(folder: Path, policies: tuple[str, ...], *, world: World = SMALL) -> list[Cell]:
    cells: list[Cell] = []
    for one in [task(policy, seed=seed, world=world) for policy in policies for seed in range(3)]:
        run(one, folder)
        cell = load(one, folder)
        assert cell is not None
        cells.append(cell)
    return cells


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in (*POLICY_NAMES, "oracle", "similarity@parametric")
    ],
)
def test_a_trace_is_the_same_when_the_seed_is(policy: str) -> None:
    first, second = trace(policy), trace(policy)
    assert np.array_equal(first.probability_T, second.probability_T)
    assert np.array_equal(first.served_TK, second.served_TK)


def test_draws_differ_when_the_seed_does() -> None:
    assert not np.array_equal(trace("none").stream.draw_T, trace("none", seed=2).stream.draw_T)


def test_tasks_cases_and_draws_are_shared_when_policies_differ() -> None:
    traces = [trace(policy) for policy in ("none", "random", "similarity_reward", "oracle")]
    for other in traces[1:]:
        for ours, theirs in zip(traces[0].stream, other.stream, strict=True):
            assert np.array_equal(ours, theirs)
    alike = traces[1].probability_T >= traces[0].probability_T  # more probable and yet failed: never with common draws
    assert (traces[1].reward_T[alike] >= traces[0].reward_T[alike]).all()


def test_worlds_share_tasks_and_cases_when_only_affinities_differ() -> None:
    one, other = (planted(SCENARIOS[name], 5, STEPS, 4) for name in ("growing", "clean"))
    assert np.array_equal(one.task_TD, other.task_TD)
    assert np.array_equal(one.case_ND, other.case_ND)
    assert not np.array_equal(one.utility_RN, other.utility_RN)


def test_cases_of_a_recipe_are_alike_and_one_line_is_in_several_plans() -> None:
    recipe, steps, misleading, plain = (
        planted(world, 3, STEPS, 4) for world in (*ACTION_SCENARIOS.values(), SCENARIOS["growing"])
    )
    assert np.array_equal(recipe.task_TD, plain.task_TD)
    assert plain.action_ND is None
    assert plain.lines_N == ()
    assert recipe.action_ND is not None
    assert len({line for lines in recipe.lines_N for line in lines}) == len(recipe.lines_N)
    assert {len(lines) for lines in steps.lines_N} == {3}
    assert len({line for lines in steps.lines_N for line in lines}) == 24
    effect_PN = recipe.utility_RN[:10] - plain.utility_RN[:10]
    assert np.array_equal(recipe.utility_RN, misleading.utility_RN)
    assert misleading.action_ND is not None
    told = _alike(effect_PN, recipe.action_ND), _alike(effect_PN, misleading.action_ND)
    assert told[0] > 0.5 > 0.3 > abs(told[1])


def _alike(effect_PN: NDArray[np.float64], action_ND: NDArray[np.float32]) -> float:
    """Mean correlation of the effects of each case and of the one whose text is most like its own."""
    cosine_NN = action_ND @ action_ND.T
    np.fill_diagonal(cosine_NN, -1)
    nearest_N = cosine_NN.argmax(axis=1)
    is_regular_N = effect_PN.any(axis=0)
    is_regular_N &= is_regular_N[nearest_N]
    return float(np.corrcoef(effect_PN[:, is_regular_N].ravel(), effect_PN[:, nearest_N[is_regular_N]].ravel())[0, 1])


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_no_policy_beats_the_oracle_when_expectations_are_compared(scenario: str) -> None:
    best = trace("oracle", world=SCENARIOS[scenario])
    for policy in ("none", "random", "similarity", "similarity_reward"):
        assert (trace(policy, world=SCENARIOS[scenario]).probability_T <= best.probability_T + 1e-12).all()


def test_rewards_come_as_often_as_their_probabilities_say() -> None:
    played = trace("random", steps=6000)
    for low in (0.0, 0.25, 0.5, 0.75):
        within = (played.probability_T >= low) & (played.probability_T < low + 0.25)
        wanted, n = played.probability_T[within].mean(), within.sum()
        assert abs(played.reward_T[within].mean() - wanted) < 4 * math.sqrt(wanted * (1 - wanted) / n)


def test_the_probability_is_of_the_sum_of_the_served_effects() -> None:
    played = trace("similarity")
    for step in range(STEPS):
        served = [case for case in played.served_TK[step] if case >= 0]
        logit = played.stream.base_T[step] + sum(played.stream.utility(step)[case] for case in served)
        assert played.probability_T[step] == pytest.approx(1 / (1 + math.exp(-logit)))


def test_only_cases_that_have_arrived_are_served_when_the_bank_grows() -> None:
    for policy in ("random", "similarity", "oracle"):
        played = trace(policy)
        assert (played.served_TK.max(axis=1) < played.stream.n_active_T).all()
    assert played.stream.n_active_T[0] == 30
    assert played.stream.n_active_T[-1] == 50


def test_the_null_slot_and_the_empty_set_change_nothing() -> None:
    played = trace("none")
    assert (played.served_TK == -1).all()
    assert np.allclose(played.probability_T, 1 / (1 + np.exp(-played.stream.base_T)))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), share=st.floats(0.05, 0.5), kind=st.sampled_from(["inert", "harmful", "mixed"]))
def test_the_bank_holds_its_share_of_poison_from_its_time_on(seed: int, share: float, kind: str) -> None:
    world = replace(SCENARIOS["growing"], poison_kind=kind, poison_share=share, poison_from=0.4)  # type: ignore[arg-type]
    stream = planted(world, seed, 200, 4)
    is_injected = np.array([CASE_KINDS[code].startswith("injected") for code in stream.kind_N])
    before, after = is_injected[: stream.n_active_T[79]], is_injected[: stream.n_active_T[80]]
    assert not before.any()
    assert after.mean() == pytest.approx(share, abs=0.02)
    assert is_injected.mean() == pytest.approx(share, abs=0.02)
    assert (stream.label_N[is_injected] == 1).all()
    inert = [code for code, name in enumerate(CASE_KINDS) if name.endswith("inert")]
    assert (stream.utility_RN[:, np.isin(stream.kind_N, inert)] == 0).all()


def test_effects_change_half_way_when_the_world_drifts() -> None:
    stream = planted(SCENARIOS["drift"], 3, STEPS, 4)
    rows = stream.row_T
    assert rows[: STEPS // 2].max() < 10 <= rows[STEPS // 2 :].min()
    assert not np.array_equal(stream.utility_RN[:10], stream.utility_RN[10:])
    assert planted(SCENARIOS["growing"], 3, STEPS, 4).row_T.max() < 10


@pytest.mark.parametrize("wrong", [{"poison_share": 1.0}, {"noise": 1.0, "bank_end": 5}, {"misleading_share": 1.2}])
def test_a_world_is_refused_when_it_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"bank|inject|share"):
        World(**wrong)  # type: ignore[arg-type]


def test_a_cell_is_played_again_only_when_what_decides_it_changed(tmp_path: Path) -> None:
    run(task(), tmp_path)
    assert load(task(), tmp_path) is not None
    assert load(task(world=replace(SMALL, beta=2.0)), tmp_path) is None
    assert load(task(generator="tests.planted_generator:two_cases"), tmp_path) is None
    path = task().path(tmp_path)
    path.write_text(path.read_text("utf-8")[:-20], "utf-8")
    assert load(task(), tmp_path) is None


def test_figures_follow_from_the_trace(tmp_path: Path) -> None:
    run(task("similarity"), tmp_path)
    cell, played = load(task("similarity"), tmp_path), trace("similarity", seed=0)
    assert cell is not None
    assert cell.probability == pytest.approx(played.probability_T, abs=1e-5)
    case = int(np.argmax(cell.cases.exposures))
    steps = np.flatnonzero((played.served_TK == case).any(axis=1))
    assert cell.cases.exposures[case] == len(steps)
    assert cell.cases.mean_reward[case] == pytest.approx(played.reward_T[steps].mean(), abs=1e-5)
    true = [played.stream.utility(step)[case] for step in steps]
    assert cell.cases.true_effect[case] == pytest.approx(np.mean(true), abs=1e-5)


def test_an_estimator_that_knows_the_truth_is_found_to_know_it(tmp_path: Path) -> None:
    run(task("similarity"), tmp_path)
    cell = load(task("similarity"), tmp_path)
    assert cell is not None
    told = cell._replace(cases=cell.cases._replace(
        exposures=[20] * len(cell.cases.exposures),
        effect=cell.cases.true_effect, sd=[None if one is None else 0.1 for one in cell.cases.true_effect],
    ))  # fmt: skip
    assert ranking([told]).estimated_S == pytest.approx([1.0])
    assert ranking([told]).shared_label_S[0] < 1.0
    too_few = told._replace(cases=told.cases._replace(exposures=[14] * len(told.cases.exposures)))
    assert np.isnan(ranking([too_few]).estimated_S).all()
    injected = told._replace(cases=told.cases._replace(
        kind=["injected inert"] * len(told.cases.kind), effect=[0.3] * len(told.cases.kind),
        sd=[0.1] * (len(told.cases.kind) - 1) + [0.2],
    ))  # fmt: skip
    assert probe(injected).above == len(told.cases.kind) - 1


def test_regret_is_wholly_removed_by_the_oracle_and_not_at_all_by_similarity(tmp_path: Path) -> None:
    results = Results(kept(tmp_path, ("similarity", "similarity_reward", "oracle")))
    assert results.regret_removed("oracle", ["fixed"]).value == pytest.approx(1.0)
    assert results.regret_removed("similarity", ["fixed"]).value == pytest.approx(0.0)
    between = results.regret_removed("similarity_reward", ["fixed"])
    assert between.low <= between.value <= between.high < 1


def test_everything_shown_says_that_it_is_simulated(tmp_path: Path) -> None:
    results = Results(kept(tmp_path, ("similarity", "similarity_reward", "parametric", "oracle")))
    found = bars(results, "similarity_reward")
    assert {bar.wanted for bar in found} >= {">= 0.25, interval above 0", ">= -0.010 in every scenario"}
    assert "simulation" in markdown(results, found).splitlines()[0]
    assert all(json.loads(line)["simulation"] for line in json_lines(results, found).splitlines())
    assert [path.name for path in save_plots(results, tmp_path, judged="similarity")] == [
        "planted_success.png",
        "planted_regret.png",
    ]


def test_every_bar_is_judged_when_an_estimator_tells_effects(tmp_path: Path) -> None:
    poisoned = replace(SMALL, poison_kind="inert")
    cells = kept(tmp_path, ("similarity", "similarity_reward", "parametric", "oracle"), world=poisoned)
    for cell in cells[:3]:
        true = cell.cases.true_effect
        n_served = [0 if one is None else 20 for one in true]
        told = CaseColumns(cell.cases.kind, n_served, true, cell.cases.mean_reward, true, [0.1] * len(true))
        cells.append(cell._replace(policy="advantage", cases=told, calibration=Calibration(10, 9, 0.0)))
    results = Results(cells)
    found = {(bar.name, bar.where.partition(";")[0]): bar for bar in bars(results, "advantage")}
    assert len(found) == 9
    assert not found["regret of similarity removed", "mean of 1 scenarios"].is_met
    assert found["90 % intervals of u hold the truth", "served cases at reads, second half"].figure.value == 0.9
    assert not found["90 % intervals of u hold the truth", "effects of cases at the end"].is_met  # all of them do
    assert found["inert injected cases taken to help", "fixed, its own reads"].figure.value == 0
    assert "MISSED" in markdown(results, list(found.values()))
    assert len(save_plots(results, tmp_path, judged="advantage")) == 4


def figures(capsys: pytest.CaptureFixture[str], folder: Path, *more: str) -> list[dict[str, Any]]:
    with pytest.raises(SystemExit):
        main(["--out", str(folder), "--jobs", "1", "--json", *more])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


SHORT = ("--scenarios", "fixed", "--policies", "similarity", "--seeds", "0-7", "--steps", "1000")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_finished_cells_stay_and_the_rest_is_played_when_a_run_was_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-m", "benchmarks.planted_stream", "--out", str(tmp_path), "--jobs", "2", *SHORT]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    while len(list(tmp_path.glob("*.json"))) < 2 and killed.poll() is None:
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    assert len(before) >= 2
    assert figures(capsys, tmp_path, *SHORT)[0]["seeds"] == 8
    assert len(list(tmp_path.glob("*.json"))) == 8
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())


def test_a_missing_cell_is_played_and_no_other_when_the_benchmark_runs_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ("--scenarios", "fixed", "--policies", "similarity", "--seeds", "0,2-3", "--steps", "40")
    first = figures(capsys, tmp_path, *few)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    (tmp_path / "fixed.similarity.2.json").unlink()
    again = figures(capsys, tmp_path, *few)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    assert {path.name for path in before if after[path] != before[path]} == {"fixed.similarity.2.json"}
    assert again[0]["success"] == first[0]["success"]


def test_any_number_and_the_generator_can_be_replaced_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ("--scenarios", "fixed", "--policies", "similarity", "oracle", "--seeds", "3", "--steps", "40", "--k", "1")
    plugged = ("--set", "beta=3", "--generator", "tests.planted_generator:two_cases")
    lines = {line["policy"]: line for line in figures(capsys, tmp_path, *chosen, *plugged) if "policy" in line}
    assert lines["oracle"]["success"]["value"] == pytest.approx(1 / (1 + math.exp(-6)), abs=1e-5)


def test_a_setting_that_the_world_does_not_have_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--set", "colour=3"])
    assert "World has no 'colour'" in capsys.readouterr().err


def test_the_oracle_serves_no_case_that_hurts() -> None:
    stream = planted(replace(SMALL, own_effect=-1.0, misleading_share=0.0, quality_sd=0.1), 0, STEPS, 4)
    played = play_on(stream, OraclePlayer(stream, k=4), k=4)
    assert all(stream.utility(step)[case] > 0 for step in range(STEPS) for case in played.served_TK[step] if case >= 0)
    assert (played.probability_T >= 1 / (1 + np.exp(-stream.base_T)) - 1e-12).all()


def test_every_policy_of_the_product_is_played() -> None:
    assert set(POLICIES) == {*POLICY_NAMES, "oracle"}
