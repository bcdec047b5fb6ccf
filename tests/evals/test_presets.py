"""Presets: the paper's ablations, with figures as printed and tables with both sides; and protocols."""

import json
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

import pytest

from memento.evals.presets import PRESETS, Asked, PaperTable, Row, blank_table, paper_table, preset_named
from memento.evals.presets.figures import N_QUESTIONS, PaperSide, Score, Scores
from memento.evals.presets.rows import MACRO, WEIGHTED
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import load_results
from memento.memory.errors import InvalidInput, UnknownPolicy
from tests.eval_runs import MadeRun, made_tasks, make_run

ABLATIONS = [name for name, preset in PRESETS.items() if preset.paper is not None]
PROTOCOLS = [name for name in PRESETS if name not in ABLATIONS]


def paper_of(name: str) -> PaperSide:
    paper = preset_named(name).paper
    assert paper is not None
    return paper


NUMBER_OF_CASES = {line.k: line.scores for line in paper_of("k-sweep").lines}
CONTINUAL = {line.label: line.accuracy for line in paper_of("continual").lines}
OUT_OF_DISTRIBUTION = {line.label: Score(*line.f1, *line.pm) for line in paper_of("ood").lines}
COMPONENTS = {line.label: line.scores for line in paper_of("components").lines}
PAPER_SOURCES = ("nq", "musique", "Bamboogle", "popqa")


def run_of(name: str, folder: Path, *, n_tasks: int = 24, **more: object) -> MadeRun:
    """A made run of a preset."""
    shape = preset_named(name).shape(Asked(sources=PAPER_SOURCES))
    return make_run(
        folder,
        arms=[arm.name for arm in shape.arms],
        tasks=made_tasks(n_tasks, sources=PAPER_SOURCES),
        iterations=shape.iterations,
        held_out=shape.held_out,
        **{"preset": name, "seeds": (0, 1), **more},  # type: ignore[arg-type]
    )


def table_of(run: MadeRun) -> tuple[PaperTable, list[TaskResult]]:
    results = list(load_results(run.folder, run.plan))
    return paper_table(run.plan, results), results


def question_means(results: Iterable[TaskResult]) -> dict[tuple[str, str], float]:
    """The mean reward of each question and its source: a question counts once, whatever its seeds."""
    rewards: dict[tuple[str, str], list[float]] = {}
    for one in results:
        if one.reward is not None:
            rewards.setdefault((one.task_id, one.source), []).append(one.reward)
    return {question: fmean(some) for question, some in rewards.items()}


def row_of(table: PaperTable, *, part: str, label: str) -> Row:
    (row,) = (row for row in table.rows if row.part == part and row.label == label)
    return row


@pytest.mark.parametrize(
    "scores",
    [*NUMBER_OF_CASES.values(), *COMPONENTS.values()],
    ids=[*(f"K={k}" for k in NUMBER_OF_CASES), *COMPONENTS],
)
def test_a_printed_average_is_that_of_its_sources_when_they_are_averaged_as_labelled(scores: Scores) -> None:
    mine = scores.mean_over_sources if scores.is_printed_macro else scores.mean_over_questions
    assert mine == pytest.approx(scores.printed, abs=0.11)  # misprints of 0.1 are told


def test_the_headline_is_a_mean_over_sources_and_the_other_mean_is_lower() -> None:
    *_, with_cases = COMPONENTS.values()
    assert with_cases.macro == with_cases.printed == Score(66.6, 80.4)
    assert with_cases.weighted == Score(64.2, 78.9)
    assert [scores.is_printed_macro for scores in COMPONENTS.values()] == [False, False, False, True]


def test_what_is_told_to_be_inconsistent_follows_from_the_figures() -> None:
    _, _, without, with_cases = COMPONENTS.values()
    assert NUMBER_OF_CASES[0].mean_over_questions.f1 == 59.8
    assert NUMBER_OF_CASES[0].printed.f1 == without.mean_over_questions.f1 == 59.9
    assert without.by_source["tq"].f1 == 81.8
    gains = [round(more - less, 1) for more, less in zip(with_cases.weighted, without.weighted, strict=True)]
    assert gains == [4.3, 6.7]
    assert [round(one[-1] - one[0], 2) for one in CONTINUAL.values()] == [5.82, 5.01, 4.98]
    assert CONTINUAL["without cases"][0] == 78.65
    assert without.printed.pm == 72.2
    least_f1 = min(score.f1 for score in OUT_OF_DISTRIBUTION.values())
    assert (least_f1, max(score.pm for score in OUT_OF_DISTRIBUTION.values())) == (4.7, 9.6)
    assert N_QUESTIONS == 3197


def test_a_preset_compares_what_the_paper_compares() -> None:
    shapes = {name: preset.shape(Asked()) for name, preset in PRESETS.items() if name in ABLATIONS}
    arms = {name: [arm.name for arm in shape.arms] for name, shape in shapes.items()}
    assert list(shapes) == ["k-sweep", "continual", "ood", "components"]
    assert arms["k-sweep"] == [f"similarity:k={k}" for k in (0, 1, 2, 4, 8, 16, 32)]
    assert arms["continual"] == arms["ood"] == ["none", "similarity", "parametric", "advantage"]
    assert arms["components"] == ["none:run_max_model_calls=2", *arms["continual"]]
    assert {name: shape.iterations for name, shape in shapes.items()} == {
        "k-sweep": 1,
        "continual": 5,
        "ood": 1,
        "components": 1,
    }
    assert {name: shape.held_out for name, shape in shapes.items() if shape.held_out} == {
        "ood": ("musique", "Bamboogle", "popqa")
    }


def test_other_policies_are_compared_when_they_are_asked_for() -> None:
    asked = Asked(policies=("advantage", "similarity"))
    assert [arm.name for arm in preset_named("continual").shape(asked).arms] == ["none", "advantage", "similarity"]
    arms = preset_named("k-sweep").shape(asked).arms
    assert [arm.settings["k"] for arm in arms if arm.policy == "advantage"] == [0, 1, 2, 4, 8, 16, 32]
    assert [arm.settings["k"] for arm in arms if arm.policy == "similarity"] == [1, 2, 4, 8, 16, 32]


@pytest.mark.parametrize("name", PRESETS)
def test_a_policy_is_refused_when_no_arm_with_memory_can_be_made_of_it(name: str) -> None:
    with pytest.raises(InvalidInput, match="in every preset anyway"):
        preset_named(name).shape(Asked(policies=("none",)))
    with pytest.raises(UnknownPolicy):
        preset_named(name).shape(Asked(policies=("clairvoyance",)))


def test_a_preset_is_refused_when_there_is_none_of_that_name() -> None:
    with pytest.raises(InvalidInput, match="k-sweep, continual, ood, components"):
        preset_named("temperature")


def test_sources_are_held_out_under_the_data_sets_own_names() -> None:
    shape = preset_named("ood").shape(Asked(sources=("NQ", "Musique", "bamboogle", "PopQA")))
    assert shape.held_out == ("Musique", "bamboogle", "PopQA")
    mine = preset_named("ood").shape(Asked(sources=("law", "medicine"), held_out=("law",)))
    assert mine.held_out == ("law",)


@pytest.mark.parametrize(
    ("sources", "held_out", "said"),
    [
        (("law", "medicine"), (), "no source 'musique'; it has law, medicine: say which to hold out"),
        (("law", "medicine"), ("physics",), "no source 'physics'; it has law, medicine"),
        (("law", "medicine"), ("law", "medicine"), "nothing is left to learn from"),
        (("",), (), "no source 'musique'; it has none"),
    ],
)
def test_sources_are_refused_when_they_cannot_be_held_out(
    sources: tuple[str, ...], held_out: tuple[str, ...], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        preset_named("ood").shape(Asked(sources=sources, held_out=held_out))


@pytest.mark.parametrize("name", ABLATIONS)
def test_the_papers_figures_stand_alone_when_nothing_has_run(name: str) -> None:
    preset = preset_named(name)
    table = blank_table(preset, preset.shape(Asked()))
    assert all(pair.ours is None for row in table.rows for pair in row.pairs.values())
    assert any(pair.paper is not None for row in table.rows for pair in row.pairs.values())
    assert all(set(row.pairs) == set(paper_of(name).measures) for row in table.rows)


@pytest.mark.parametrize("name", ABLATIONS)
def test_ours_stands_beside_the_papers_when_a_run_was_made(name: str, tmp_path: Path) -> None:
    table, _ = table_of(run_of(name, tmp_path))
    both = [pair for row in table.rows for pair in row.pairs.values() if pair.paper is not None and pair.ours]
    assert both
    for pair in both:
        assert pair.ours is not None
        assert pair.ours.interval.low <= pair.ours.interval.value <= pair.ours.interval.high
        assert pair.ours.interval.low >= -100
        assert pair.ours.interval.high <= 100
    assert any("planner GPT-4.1" in one and "ours scripted" in one for one in table.differs)
    assert any("24 of made-questions" in one for one in table.differs)
    lines = [json.loads(json.dumps(line, allow_nan=False)) for line in table.lines()]
    assert [line["event"] for line in lines] == ["paper", *("row" for _ in table.rows)]


def test_the_sweep_shows_both_means_and_every_source(tmp_path: Path) -> None:
    table, results = table_of(run_of("k-sweep", tmp_path, n_tasks=27))  # of four sources, the last has one fewer
    row = row_of(table, part=WEIGHTED, label="K = 4, similarity")
    assert row.pairs["f1"].paper == 64.5
    means = question_means(one for one in results if one.arm == "similarity:k=4")
    assert row.pairs["pm"].ours is not None
    assert row.pairs["pm"].ours.interval.value == pytest.approx(100 * fmean(means.values()))
    by_source = [100 * fmean(mean for (_, one), mean in means.items() if one == source) for source in PAPER_SOURCES]
    macro = row_of(table, part=MACRO, label=row.label)
    assert macro.pairs["pm"].ours is not None
    assert macro.pairs["pm"].ours.interval.value == pytest.approx(sum(by_source) / 4)
    assert macro.remark == "the paper's: computed from its sources"
    assert set(table.parts) >= {WEIGHTED, MACRO, *PAPER_SOURCES, "hotpotqa"}
    assert row_of(table, part="hotpotqa", label=row.label).pairs["f1"].ours is None


def test_iterations_after_the_first_are_told_to_be_retries(tmp_path: Path) -> None:
    table, results = table_of(run_of("continual", tmp_path))
    rows = [row for row in table.rows if row.arm == "parametric"]
    assert [row.pairs["accuracy"].paper for row in rows] == [80.46, 82.84, 84.1, 84.85, 85.44]
    assert [row.remark for row in rows] == ["first encounter", "retry", "retry", "retry", "retry"]
    third = question_means(one for one in results if one.arm == "parametric" and one.iteration == 3)
    assert rows[2].pairs["accuracy"].ours is not None
    assert rows[2].pairs["accuracy"].ours.interval.value == pytest.approx(100 * fmean(third.values()))
    ours_alone = [row for row in table.rows if row.arm == "advantage"]
    assert all(row.pairs["accuracy"].paper is None and row.pairs["accuracy"].ours for row in ours_alone)


def test_a_gain_is_of_held_out_questions_against_no_cases_on_the_same_ones(tmp_path: Path) -> None:
    table, results = table_of(run_of("ood", tmp_path))
    assert table.parts == ["musique", "Bamboogle", "popqa"]
    row = row_of(table, part="Bamboogle", label="advantage, gain over none")
    assert (row.pairs["f1"].paper, row.pairs["pm"].paper) == (7.0, 9.6)
    rewards = {
        (one.arm, one.task_id, one.seed): one.reward
        for one in results
        if one.phase == "test" and one.source == "Bamboogle" and one.reward is not None
    }
    gains: dict[str, list[float]] = {}
    for (arm, task, seed), reward in rewards.items():
        if arm == "advantage" and ("none", task, seed) in rewards:
            gains.setdefault(task, []).append(reward - rewards["none", task, seed])
    assert row.pairs["pm"].ours is not None
    assert row.pairs["pm"].ours.interval.value == pytest.approx(100 * fmean(map(fmean, gains.values())))


def test_a_component_has_no_figure_of_ours_when_the_workflow_cannot_be_without_it(tmp_path: Path) -> None:
    table, _ = table_of(run_of("components", tmp_path))
    row = row_of(table, part=WEIGHTED, label="executor alone, with tools")
    assert (row.arm, row.n, row.pairs["f1"].ours) == ("", 0, None)
    assert "cannot be had" in row.remark
    with_cases = row_of(table, part=WEIGHTED, label="planner and executor, with cases (advantage)")
    assert with_cases.pairs["f1"].paper == 64.2
    assert row_of(table, part=MACRO, label=with_cases.label).pairs["f1"].paper == 66.6


def test_what_is_not_known_is_left_out_and_told(tmp_path: Path) -> None:
    table, results = table_of(run_of("continual", tmp_path, share_unknown=0.3))
    n_unknown = sum(one.reward is None for one in results)
    assert n_unknown
    assert any(one.startswith(f"left out: {n_unknown} of our {len(results)}") for one in table.differs)


def test_a_run_has_no_table_when_it_came_of_no_preset(tmp_path: Path) -> None:
    run = make_run(tmp_path, n_tasks=6, seeds=(0,))
    with pytest.raises(InvalidInput, match="not an ablation of the paper"):
        paper_table(run.plan, [])


def test_protocols_say_what_they_find_out_and_have_no_table(tmp_path: Path) -> None:
    shapes = {name: preset_named(name).shape(Asked()) for name in PROTOCOLS}
    assert {name: [arm.name for arm in shape.arms] for name, shape in shapes.items()} == {
        "frozen": ["none", "context:8000", "similarity", "advantage"],
        "online": ["none", "similarity", "similarity_reward", "advantage"],
        "noise": ["none", "similarity", "similarity:blanked=0.1", "advantage", "advantage:blanked=0.1"],
        "controls": [
            *("none", "context:8000", "fresh_lesson", "similarity", "similarity:outcomes=shuffled"),
            *("advantage", "advantage:outcomes=shuffled"),
        ],
        "worlds": [
            *("none", "fixed:4", "random_successes:failures=hidden", "context:4000,failures=hidden"),
            *("replay", "nearest_valid", "random_actions"),
            *(f"{policy}:failures=hidden,filled=true" for policy in preset_named("worlds").policies),
        ],
    }
    assert {name: shape.held_out_share for name, shape in shapes.items() if shape.held_out_share} == {"frozen": 0.3}
    assert all(preset_named(name).purpose for name in PROTOCOLS)
    run = make_run(tmp_path, n_tasks=6, seeds=(0,), preset="online")
    with pytest.raises(InvalidInput, match="online is a protocol, not an ablation"):
        paper_table(run.plan, [])


def test_a_protocol_holds_out_what_it_is_asked_to() -> None:
    frozen = preset_named("frozen")
    assert frozen.shape(Asked(held_out_share=0.5))[2:] == ((), 0.5)
    assert frozen.shape(Asked(held_out=("law",), sources=("law", "medicine")))[2:] == (("law",), 0.0)
    assert frozen.shape(Asked(held_out=("law",), held_out_share=0.5))[2:] == (("law",), 0.5)
    with pytest.raises(InvalidInput, match="online holds no source out; --held-out is for ood, frozen"):
        preset_named("online").shape(Asked(held_out=("law",)))
    with pytest.raises(InvalidInput, match="ood holds no share out; --held-out-share is for frozen"):
        preset_named("ood").shape(Asked(held_out_share=0.5))
