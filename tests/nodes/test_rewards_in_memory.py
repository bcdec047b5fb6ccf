"""What the memory makes of every kind of reward, and of a person's word that comes later."""

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from memento.memory.case_memory import CaseMemory
from memento.nodes.scoring import Grade
from memento.nodes.scoring.judges import AGREED
from memento.nodes.scoring.rubric import RUBRIC_CONFIDENCE, SELF_CONFIDENCE
from tests.graph.test_review import stopped
from tests.graph.test_workflow import graph_of, on
from tests.node_parts import a_memory, answer, plan, scripted, verdict
from tests.nodes.test_judges import named, same
from tests.nodes.test_rubric import criteria


async def run(memory: CaseMemory, evaluator: str, **parts: Any) -> dict[str, Any]:
    parts = {"planner": scripted(plan("multiply"), answer("42"))} | parts
    if "judge" in parts:
        parts["judge"] = named(*parts["judge"])
    given: Any = {"task": "six times seven?", "reference": "forty-two"}
    context: Any = {"evaluator": evaluator}
    return dict(await graph_of(memory, **parts).ainvoke(given, context=context))


async def kept(memory: CaseMemory, event_id: str, case_id: str | None) -> tuple[Any, ...]:
    """Reward and confidence of the event's outcome, then of its case with its status; None where there is none."""
    outcome = await memory.views.outcome(event_id, namespace="default")
    assert outcome is not None
    case = (await memory.views.cases([case_id], namespace="default"))[case_id] if case_id else None
    whole = (case.reward, case.confidence, case.status) if case else None
    return outcome.reward, outcome.confidence, whole


def scorer(_task: str, _answer: str, _references: Any) -> Grade:
    return Grade(0.75, "tests", 0.4, "3 of 4 tests pass")


@pytest.mark.parametrize(
    ("evaluator", "parts", "expected"),
    [
        ("f1", {}, (0.0, 1.0, (0.0, 1.0, "active"))),
        ("judges", {"judge": ["j", verdict("yes"), same("yes")]}, (1.0, 0.9, (1.0, 0.9, "active"))),
        ("judges", {"judge": ["j", verdict("yes"), same("no")]}, (None, 0.0, None)),
        ("rubric", {"judge": ["j", criteria()]}, (1.0, RUBRIC_CONFIDENCE, (1.0, RUBRIC_CONFIDENCE, "active"))),
        ("rubric", {"judge": ["scripted", criteria()]}, (1.0, SELF_CONFIDENCE, (1.0, SELF_CONFIDENCE, "quarantined"))),
        ("rubric", {"judge": ["j", criteria(supported="unsure")]}, (None, 0.0, None)),
        ("custom", {"scorer": scorer}, (0.75, 0.4, (0.75, 0.4, "quarantined"))),
        ("custom", {"scorer": lambda *_: 2.0}, (None, 0.0, None)),
        ("custom", {}, (None, 0.0, None)),
    ],
)
async def test_reward_and_confidence_are_kept_and_a_person_knows_better(
    evaluator: str, parts: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    async with a_memory() as memory:
        result = await run(memory, evaluator, **parts)
        event_id = result["event_id"]
        assert await kept(memory, event_id, result["case_id"]) == expected
        case_id = await memory.feedback(event_id, 1.0, lesson="a person looked")
        assert await kept(memory, event_id, case_id) == (1.0, 1.0, (1.0, 1.0, "active"))
        outcome = await memory.views.outcome(event_id, namespace="default")
    assert outcome is not None
    assert outcome.evaluator == "human"
    assert AGREED < 1, "nobody is believed more than a person"


async def test_case_in_quarantine_is_shown_to_nobody_until_a_person_has_looked() -> None:
    async with a_memory() as memory:
        result = await run(memory, "rubric", judge=["scripted", criteria()])
        assert (await memory.read("six times seven?")).cases == []
        await memory.feedback(result["event_id"], 1.0)
        shown = [served.case for served in (await memory.read("six times nine?")).cases]
    assert [case and case.id for case in shown] == [result["case_id"]]


async def test_what_a_scorer_says_becomes_the_lesson() -> None:
    async with a_memory(min_confidence=0.25) as memory:
        result = await run(memory, "custom", scorer=scorer)
        case = (await memory.views.cases([result["case_id"]], namespace="default"))[result["case_id"]]
    assert (case.lesson, case.status, case.provenance.evaluator) == ("3 of 4 tests pass", "active", "custom")


async def test_person_is_asked_by_interrupt_while_a_scorer_is_there() -> None:
    async with a_memory() as memory:
        graph = graph_of(memory, checkpointer=InMemorySaver(), scorer=scorer)
        assert (await stopped(graph, {"evaluator": "human"})).value["kind"] == "reward"
        result = await graph.ainvoke(Command(resume={"reward": 0.25, "reason": "partly"}), on("t"))
        assert await kept(memory, result["event_id"], result["case_id"]) == (0.25, 1.0, (0.25, 1.0, "active"))
