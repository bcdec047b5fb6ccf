"""Held-out sources, from plan to ledger: their questions come last, are served, and teach the bank nothing."""

import asyncio
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from langchain_core.messages import BaseMessage

from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import STREAMS, EvalRunner, load_results
from memento.evals.subject import Subject, embedded_memory
from memento.evals.task import EvalTask, fingerprint
from memento.graph.deps import Deps
from memento.memory.case import Case
from memento.memory.ledger.reads import LedgerCounts
from tests.eval_runs import made_tasks
from tests.hashing_encoder import HashingEncoder
from tests.scripted import ScriptedChatModel

HELD_OUT = "chess"


class Bank(NamedTuple):
    """What a stream has left in its bank."""

    counts: LedgerCounts
    cases: list[Case]


def sometimes_right(messages: list[BaseMessage]) -> str:
    """An answer that follows from what was asked and shown: right for some questions, wrong for others."""
    text = messages[-1].text
    number = next(word for word in text.split("item ")[-1].split() if word.isdecimal())
    is_right = zlib.crc32(text.encode()) % 2
    return f'{{"subtasks": [], "answer": "{"answer" if is_right else "guess"} {number}"}}'


async def ran(folder: Path, tasks: Sequence[EvalTask], *, policy: str, held_out: Sequence[str]) -> list[TaskResult]:
    model = ScriptedChatModel(sometimes_right)
    plan = RunPlan(
        dataset="made",
        tasks=fingerprint(tasks),
        n_tasks=len(tasks),
        subject="scripted",
        scorer="exact",
        arms=[parse_arm(policy)],
        seeds=[0],
        iterations=2,
        round=4,
        feedback="correction",
        held_out=list(held_out),
        settings={"evaluator": "exact"},
    )
    subject = Subject(name="scripted", make_deps=lambda memory: Deps(memory=memory, planner=model))
    end = await EvalRunner(plan, tasks=tasks, subject=subject, folder=folder, encoder=HashingEncoder()).run()
    assert end.is_complete
    return await asyncio.to_thread(lambda: list(load_results(folder, plan)))


async def bank_of(folder: Path, policy: str) -> Bank:
    name = f"{policy}-0"
    memory = embedded_memory(folder / STREAMS / name, policy=policy, namespace=name, seed=0, encoder=HashingEncoder())
    async with memory:
        cases = [case async for case in memory.views.walk(namespace=name)]
        return Bank(await memory.views.counts(namespace=name), cases)


@pytest.mark.parametrize("policy", ["similarity", "advantage"])
async def test_held_out_questions_leave_the_bank_as_it_was_when_they_are_asked(policy: str, tmp_path: Path) -> None:
    tasks = made_tasks(18)
    learnt = [task for task in tasks if task.source != HELD_OUT]
    without = await ran(tmp_path / "without", learnt, policy=policy, held_out=[])
    results = await ran(tmp_path / "with", tasks, policy=policy, held_out=[HELD_OUT])
    tests = [one for one in results if one.phase == "test"]
    assert {one.source for one in tests} == {HELD_OUT}
    assert len(tests) == 6
    assert min(one.position for one in tests) == len(results) - len(tests) == 2 * len(learnt)
    assert {one.reward for one in tests} <= {0.0, 1.0}  # known, so that there would be something to learn
    before, after = await bank_of(tmp_path / "without", policy), await bank_of(tmp_path / "with", policy)
    assert after.cases
    told = [(case.state, case.action, case.reward) for case in after.cases]
    assert told == [(case.state, case.action, case.reward) for case in before.cases]
    assert (after.counts.cases, after.counts.positive) == (before.counts.cases, before.counts.positive)
    assert after.counts.events == before.counts.events + len(tests)
    assert after.counts.unknown == before.counts.unknown + len(tests)
    assert all(one.held is None for one in tests)
    learning = [(one.task_id, one.answer, [case.similarity for case in one.cases]) for one in without]
    assert learning == [
        (one.task_id, one.answer, [case.similarity for case in one.cases]) for one in results if one.phase == "learn"
    ]


@pytest.mark.parametrize("policy", ["random", "advantage"])
async def test_a_held_out_question_sees_the_same_cases_whatever_was_tested_before_it(
    policy: str, tmp_path: Path
) -> None:
    tasks = made_tasks(18)
    *_, last = [task for task in tasks if task.source == HELD_OUT]
    alone = [task for task in tasks if task.source != HELD_OUT or task == last]
    results = await ran(tmp_path / "all", tasks, policy=policy, held_out=[HELD_OUT])
    of_one = await ran(tmp_path / "one", alone, policy=policy, held_out=[HELD_OUT])
    (among_others,) = [one for one in results if one.task_id == last.id]
    (by_itself,) = [one for one in of_one if one.task_id == last.id]
    shown = [(case.similarity, case.score, case.slot, case.propensity) for case in among_others.cases]
    assert shown
    assert shown == [(case.similarity, case.score, case.slot, case.propensity) for case in by_itself.cases]
    assert among_others.answer == by_itself.answer


@pytest.mark.parametrize("held_out", [[], [HELD_OUT]])
async def test_no_question_is_shown_a_case_of_its_own_when_it_comes_again(held_out: list[str], tmp_path: Path) -> None:
    tasks = made_tasks(15)
    questions = {task.id: task.question for task in tasks}
    results = await ran(tmp_path, tasks, policy="similarity", held_out=held_out)
    states = {case.id: case.state for case in (await bank_of(tmp_path, "similarity")).cases}
    shown = [(questions[one.task_id], states[case.id]) for one in results for case in one.cases]
    assert len(shown) > 20
    assert not [question for question, state in shown if question == state]
