"""Several processes at one run: what they find, what stops them, and that none is left behind."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from memento.evals.import_by_name import import_by_name
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.journal import Journal
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import EvalRunner, load_results
from memento.evals.runs.worker_job import WorkerFailed, heard, told
from memento.evals.runs.workers import WorkerRunner
from memento.evals.task import EvalTask, fingerprint
from memento.memory.errors import InvalidInput, LedgerUnavailable, MementoError, UnknownEvent
from memento.nodes.errors import ModelRejected, ModelUnavailable

SUBJECT = '''
"""A subject that workers import: a model that answers by what it is shown, words hashed, no weights loaded."""
import asyncio, hashlib, zlib
import numpy as np
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from memento.evals.subject import Subject
from memento.graph.deps import Deps
from memento.memory.case_memory import CaseMemory

class Words:
    name, dim = "words", 64
    async def encode(self, texts):
        rows = np.full((len(texts), self.dim), 0.01, np.float32)
        for row, text in zip(rows, texts):
            for word in text.split():
                row[zlib.crc32(word.encode()) % self.dim] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

class Model(BaseChatModel):
    price: float = 0.0
    @property
    def _llm_type(self):
        return "by what it is shown"
    def with_structured_output(self, *args, **kwargs):
        raise NotImplementedError
    def _generate(self, *args, **kwargs):
        raise NotImplementedError
    async def _agenerate(self, messages, *args, **kwargs):
        await asyncio.sleep(0.01)
        told = messages[-1].text
        answer = ("one", "two")[hashlib.sha256(told.encode()).digest()[0] % 2]
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        message = AIMessage('{"subtasks": [], "answer": "%s"}' % answer, usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])

def make(price=0.0):
    model = Model(price=price)
    def make_deps(memory):
        cost = None if price <= 0 else (lambda name, usage: price)
        return Deps(memory=memory, planner=model, executor=model, judge=model, price=cost)
    def open_memory(folder, *, policy, namespace, seed, encoder):
        return CaseMemory.open(folder / "bank", policy=policy, namespace=namespace, seed=seed, encoder=Words())
    return Subject(name="made", make_deps=make_deps, open_memory=open_memory)

def free():
    return make()

def dear():
    return make(0.01)

def broken():
    raise ZeroDivisionError("of all things")
'''
TASKS = [EvalTask(id=f"t{n}", question=f"What is item {n} of the list?", references=["one"]) for n in range(24)]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that this process and its workers can import, under a name of this test's own."""
    name = f"made_subject_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(SUBJECT)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def a_plan(*arms: str, **more: Any) -> RunPlan:
    given: dict[str, Any] = {
        "dataset": "made",
        "tasks": fingerprint(TASKS),
        "n_tasks": len(TASKS),
        "subject": "made",
        "scorer": "exact",
        "arms": [parse_arm(arm) for arm in arms or ("none", "similarity")],
        "seeds": [0],
        "round": 3,
        "feedback": "correction",
        "settings": {"evaluator": "exact", "max_cycles": 1},
    }
    return RunPlan.model_validate(given | more)


def workers(plan: RunPlan, folder: Path, subject: str, **options: Any) -> WorkerRunner:
    return WorkerRunner(plan, tasks=TASKS, subject=subject, folder=folder, **({"processes": 2} | options))


def found(folder: Path, plan: RunPlan) -> list[tuple[object, ...]]:
    return [
        (one.arm, one.seed, one.position, one.task_id, one.answer, one.reward, [(c.id, c.reward) for c in one.cases])
        for one in load_results(folder, plan)
    ]


def my_workers() -> list[int]:
    """Processes of ours that run and were started with our worker's name."""
    mine = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    running = []
    for one in (int(word) for file in mine for word in file.read_text().split()):
        with contextlib.suppress(OSError):
            if b"memento.evals.runs.worker" in Path(f"/proc/{one}/cmdline").read_bytes():
                running.append(one)
    return running


def test_no_more_processes_are_used_than_there_are_streams(tmp_path: Path) -> None:
    plan = a_plan(seeds=[0, 1])
    many = workers(plan, tmp_path, "a:b", processes=9)
    assert (many.n_processes, many.n_tasks) == (4, 4 * len(TASKS))
    assert many.notices[0].startswith("4 of 9 processes are used")
    few = workers(plan, tmp_path, "a:b", processes=3)
    assert (few.n_processes, few.notices) == (3, [])


@pytest.mark.parametrize(
    ("error", "family"),
    [
        (ModelUnavailable("gone"), ModelUnavailable),
        (ModelRejected("refused"), MementoError),
        (UnknownEvent("e", "n"), InvalidInput),
        (LedgerUnavailable("full"), MementoError),
        (KeyError("k"), WorkerFailed),
    ],
)
def test_a_workers_error_keeps_its_family_and_its_sentence(error: Exception, family: type[Exception]) -> None:
    back = heard(told(error))
    assert isinstance(back, family)
    assert str(error) in str(back)


def test_a_stream_is_worked_on_by_one_process_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (Journal(tmp_path / "journal.jsonl") for _ in range(2))
    monkeypatch.setattr("memento.evals.runs.journal._PATIENCE_S", 0.0)
    impatient = Journal(tmp_path / "journal.jsonl")
    first.open()
    with pytest.raises(InvalidInput, match="another process is working on"):
        impatient.open()
    first.close()
    second.open()
    second.close()


@pytest.mark.slow
async def test_two_processes_find_what_one_finds(tmp_path: Path, module: str) -> None:
    plan = a_plan("none", "context:400", "similarity")
    subject = await asyncio.to_thread(lambda: import_by_name(f"{module}:free", wanted="a subject")())
    alone = EvalRunner(plan, tasks=TASKS, subject=subject, folder=tmp_path / "one")
    assert (await alone.run()).is_complete
    told: list[TaskResult] = []
    end = await workers(plan, tmp_path / "two", f"{module}:free").run(told.append)
    assert end.is_complete
    assert len(told) == 3 * len(TASKS)
    one, two = [await asyncio.to_thread(found, tmp_path / name, plan) for name in ("one", "two")]
    assert one == two
    assert any(cases for *_, cases in one)
    assert await asyncio.to_thread(my_workers) == []
    again: list[TaskResult] = []
    assert (await workers(plan, tmp_path / "two", f"{module}:free").run(again.append)).is_complete
    assert len(again) == len(told)


@pytest.mark.slow
async def test_one_budget_stops_all_and_a_larger_one_goes_on(tmp_path: Path, module: str) -> None:
    plan, subject = a_plan(), f"{module}:dear"
    end = await workers(plan, tmp_path / "run", subject, budget_usd=0.1, concurrency=2).run()
    assert (end.is_complete, end.is_over_budget) == (False, True)
    assert 0.1 <= end.spent_usd < 0.3
    end = await workers(plan, tmp_path / "run", subject, budget_usd=10.0).run()
    assert (end.is_complete, round(end.spent_usd, 6)) == (True, 0.48)


@pytest.mark.slow
async def test_an_error_in_one_stops_the_others_and_is_told(tmp_path: Path, module: str) -> None:
    plan = a_plan("none", "similarity")
    with pytest.raises(WorkerFailed, match="ZeroDivisionError: of all things"):
        await workers(plan, tmp_path / "broken", f"{module}:broken").run()
    with pytest.raises(InvalidInput, match="no module"):
        await workers(plan, tmp_path / "absent", "not_a_module_at_all:subject").run()
    assert await asyncio.to_thread(my_workers) == []


@pytest.mark.slow
@pytest.mark.parametrize("who", ["worker", "run"])
async def test_nothing_is_left_when_a_worker_is_killed_or_the_run_is_cancelled(
    who: str, tmp_path: Path, module: str
) -> None:
    plan, results, has_results = a_plan(), list[TaskResult](), asyncio.Event()

    def listen(result: TaskResult) -> None:
        results.append(result)
        if len(results) > 5:
            has_results.set()

    running = asyncio.create_task(workers(plan, tmp_path / "run", f"{module}:free", concurrency=2).run(listen))
    await asyncio.wait([running, asyncio.create_task(has_results.wait())], return_when=asyncio.FIRST_COMPLETED)
    if who == "worker":
        os.kill((await asyncio.to_thread(my_workers))[0], signal.SIGKILL)
        with pytest.raises(MementoError, match="ended before its work did"):
            await running
    else:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert await asyncio.to_thread(my_workers) == []
    kept = await asyncio.to_thread(found, tmp_path / "run", plan)
    assert 5 < len(kept) < 2 * len(TASKS)
    assert (await workers(plan, tmp_path / "run", f"{module}:free").run()).is_complete
    whole = await asyncio.to_thread(found, tmp_path / "run", plan)
    assert len(whole) == 2 * len(TASKS)
    assert all(one in whole for one in kept)
