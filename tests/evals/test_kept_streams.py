"""Streams of experiments that are kept with the code: they count, and are not worked on again."""

import argparse
from pathlib import Path

import pytest

from benchmarks.environments.figures import figures
from benchmarks.environments.kept_tables import FOLDER, markdown
from benchmarks.frozen_model import kept_tables as frozen_tables
from benchmarks.frozen_model.figures import figures as frozen_figures
from benchmarks.frozen_model.figures import print_figures
from benchmarks.frozen_model.streams import REGRESSION, vote_over
from benchmarks.kept_streams import Keeping, KeptRun, Stream, streams_of
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.journal import Journal
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import ServedCase
from memento.evals.runs.runner import JOURNAL, STREAMS

ARMS = ("none", "advantage:failures=hidden")
TASKS = [f"{name}/test/{number}" for name in ("coin", "twc") for number in range(5)]


def _plan(n_orders: int = 2, **changed: object) -> RunPlan:
    fields = {"dataset": "coin-twc-test", "environments": ["coin", "twc"], "tasks": "0f", "n_tasks": len(TASKS)}
    fields |= {"subject": "player", "scorer": "environment", "feedback": "correction", "settings": {"k": 4}} | changed
    return RunPlan(**fields, arms=[parse_arm(arm) for arm in ARMS], seeds=list(range(n_orders)))


def _journal(folder: Path, plan: RunPlan, arm: str, seed: int, scores: dict[str, float | None]) -> None:
    (key,) = [one for one in plan.streams() if (one.arm.name, one.seed) == (arm, seed)]
    file = folder / STREAMS / key.name / JOURNAL
    file.parent.mkdir(parents=True)
    journal = Journal(file)
    journal.open()
    cases = [ServedCase(id="1", reward=reward, similarity=1, score=1, slot=0, propensity=1) for reward in (1.0, 0.0)]
    played = Stream(arm=arm, seed=seed, worked=0, seconds=2.0, scores=scores).results()
    journal.append(played if arm == "none" else [one.model_copy(update={"cases": cases}) for one in played])
    journal.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of two orders: three streams are finished, one is in its middle."""
    plan = _plan()
    plan.save(tmp_path)
    _journal(tmp_path, plan, "none", 0, dict.fromkeys(TASKS, 0.0))
    _journal(tmp_path, plan, "none", 1, dict.fromkeys(reversed(TASKS), 0.0) | {TASKS[0]: None})
    _journal(tmp_path, plan, ARMS[1], 0, {task: float(task.startswith("twc")) for task in TASKS})
    _journal(tmp_path, plan, ARMS[1], 1, dict.fromkeys(TASKS[:4], 0.5))
    return tmp_path


def test_finished_streams_are_kept_with_their_origin_and_give_the_same_figures(folder: Path, tmp_path: Path) -> None:
    plan, file = _plan(), tmp_path / "kept" / "run.json"
    played = KeptRun.load(file, plan)
    assert played.add(streams_of(folder, plan)) == 3
    played.save(file)

    kept = KeptRun.load(file, plan)
    assert [one.name for one in kept.streams] == [(ARMS[1], 0), ("none", 0), ("none", 1)]
    assert all(one.machine and one.date for one in kept.streams)
    assert [one.worked for one in kept.streams] == [1, 0, 0]
    assert {one.name: one.scores for one in kept.streams} == {one.name: one.scores for one in played.streams}
    whole = figures(kept.with_those(streams_of(folder, plan)), plan)
    assert whole == figures(streams_of(folder, plan), plan)
    assert (whole.n_results, whole.n_unknown) == (34, 1)
    assert [row.won["twc"].value for row in whole.rows] == [0.0, pytest.approx(5 / 5)]


def test_a_kept_stream_is_taken_up_once(folder: Path, tmp_path: Path) -> None:
    plan, file = _plan(), tmp_path / "run.json"
    played = KeptRun.load(file, plan)
    played.add(streams_of(folder, plan))
    assert played.add(streams_of(folder, plan)) == 0
    other = Stream(arm="none", seed=0, worked=0, seconds=1, scores=dict.fromkeys(TASKS, 1.0))
    assert [one.scores[TASKS[0]] for one in played.with_those([other]) if one.name == ("none", 0)] == [0.0]


def test_more_arms_and_orders_are_the_same_run_and_another_k_is_not(folder: Path, tmp_path: Path) -> None:
    plan, file = _plan(), tmp_path / "run.json"
    played = KeptRun.load(file, plan)
    played.add(streams_of(folder, plan))
    played.save(file)
    assert len(KeptRun.load(file, _plan(n_orders=10)).streams) == 3
    with pytest.raises(SystemExit, match="other settings"):
        KeptRun.load(file, _plan(settings={"k": 2}))


def test_tables_name_every_arm_and_say_when_orders_are_too_few(folder: Path, tmp_path: Path) -> None:
    plan, file = _plan(), tmp_path / "kept" / "run.json"
    played = KeptRun.load(file, plan)
    played.add(streams_of(folder, plan))
    played.save(file)
    told = markdown(file.parent)
    assert "| `none` | 2 |" in told
    assert "| `advantage:failures=hidden` - `none` | 1 |" in told
    assert "too few orders" in told


def test_a_run_of_one_environment_is_told_by_kind_of_task_where_it_has_kinds() -> None:
    scores = {"babyai/test/go-to/7": 1.0, "babyai/test/open/2": 0.0}
    for tasks, sources in ((scores, ["go-to", "open"]), ({"coin/test/7": 1.0}, ["coin"])):
        environments = [next(iter(tasks)).partition("/")[0]]
        plan = _plan(6, environments=environments, dataset=f"{environments[0]}-test", n_tasks=len(tasks))
        streams = [Stream(arm=arm, seed=seed, worked=0, seconds=1, scores=tasks) for arm in ARMS for seed in range(6)]
        found = figures(streams, plan)
        assert [row.won[source].value for row in found.rows for source in sources] == [*tasks.values()] * 2
        assert list(found.differences[0].by_source) == sources


def test_the_order_of_a_stream_is_kept(folder: Path, tmp_path: Path) -> None:
    """A figure without the first tasks needs it."""
    plan, file = _plan(), tmp_path / "run.json"
    played = KeptRun.load(file, plan)
    played.add(streams_of(folder, plan))
    played.save(file)
    order_of = {one.name: list(one.scores) for one in KeptRun.read(file).streams}
    assert order_of["none", 0] == TASKS
    assert order_of["none", 1] == list(reversed(TASKS))


@pytest.mark.parametrize("few", [(0.0, 1.0, None), (0.5, 1 / 3, None), (1.0, 1.0, 0.25)])
def test_every_score_is_what_it_was(few: tuple[float | None, ...], tmp_path: Path) -> None:
    plan, file = _plan(), tmp_path / "run.json"
    scores = {task: few[place % 3] for place, task in enumerate(TASKS)}
    kept = KeptRun.load(file, plan)
    kept.add([Stream(arm="none", seed=0, worked=0, seconds=1, scores=scores)])
    kept.save(file)
    assert KeptRun.read(file).streams[0].scores == scores


@pytest.mark.parametrize(
    ("arguments", "file", "adds"),
    [
        ([], None, False),
        (["--kept"], Path("its-own.json"), False),
        (["--keep"], Path("its-own.json"), True),
        (["--kept", "other.json", "--keep"], Path("other.json"), True),
        (["--kept", __file__], Path(__file__), False),
    ],
)
def test_nothing_kept_counts_unless_it_is_asked_for(arguments: list[str], file: Path | None, adds: bool) -> None:
    parser = argparse.ArgumentParser()
    Keeping.add_options(parser)
    assert Keeping.of(parser.parse_args(arguments), Path("its-own.json")) == Keeping(file, adds)


def test_a_file_that_is_not_there_is_named_before_hours_are_spent(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    Keeping.add_options(parser)
    with pytest.raises(SystemExit, match="there is no file"):
        Keeping.of(parser.parse_args(["--kept", str(tmp_path / "tpyo.json")]), Path("its-own.json"))


def test_figures_are_printed_into_a_folder_that_is_not_there_yet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_figures(frozen_figures(_house_streams(6), _house_plan(6)), _house_plan(6), tmp_path / "new")
    assert (tmp_path / "new" / "figures.json").exists()
    assert "advantage - none" in capsys.readouterr().out


def _house(arm: str, seed: int, score: float, n_tasks: int = 150) -> Stream:
    """An order of house rules in which tasks from the 100th on earn `score`, and earlier ones nothing."""
    tasks = [str((number * 7 + seed) % n_tasks) for number in range(n_tasks)]
    scores = {task: score if place >= 100 else 0.0 for place, task in enumerate(tasks)}
    return Stream(arm=arm, seed=seed, worked=2.0, right=score / 2, seconds=1.0, scores=scores)


def _house_plan(n_orders: int) -> RunPlan:
    fields = {"dataset": "house", "tasks": "0f", "n_tasks": 150, "subject": "frozen-house", "scorer": "exact"}
    arms = [parse_arm(name) for name in ("none", "advantage")]
    return RunPlan(**fields, feedback="reward", settings={"k": 4}, arms=arms, seeds=list(range(n_orders)))


def _house_streams(n_orders: int) -> list[Stream]:
    scores = {"none": 0.0, "advantage": 1.0, vote_over("advantage"): 0.5, REGRESSION: 1.0}
    return [_house(arm, seed, score) for arm, score in scores.items() for seed in range(n_orders)]


def test_figures_of_the_frozen_model_are_made_from_streams_alone() -> None:
    found = frozen_figures(_house_streams(6), _house_plan(6))
    assert [row.arm for row in found.rows] == ["none", "advantage", "vote: advantage", "regression"]
    assert [block.value for block in found.rows[1].blocks] == [0.0, 1.0]
    assert (found.rows[1].whole.value, found.rows[1].worked, found.rows[1].right) == (pytest.approx(50 / 150), 2.0, 0.5)
    against = {one.control: (one.first.value, one.later.value, one.has_verdict) for one in found.differences}
    assert against["none"] == (pytest.approx(50 / 150), 1.0, True)
    assert against["vote: advantage"] == (pytest.approx(25 / 150), 0.5, True)
    assert against["regression"] == (0.0, 0.0, True)
    assert (found.n_results, found.n_unknown) == (1800, 0)


def test_tables_of_the_frozen_model_say_how_many_orders_there_are(tmp_path: Path) -> None:
    for n_orders, name in ((6, "house-reward"), (2, "routing-reward")):
        plan = _house_plan(n_orders).model_copy(update={"dataset": name.partition("-")[0]})
        kept = KeptRun.load(tmp_path / f"{name}.json", plan)
        kept.add(_house_streams(n_orders))
        kept.save(tmp_path / f"{name}.json")
    told = frozen_tables.markdown(tmp_path)
    assert "| share solved (orders) | house rules, rewards alone | routing, rewards alone |" in told
    assert "| `none` | 0.000 [0.00, 0.02] (6) | 0.000 [0.00, 0.02] (2) |" in told
    bold, bare = next(line for line in told.splitlines() if "`advantage` - `none`" in line).split("|")[2:4]
    assert (bold.count("**"), bare.count("**")) == (2, 0)


def test_what_is_kept_with_the_code_can_be_read() -> None:
    assert markdown(FOLDER).count("| games won |") == len(list(FOLDER.glob("*.json")))
    assert frozen_tables.markdown(frozen_tables.FOLDER).count(" tasks; ") == len(list(frozen_tables.FOLDER.glob("*")))
