"""Subtask cases in evaluations: deferred with their run, credited as it is told, and read back; the made tasks."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from benchmarks.recurring_subtasks.__main__ import figures
from benchmarks.recurring_subtasks.reader import ProcedureReader, subject_of
from benchmarks.recurring_subtasks.tasks import OPERATIONS, PROCEDURES, make_family, two_subtasks
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.held_memory import HeldMemory
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import HeldWrite
from memento.evals.runs.runner import EvalRunner, load_results
from memento.evals.task import fingerprint
from memento.graph.workflow import build_graph
from memento.memory.case_memory import CaseMemory
from memento.memory.experience import Experience
from memento.nodes.prompts import executor_messages
from tests.hashing_encoder import HashingEncoder
from tests.node_parts import a_memory, a_run

FAMILY = make_family(60, seed=0)
CONTEXT: Any = {"subtask_k": 4, "cases_for": "executor", "evaluator": "exact"}


async def rewards_of(memory: CaseMemory) -> dict[str, float]:
    return {case.state: case.reward async for case in memory.views.walk(namespace=memory.namespace, kind="subtask")}


def test_tasks_have_two_operations_and_the_same_pair_comes_back_late() -> None:
    assert len({task.question for task in FAMILY.tasks}) == 60
    assert len({task.source for task in FAMILY.tasks}) == 28
    assert set(FAMILY.right) == set(OPERATIONS)
    steps = two_subtasks(a_run(FAMILY.tasks[0].question)).subtasks
    first = FAMILY.tasks[0].source.partition("; ")[0]
    assert steps[0].description.startswith(first.capitalize())
    assert steps[0].description.endswith(".")


@pytest.mark.parametrize("outcome", [1.0, 0.0])
def test_reader_follows_what_worked_for_its_operation_alone(outcome: float) -> None:
    subtask: Any = {"id": "1", "description": f"{OPERATIONS[0].capitalize()} for Ada.", "depends_on": []}

    def case(operation: str, procedure: str, number: int) -> Any:
        action = f"- follow_procedure(operation='{operation}', procedure='{procedure}')"
        shown = {"id": str(number), "state": "s", "action": action, "answer": "", "lesson": "", "reward": outcome}
        return shown | {"similarity": 1.0, "score": 1.0, "slot": number, "propensity": 1.0}

    cases = [case(OPERATIONS[0], "ivory", number) for number in range(4)]
    cases += [case(OPERATIONS[1], "amber", number) for number in range(4)]
    chosen = []
    for seed in range(40):
        reader = ProcedureReader(habit=(0.25,) * 4, seed=seed)
        messages = executor_messages(run=a_run(), subtask=subtask, earlier=[], subtask_cases=cases)
        (call,) = reader.invoke([HumanMessage(messages[0].text)]).tool_calls
        chosen.append(call["args"]["procedure"])
    assert (chosen.count("ivory") > 36) == bool(outcome), "four that worked are followed in .97 of the times"
    assert outcome or set(chosen) == set(PROCEDURES)


async def test_a_runs_subtasks_are_deferred_with_it_and_credited_as_it_is_told() -> None:
    task = FAMILY.tasks[0]
    async with a_memory(namespace="arm-0") as memory:
        held = HeldMemory(memory, seed=0)
        graph = build_graph(subject_of(FAMILY).make_deps(held))
        await graph.ainvoke({"task": task.question, "reference": task.references}, context=CONTEXT)
        assert not await rewards_of(memory), "nothing is written before the round ends"
        experience, seconds = held.taken(task.stored_hash)
        assert experience is not None
        assert seconds > 0
        assert held._seconds == {}, "what the subtasks' readings took is their run's"
        kept = HeldWrite.model_validate_json(HeldWrite(arguments=experience.as_arguments()).model_dump_json())
        told = Experience(**kept.arguments | {"reward": 1.0})  # as with shuffled outcomes
        await memory.write_all([told])
        await memory.write_all([told])
        rewards = await rewards_of(memory)
    assert len(rewards) == 2
    assert set(rewards.values()) == {1.0}


@pytest.mark.allow_blocking("a run reads and writes its folder")
async def test_arms_are_compared_and_the_same_run_again_adds_nothing(tmp_path: Path) -> None:
    tasks = FAMILY.tasks[:3]
    plan = RunPlan(
        dataset="d",
        tasks=fingerprint(tasks),
        n_tasks=3,
        subject="recurring-subtasks",
        scorer="exact",
        arms=[parse_arm("similarity"), parse_arm("similarity:subtask_k=4")],
        seeds=[0],
    )
    given: Any = {"tasks": tasks, "subject": subject_of(FAMILY), "folder": tmp_path, "encoder": HashingEncoder()}
    for _ in range(2):
        await EvalRunner(plan, **given).run()
    results = list(load_results(tmp_path, plan))
    assert len(results) == 6
    assert [bool(one.held and one.held.arguments.get("subtasks")) for one in results] == [False] * 3 + [True] * 3
    assert "similarity:subtask_k=4" in figures(results)
