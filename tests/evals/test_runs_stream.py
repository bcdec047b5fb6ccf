"""Streams: what a round sees and writes, what is never served, what a stopped one goes on with, and tasks' files."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from memento.evals.runs.halt import RepeatedOutage
from memento.evals.runs.result import TaskResult
from memento.evals.task import EvalTask
from memento.graph.deps import Deps
from memento.memory.errors import InvalidInput
from memento.nodes.errors import (
    ContentFiltered,
    ModelFailed,
    ModelRejected,
    ModelTimedOut,
    ModelUnavailable,
    NoCompletion,
    TaskTooLong,
)
from memento.tools.errors import ToolUnavailable
from tests.eval_runs import made_tasks
from tests.eval_scripted import ScriptedRun as Run
from tests.eval_scripted import item_of, right
from tests.node_parts import answer, calling, plan
from tests.scripted import ScriptedChatModel


async def test_a_round_sees_the_cases_of_earlier_rounds_only(tmp_path: Path) -> None:
    run = Run(tmp_path, made_tasks(9, sources=["chess"]), round=3, arms=["similarity:k=9"])
    await run.go(concurrency=9)
    assert [len(one.cases) for one in await run.results()] == [0, 0, 0, 3, 3, 3, 6, 6, 6]
    assert len(await run.cases()) == 9


@pytest.mark.slow
async def test_nothing_is_written_before_the_rounds_end_when_the_model_goes_away(tmp_path: Path) -> None:
    def leaving(messages: list[BaseMessage]) -> str | Exception:
        return ModelUnavailable("away") if len(run.model.calls) > 5 else right(messages)

    run = Run(tmp_path, made_tasks(8), leaving, round=4)
    with pytest.raises(ModelUnavailable, match="away"):
        await run.go(concurrency=1)
    assert len(await run.results()) == 5
    assert len(await run.cases()) == 4  # the first round's; of the second, one task is done and waits

    again = Run(tmp_path, run.tasks, round=4)
    told: list[TaskResult] = []
    assert (await again.go(told.append)).is_complete
    assert len(again.model.calls) == 3
    assert sorted(one.position for one in told) == list(range(8))
    assert len(await again.cases()) == 8


async def test_a_stopped_run_ends_as_one_that_was_never_stopped(tmp_path: Path) -> None:
    def shown(results: list[TaskResult]) -> list[Any]:
        served = [[(case.id, case.score, case.propensity) for case in one.cases] for one in results]
        return [(one.task_id, one.answer, one.reward, cases) for one, cases in zip(results, served, strict=True)]

    tasks = made_tasks(12)
    options: dict[str, Any] = {"round": 3, "iterations": 2, "arms": ["advantage"]}
    whole = Run(tmp_path / "whole", tasks, **options)
    await whole.go()
    stopped = Run(tmp_path / "stopped", tasks, **options)
    n_told = 0

    def stop(result: TaskResult) -> None:
        nonlocal n_told
        n_told += 1
        if n_told == 8:
            working.cancel()

    working = asyncio.create_task(stopped.go(stop, concurrency=2))
    with pytest.raises(asyncio.CancelledError):
        await working
    kept = len(await stopped.results())
    assert 8 <= kept < 24
    await stopped.go()
    assert shown(await stopped.results()) == shown(await whole.results())


async def test_a_question_is_never_shown_its_own_case_when_it_comes_again(tmp_path: Path) -> None:
    run = Run(tmp_path, made_tasks(4, sources=["chess"]), iterations=3, arms=["similarity:k=9"], feedback="correction")
    await run.go()
    own = {case.state: case.id for case in await run.cases()}
    questions = {task.id: task.question for task in run.tasks}
    results = await run.results()
    assert [len(one.cases) for one in results] == [0, 1, 2, 3] + [3] * 8
    assert all(own[questions[one.task_id]] not in [case.id for case in one.cases] for one in results)


async def test_a_wrong_answer_is_followed_by_what_is_right_when_corrections_are_given(tmp_path: Path) -> None:
    def wrong(messages: list[BaseMessage]) -> str:
        return answer("no idea")

    told, untold = (Run(tmp_path / name, made_tasks(2), wrong, feedback=name) for name in ("correction", "reward"))
    for run in (told, untold):
        await run.go()
    # Both were answered directly: what is right takes the place of what was wrong.
    assert sorted((case.answer, case.reward) for case in await told.cases()) == [("answer 0", 1.0), ("answer 1", 1.0)]
    assert [case.reward for case in await untold.cases()] == [0.0, 0.0]


async def test_arms_have_memories_of_their_own(tmp_path: Path) -> None:
    run = Run(tmp_path, made_tasks(6, sources=["chess"]), arms=["similarity:k=9", "random:k=9", "none"], seeds=[0, 1])
    await run.go(concurrency=3)
    results = await run.results()
    served = {(one.arm, one.seed): set[str]() for one in results}
    for one in results:
        served[one.arm, one.seed] |= {case.id for case in one.cases}
    assert [len(served[arm, 0]) for arm in ("similarity:k=9", "none")] == [5, 0]
    assert sum(map(len, served.values())) == len(set.union(*served.values()))
    orders = {key: [one.task_id for one in results if (one.arm, one.seed) == key] for key in served}
    assert orders["none", 0] == orders["random:k=9", 0] != orders["none", 1]


async def test_no_task_begins_when_the_budget_is_spent(tmp_path: Path) -> None:
    run = Run(tmp_path, made_tasks(4))
    end = await run.go(budget_usd=0.0)
    assert (end.is_complete, end.is_over_budget, run.model.calls) == (False, True, [])


async def test_a_task_that_the_provider_refuses_costs_no_other_task(tmp_path: Path) -> None:
    def choosy(messages: list[BaseMessage]) -> str | Exception:
        return ModelRejected("against our rules", 400) if item_of(messages) == 2 else right(messages)

    run = Run(tmp_path, made_tasks(5), choosy)
    assert (await run.go()).is_complete
    results = {one.task_id: one for one in await run.results()}
    assert (results["t2"].reward, results["t2"].error) == (None, "against our rules")
    assert [one.reward for name, one in results.items() if name != "t2"] == [1.0] * 4
    assert len(await run.cases()) == 4


FAILURES = [
    KeyError("a bug"),
    NoCompletion("no choices"),
    ContentFiltered("no", 403),
    ModelTimedOut("the planner did not answer"),
    TaskTooLong(),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_a_task_whose_run_fails_is_named_and_costs_no_other_task(failure: Exception, tmp_path: Path) -> None:
    def failing(messages: list[BaseMessage]) -> str | Exception:
        return failure if item_of(messages) in (1, 3) else right(messages)

    run = Run(tmp_path, made_tasks(6), failing)
    assert (await run.go(concurrency=1)).is_complete
    results = {one.task_id: one for one in await run.results()}
    assert [results[name].reward for name in ("t1", "t3")] == [None, None]
    assert str(failure).strip("'") in (results["t1"].error or "")
    assert sum(one.reward == 1.0 for one in results.values()) == 4
    assert len(await run.cases()) == 4, "nothing is learned of what is unknown"


async def test_settings_of_the_subject_are_refused_before_the_start_when_they_do_not_fit(tmp_path: Path) -> None:
    run = Run(tmp_path, made_tasks(2))
    run.subject = replace(run.subject, settings={"max_cycles": 99})
    with pytest.raises(InvalidInput, match="max_cycles should be less than or equal to 10"):
        await run.go()


async def test_a_bug_of_the_subject_stops_the_run_when_every_task_meets_it(tmp_path: Path) -> None:
    run = Run(tmp_path, made_tasks(9), lambda messages: KeyError("a bug"))
    with pytest.raises(ModelFailed, match="a bug"):
        await run.go(concurrency=1)
    assert len(await run.results()) == 4


async def test_a_run_stops_when_a_tool_is_away_task_after_task_and_goes_on_when_it_is_there(tmp_path: Path) -> None:
    is_down = [True]

    async def look_up(word: str) -> str:
        """Look a word up."""
        if is_down:
            raise ToolUnavailable("the service is down")
        return word

    def planned(messages: list[BaseMessage]) -> str:
        return right(messages) if "looked up" in messages[-1].text else plan("look it up")

    def scripted_run() -> Run:
        run, call = Run(tmp_path, made_tasks(9), planned), calling("look_up", word="w")
        executor = ScriptedChatModel(lambda messages: call if len(messages) < 3 else "looked up")
        run.subject = replace(
            run.subject,
            make_deps=lambda memory: Deps(memory=memory, planner=run.model, executor=executor, tools=[look_up]),
        )
        return run

    run = scripted_run()
    with pytest.raises(RepeatedOutage, match="look_up did not answer, and 5 tasks in a row"):
        await run.go(concurrency=1)
    assert [(one.reward, one.error_class) for one in await run.results()] == [(None, "tool")] * 4
    assert await run.cases() == []
    is_down.clear()
    assert (await scripted_run().go(concurrency=1)).is_complete
    assert [one.reward for one in await run.results()] == [None] * 4 + [1.0] * 5


@pytest.mark.parametrize(("status", "n_kept"), [(400, 4), (401, 0), (None, 0)])
async def test_a_run_stops_when_the_provider_refuses_everything(
    status: int | None, n_kept: int, tmp_path: Path
) -> None:
    run = Run(tmp_path, made_tasks(9), lambda messages: ModelRejected("no such parameter", status))
    with pytest.raises(ModelRejected, match="no such parameter"):
        await run.go(concurrency=1)
    assert len(await run.results()) == n_kept


def with_files(folder: Path) -> EvalTask:
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "table.csv").write_text(name)
    files = [folder / "a" / "table.csv", folder / "b" / "table.csv"]
    return made_tasks(1)[0].model_copy(update={"attachments": files})


async def test_files_are_copied_where_the_run_accepts_them_when_a_task_has_some(tmp_path: Path) -> None:
    task = await asyncio.to_thread(with_files, tmp_path)
    run = Run(tmp_path / "out", [task, made_tasks(2)[1]])
    await run.go()
    (call,) = [call for call in run.model.calls if "table.csv" in call.text]
    assert "table-2.csv" in call.text
    assert [one.reward for one in await run.results()] == [1.0, 1.0]
    runs = tmp_path / "out/streams/similarity-0/workspace/runs"
    files = await asyncio.to_thread(lambda: {file.name: file.read_text() for file in runs.glob("*/*")})
    assert files == {"table.csv": "a", "table-2.csv": "b"}


async def test_a_folder_that_a_killed_run_has_left_is_neither_used_nor_cleaned(tmp_path: Path) -> None:
    task = await asyncio.to_thread(with_files, tmp_path)
    left = tmp_path / "workspace/runs/similarity-0-0"
    await asyncio.to_thread(left.mkdir, parents=True)
    await asyncio.to_thread((left / "half.txt").write_text, "half")
    run = Run(tmp_path / "out", [task], workspace=tmp_path / "workspace")
    await run.go()
    assert "half.txt" not in run.model.calls[0].text
    there = await asyncio.to_thread(lambda: sorted(str(p.relative_to(left.parent)) for p in left.parent.rglob("*.*")))
    assert there == ["similarity-0-0-2/table-2.csv", "similarity-0-0-2/table.csv", "similarity-0-0/half.txt"]


async def test_a_missing_file_is_told_and_costs_no_other_task(tmp_path: Path) -> None:
    gone = made_tasks(1)[0].model_copy(update={"attachments": [tmp_path / "gone.pdf"]})
    run = Run(tmp_path / "out", [gone, made_tasks(2)[1]])
    assert (await run.go()).is_complete
    results = {one.task_id: one for one in await run.results()}
    assert results["t0"].reward is None
    assert "gone.pdf" in (results["t0"].error or "")
    assert results["t1"].reward == 1.0
