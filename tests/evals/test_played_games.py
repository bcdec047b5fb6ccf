"""Games of the experiment in environments that are kept with the code: they count, and are not played again."""

from pathlib import Path

import pytest

from benchmarks.environments.figures import figures
from benchmarks.environments.played_games import FOLDER, PlayedRun, Stream, streams_of
from benchmarks.environments.played_tables import markdown
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
    played = PlayedRun.load(file, plan)
    assert played.add(streams_of(folder, plan), n_tasks=len(TASKS)) == 3
    played.save(file)

    kept = PlayedRun.load(file, plan)
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
    played = PlayedRun.load(file, plan)
    played.add(streams_of(folder, plan), n_tasks=len(TASKS))
    assert played.add(streams_of(folder, plan), n_tasks=len(TASKS)) == 0
    other = Stream(arm="none", seed=0, worked=0, seconds=1, scores=dict.fromkeys(TASKS, 1.0))
    assert [one.scores[TASKS[0]] for one in played.with_those([other]) if one.name == ("none", 0)] == [0.0]


def test_more_arms_and_orders_are_the_same_run_and_another_k_is_not(folder: Path, tmp_path: Path) -> None:
    plan, file = _plan(), tmp_path / "run.json"
    played = PlayedRun.load(file, plan)
    played.add(streams_of(folder, plan), n_tasks=len(TASKS))
    played.save(file)
    assert len(PlayedRun.load(file, _plan(n_orders=10)).streams) == 3
    with pytest.raises(SystemExit, match="other settings"):
        PlayedRun.load(file, _plan(settings={"k": 2}))


def test_tables_name_every_arm_and_say_when_orders_are_too_few(folder: Path, tmp_path: Path) -> None:
    plan, file = _plan(), tmp_path / "kept" / "run.json"
    played = PlayedRun.load(file, plan)
    played.add(streams_of(folder, plan), n_tasks=len(TASKS))
    played.save(file)
    told = markdown(file.parent)
    assert "| `none` | 2 |" in told
    assert "| `advantage:failures=hidden` - `none` | 1 |" in told
    assert "too few orders" in told


def test_what_is_kept_with_the_code_can_be_read() -> None:
    assert markdown(FOLDER).count("| games won |") == len(list(FOLDER.glob("*.json")))
