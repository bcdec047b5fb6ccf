"""Arms as they are written, and the plan of a run: orders, rounds, held-out sources, what resuming must agree on."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.task import EvalTask, fingerprint
from memento.memory.errors import InvalidInput
from tests.eval_runs import made_tasks


def a_plan(tasks: list[EvalTask], /, **more: Any) -> RunPlan:
    given = {
        "dataset": "made",
        "tasks": fingerprint(tasks),
        "n_tasks": len(tasks),
        "subject": "scripted",
        "scorer": "exact",
        "arms": [parse_arm("none"), parse_arm("similarity:k=2")],
        "seeds": [0, 1],
    }
    return RunPlan.model_validate(given | more)


@pytest.mark.parametrize(
    ("text", "policy", "settings"),
    [
        ("none", "none", {}),
        (" similarity:k=8 ", "similarity", {"k": 8}),
        ("advantage:k=2,reread=true,max_cycles=1", "advantage", {"k": 2, "reread": True, "max_cycles": 1}),
        ("parametric: k = 3 , planner=openai:gpt-4.1", "parametric", {"k": 3, "planner": "openai:gpt-4.1"}),
        ("random:", "random", {}),
        ("failures_hidden:k=2", "advantage", {"failures": "hidden", "k": 2}),
    ],
)
def test_policy_and_settings_are_read_when_an_arm_is_written(text: str, policy: str, settings: dict[str, Any]) -> None:
    arm = parse_arm(text)
    assert (arm.name, arm.policy, arm.settings) == (text.strip(), policy, settings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "unknown policy"),
        ("magic", "unknown policy 'magic'"),
        ("none:k", "arm 'none:k': k: it has no value; write k=VALUE"),
        ("none:k=many", "arm 'none:k=many': k:"),
        ("none:k=99", "less than or equal to 32"),
        ("none:luck=1", "luck: Extra inputs"),
        ("contxt:8000", "or a control (context:N, fresh_lesson,"),
        ("failures", "begins with a setting; write a policy first, such as advantage:failures"),
        ("context", "say how many tokens of earlier attempts the prompt may hold: context:8000"),
        ("context:k=8", "say how many tokens"),
        ("context:50", "context: Input should be greater than or equal to 200"),
        ("context:8000,max_case_tokens=900", "leave max_case_tokens out"),
        ("similarity:context=8000", "write context:8000"),
        ("none:context=8000", "write context:8000"),
        ("none:outcomes=shuffled", "none has no memory"),
        ("none:blanked=0.1", "none serves no case"),
        ("similarity:outcomes=mixed", "outcomes: Input should be 'true' or 'shuffled'"),
        ("similarity:k=1,k=2", "k is given twice"),
        ("fresh_lesson:lesson=none", "lesson is given twice"),
        ("similarity:policy=random", "the policy of an arm is its first word; write random:... instead"),
    ],
)
def test_the_arm_is_named_when_it_makes_no_sense(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_arm(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "policy", "controls"),
    [
        ("advantage", "advantage", {}),
        ("context:8000", "none", {"context": 8000}),
        ("context: 8000 ,outcomes=shuffled", "none", {"context": 8000, "outcomes": "shuffled"}),
        ("fresh_lesson", "none", {"lesson": "fresh"}),
        ("shuffled_outcomes", "advantage", {"outcomes": "shuffled"}),
        ("kernel:outcomes=shuffled,blanked=0.1,lesson=fresh", "kernel", {"outcomes": "shuffled", "blanked": 0.1}),
    ],
)
def test_controls_are_read_when_an_arm_has_some(text: str, policy: str, controls: dict[str, Any]) -> None:
    arm = parse_arm(text)
    assert arm.policy == policy
    assert arm.controls.model_dump(exclude_defaults=True, exclude={"lesson"} - {*controls}) == controls


def test_a_share_of_the_questions_is_held_out_the_same_for_every_seed() -> None:
    tasks = made_tasks(20)
    plan = a_plan(tasks, held_out_share=0.25, iterations=2)
    held_out = [{visit.task.id for visit in plan.visits(tasks, seed) if visit.phase == "test"} for seed in (0, 1)]
    assert held_out[0] == held_out[1] == {v.task.id for v in plan.visits(tasks[::-1], 2) if v.phase == "test"}
    assert len(held_out[0]) == 5
    both = a_plan(tasks, held_out=["chess"], held_out_share=0.5)
    tests = [visit.task for visit in both.visits(tasks, 0) if visit.phase == "test"]
    assert len(tests) == 6 + 7
    assert {task.source for task in tests} == {"chess", "rivers", "operas"}
    assert sum(visit.phase == "learn" for visit in a_plan(tasks[:2], held_out_share=0.9).visits(tasks[:2], 0)) == 1


def test_a_question_cannot_meet_its_own_answer_through_shuffled_corrections() -> None:
    shuffled = {"arms": [parse_arm("shuffled_outcomes")], "feedback": "correction"}
    with pytest.raises(ValueError, match="a question could be shown its own answer; run one iteration"):
        a_plan(made_tasks(4), iterations=2, **shuffled)
    assert a_plan(made_tasks(4), **shuffled).iterations == 1


def test_a_folder_can_be_made_of_every_arm() -> None:
    names = ["similarity:k=8", "advantage:planner=openai:a/b", "none"]
    assert [parse_arm(name).folder for name in names] == [
        "similarity-k-8",
        "advantage-planner-openai-a-b",
        "none",
    ]


def test_arms_advance_together_when_streams_are_listed() -> None:
    plan = a_plan(made_tasks(4))
    assert [stream.name for stream in plan.streams()] == ["none-0", "similarity-k-2-0", "none-1", "similarity-k-2-1"]


def test_the_order_follows_from_the_seed_alone() -> None:
    tasks = made_tasks(30)
    first, again = a_plan(tasks), a_plan(tasks, arms=[parse_arm("random")], scorer="f1", feedback="correction")
    orders = {seed: [visit.task.id for visit in first.visits(tasks, seed)] for seed in range(3)}
    assert orders[1] == [visit.task.id for visit in again.visits(tasks, 1)]
    assert len({tuple(order) for order in orders.values()}) == 3
    assert all(sorted(order) == sorted(task.id for task in tasks) for order in orders.values())


def test_every_iteration_has_an_order_of_its_own_and_every_task_once() -> None:
    tasks = made_tasks(20)
    visits = list(a_plan(tasks, iterations=3).visits(tasks, 0))
    assert [visit.position for visit in visits] == list(range(60))
    orders = {i: [visit.task.id for visit in visits if visit.iteration == i] for i in (1, 2, 3)}
    assert [visit.iteration for visit in visits] == [1] * 20 + [2] * 20 + [3] * 20
    assert len({tuple(order) for order in orders.values()}) == 3
    assert all(Counter(order) == Counter(task.id for task in tasks) for order in orders.values())


def test_held_out_sources_come_last_and_once_when_there_are_iterations() -> None:
    tasks = made_tasks(9)
    visits = list(a_plan(tasks, iterations=2, held_out=["chess"]).visits(tasks, 0))
    assert [visit.phase for visit in visits] == ["learn"] * 12 + ["test"] * 3
    assert {visit.task.source for visit in visits if visit.phase == "learn"} == {"rivers", "operas"}
    assert [visit.task.source for visit in visits[12:]] == ["chess"] * 3


def test_no_round_holds_two_iterations_or_phases() -> None:
    tasks = made_tasks(9)  # 6 to learn from, 3 held out
    visits = list(a_plan(tasks, iterations=2, held_out=["chess"], round=4).visits(tasks, 0))
    assert [visit.round for visit in visits] == [0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 4]
    kinds = {visit.round: (visit.phase, visit.iteration) for visit in visits}
    assert all((visit.phase, visit.iteration) == kinds[visit.round] for visit in visits)


def test_a_task_is_a_round_when_nothing_else_is_said() -> None:
    tasks = made_tasks(5)
    assert [visit.round for visit in a_plan(tasks).visits(tasks, 0)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seeds": [0]}, "seeds"),
        ({"arms": [parse_arm("none")]}, "arms"),
        ({"tasks": "other"}, "tasks"),
        ({"subject": "another", "round": 2}, "subject, round"),
        ({"settings": {"max_cycles": 1}}, "settings"),
    ],
)
def test_what_differs_is_named_when_the_folder_holds_another_run(
    change: dict[str, Any], named: str, tmp_path: Path
) -> None:
    tasks = made_tasks(4)
    a_plan(tasks).save(tmp_path)
    a_plan(tasks).save(tmp_path)
    with pytest.raises(InvalidInput, match=f"contains a run with other {named}; give the same options"):
        a_plan(tasks, **change).save(tmp_path)
    assert RunPlan.load(tmp_path) == a_plan(tasks)


@pytest.mark.parametrize("text", [None, "", "{}", '{"dataset": "x"', "\x00"])
def test_a_folder_without_a_readable_plan_holds_no_run(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "plan.json").write_text(text)
    with pytest.raises(InvalidInput, match="contains no evaluation run"):
        RunPlan.load(tmp_path)


def test_tasks_are_the_same_ones_when_their_files_have_moved() -> None:
    def tasks(folder: str, *names: str) -> str:
        return fingerprint([EvalTask(id="1", question="What is drawn?", attachments=[Path(folder, n) for n in names])])

    assert tasks("/one", "a.png") == tasks("/another", "a.png") != tasks("/one", "b.png")
