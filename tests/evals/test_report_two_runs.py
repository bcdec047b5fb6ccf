"""The same arms in two runs."""

from pathlib import Path
from typing import Any

import pytest

from memento.evals.report.two_runs import RunResults, compare_runs
from memento.evals.report.view import read_run
from memento.memory.errors import InvalidInput
from tests.eval_runs import made_tasks, make_run


def run(folder: Path, **options: Any) -> RunResults:
    made = make_run(folder, **{"n_tasks": 60, "arms": ("none", "advantage"), "seeds": range(6), **options})
    return RunResults(folder.name, *read_run(made.folder))


def test_a_better_memory_is_seen_question_by_question(tmp_path: Path) -> None:
    found = compare_runs(run(tmp_path / "1", effect=0.5), run(tmp_path / "2", effect=3.0, subject="other"))
    none, advantage = found.arms
    assert none.is_paired
    assert none.n_questions == advantage.n_questions == 60
    assert (none.difference.value, none.is_shown) == (0, False)
    assert none.verdict.startswith("no difference shown")
    assert advantage.is_shown
    assert advantage.verdict.startswith("better by")
    assert advantage.difference.value == pytest.approx(advantage.second.value - advantage.first.value, abs=0.03)
    assert found.differs == {"subject": ("scripted", "other")}


def test_the_other_way_round_is_the_other_sign(tmp_path: Path) -> None:
    first, second = run(tmp_path / "1", effect=0.5), run(tmp_path / "2", effect=3.0)
    there, back = (compare_runs(*pair).arms[1].difference for pair in ((first, second), (second, first)))
    assert there.value == pytest.approx(-back.value)
    assert there.low == pytest.approx(-back.high, abs=0.01)


def test_questions_are_known_again_when_their_ids_are_others(tmp_path: Path) -> None:
    tasks = made_tasks(60)
    renamed = [task.model_copy(update={"id": f"row {number}"}) for number, task in enumerate(reversed(tasks[:40]))]
    found = compare_runs(run(tmp_path / "1", tasks=tasks), run(tmp_path / "2", tasks=renamed))
    assert [arm.n_questions for arm in found.arms] == [40, 40]
    assert found.differs["n_tasks"] == (60, 40)


def test_the_same_ids_are_not_the_same_questions(tmp_path: Path) -> None:
    other = made_tasks(60, ask="Which {source} came as number {number}?")
    found = compare_runs(run(tmp_path / "1", effect=0.0), run(tmp_path / "2", tasks=other, effect=3.0))
    none, advantage = found.arms
    assert not none.is_paired
    assert none.n_questions == 0
    paired = compare_runs(run(tmp_path / "3", effect=0.0), run(tmp_path / "4", effect=3.0)).arms[1].difference
    assert advantage.difference.high - advantage.difference.low > paired.high - paired.low  # chance is not taken out
    assert advantage.difference.value == pytest.approx(advantage.second.value - advantage.first.value)


def test_settings_and_arms_that_only_one_run_has_are_named(tmp_path: Path) -> None:
    first = run(tmp_path / "1", n_tasks=10, arms=("none", "random"), settings={"max_cycles": 1})
    second = run(tmp_path / "2", n_tasks=10, arms=("none", "advantage"), settings={"max_cycles": 2})
    found = compare_runs(first, second)
    assert (found.only_first, found.only_second) == (["random"], ["advantage"])
    assert found.differs == {"max_cycles": (1, 2)}


def test_runs_without_a_common_arm_are_refused(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a", n_tasks=10, arms=["none"]), run(tmp_path / "b", n_tasks=10, arms=["random"])
    with pytest.raises(InvalidInput, match="no arm in common: a has results of none; b has results of random"):
        compare_runs(first, second)
