"""How many orders of the tasks, and processes, `memento eval run` takes when nothing is asked for."""

from pathlib import Path
from typing import Any

import pytest

from memento.cli.eval_options import RunOptions
from memento.cli.eval_plan import plan_of
from memento.cli.eval_run import _about_orders, _processes
from memento.evals.runs.plan import RunPlan
from memento.evals.statistics.orders import MIN_ORDERS
from memento.evals.subject import Subject
from memento.evals.task import Dataset
from memento.memory.errors import InvalidInput
from tests.eval_runs import made_tasks, make_run

DATASET = Dataset(name="made", format="generic", tasks=made_tasks(30), bad_rows=[], n_repeated=0)


def plan(folder: Path, *arms: str, **options: Any) -> RunPlan:
    given = RunOptions(dataset=folder / "made.jsonl", out=folder, scorer="exact", arms=list(arms), **options)
    return plan_of(given, DATASET, subject="scripted")


@pytest.mark.parametrize(
    ("arms", "asked", "n"),
    [
        ((), None, MIN_ORDERS),
        (("none", "similarity:k=2"), None, MIN_ORDERS),
        (("none",), None, 1),
        (("none", "none:max_cycles=1"), None, 1),
        (("advantage",), 2, 2),
    ],
)
def test_there_are_orders_enough_for_a_verdict_unless_others_are_asked_for(
    arms: tuple[str, ...], asked: int | None, n: int, tmp_path: Path
) -> None:
    assert plan(tmp_path, *arms, n_seeds=asked).seeds == list(range(n))


def test_a_run_that_goes_on_keeps_its_orders(tmp_path: Path) -> None:
    make_run(tmp_path, n_tasks=5, seeds=(0, 1, 2), arms=("none", "advantage"))
    assert plan(tmp_path, "none", "advantage").seeds == [0, 1, 2]
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(InvalidInput, match="contains no evaluation run"):
        plan(tmp_path, "none", "advantage")


def test_the_start_says_what_so_many_orders_allow(tmp_path: Path) -> None:
    def told(*arms: str, n: int) -> str:
        return _about_orders(plan(tmp_path, *arms, n_seeds=n))

    assert told("none", "advantage", n=1) == (
        "one order of the tasks: no verdict on arms with a memory, which needs --seeds 6"
    )
    assert told("none", "advantage", n=3).startswith("3 orders of the tasks: no verdict")
    assert told("none", "advantage", n=6) == (
        "each order of the tasks costs 2 streams: --seeds asks for fewer, and below 6 gives no verdict"
    )
    assert "no arm has a memory" in told("none", n=1)


def test_streams_run_side_by_side_where_that_pays_and_the_subject_permits_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def n_processes(*, n_seeds: int, max_processes: int | None = None) -> int:
        subject = Subject(name="made", make_deps=lambda _: None, max_processes=max_processes)  # type: ignore[arg-type, return-value]
        return _processes(plan(tmp_path, "none", "advantage", n_seeds=n_seeds), DATASET, subject)

    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert n_processes(n_seeds=6) == 4
    assert n_processes(n_seeds=1) == 1  # 60 tasks are done before a process has started
    assert n_processes(n_seeds=6, max_processes=1) == 1
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert n_processes(n_seeds=6) == 12
