"""The leakage guard, on made results and on a real run with a real bank."""

import asyncio
from pathlib import Path

import pytest

from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import EvalRunner, load_results
from memento.evals.statistics.banks import bank_cases
from memento.evals.statistics.leakage import check_leakage
from memento.evals.statistics.usefulness import case_uses
from memento.evals.subject import Subject
from memento.evals.task import EvalTask, fingerprint
from memento.graph.deps import Deps
from memento.memory.case import Case, case_id
from tests.eval_results import plan_of, result, served
from tests.hashing_encoder import HashingEncoder
from tests.scripted import ScriptedChatModel


def _case(state: str) -> Case:
    return Case(id=case_id("a-0", state, "do"), namespace="a-0", state=state, action="do", reward=1.0)


OWN, OTHER = _case("What is X?"), _case("What is Y?")
CASES = {case.id: case for case in (OWN, OTHER)}
TASK = EvalTask(id="x", question="what is  x")


def _met(case: Case, **fields: object) -> TaskResult:
    held = {"arguments": {"state": "What is X?"}}
    return result("a", "x", 1.0, **{"held": held, "cases": [served(case.id)], **fields})


def test_another_questions_case_is_no_leak() -> None:
    found = check_leakage([_met(OTHER)], CASES)
    assert (found.n_leaks, found.n_unjudged) == (0, 0)
    assert str(found) == "leaks: 0 of 1 cases served"


def test_own_case_at_the_first_encounter_is_a_leak() -> None:
    found = check_leakage([_met(OWN), _met(OTHER)], CASES)
    assert (found.n_served, found.n_leaks, found.n_unjudged) == (2, 1, 0)
    assert found.examples == [("a", 0, "x", OWN.id)]


def test_own_case_in_a_retry_is_none_but_counted() -> None:
    found = check_leakage([_met(OWN, iteration=2)], CASES)
    assert (found.n_served, found.n_leaks, found.n_own_in_retries) == (0, 0, 1)


def test_tests_are_judged_with_their_tasks_only() -> None:
    test = _met(OWN, phase="test", held=None)
    assert str(check_leakage([test], CASES)) == "leaks: 0 of 1 cases served, 1 of which could not be judged"
    assert check_leakage([test], CASES, tasks=[TASK]).n_leaks == 1


def test_a_case_that_is_not_in_the_bank_is_not_called_sound() -> None:
    found = check_leakage([_met(OWN)], {})
    assert (found.n_leaks, found.n_unjudged) == (0, 1)


@pytest.fixture(params=["texts", "keys"])
def tasks(request: pytest.FixtureRequest) -> list[EvalTask]:
    """Questions that share most of their words, or all of them."""
    has_keys = request.param == "keys"
    return [
        EvalTask(
            id=f"q{n}",
            question="What is the item of the list?" if has_keys else f"What is item {n} of the list?",
            references=["seven"],
            source=f"s{n % 2}",
            key=f"list/{n}" if has_keys else "",
        )
        for n in range(8)
    ]


async def test_a_real_run_serves_nobody_his_own_case(tmp_path: Path, tasks: list[EvalTask]) -> None:
    model = ScriptedChatModel(lambda messages: '{"subtasks": [], "answer": "seven"}')
    plan = plan_of(
        ["none", "similarity"],
        n_tasks=len(tasks),
        tasks=fingerprint(tasks),
        held_out=["s1"],
        iterations=2,
        settings={"evaluator": "exact", "max_cycles": 1},
    )
    subject = Subject(
        name="scripted", make_deps=lambda memory: Deps(memory=memory, planner=model, executor=model, judge=model)
    )
    await EvalRunner(plan, tasks=tasks, subject=subject, folder=tmp_path, encoder=HashingEncoder()).run()
    results = await asyncio.to_thread(lambda: list(load_results(tmp_path, plan)))
    cases = await bank_cases(tmp_path, plan)
    learned = {(task.question, task.key) for task in tasks if task.source == "s0"}
    assert {(case.state, case.key) for case in cases.values()} == learned
    assert len(learned) == 4
    found = check_leakage(results, cases, tasks=tasks)
    assert found.n_served > 8
    assert (found.n_leaks, found.n_unjudged) == (0, 0)
    assert check_leakage(results, cases).n_unjudged > 0  # without the tasks, tests cannot be judged
    assert [use.difference.value for use in case_uses(results, "none", cases=cases, min_questions=2)][:1] == [0.0]
