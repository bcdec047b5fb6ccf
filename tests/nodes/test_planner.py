"""The planner: a plan, or an answer; never a reply that does not parse. Reviews by people: test_workflow.py."""

from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from pydantic import ValidationError

from memento.nodes.errors import ModelRejected, ModelUnavailable
from memento.nodes.plan import Plan
from memento.nodes.plan_review import PlanReview
from memento.nodes.planner import make_planner
from memento.nodes.prompts import LAST_CYCLE
from memento.nodes.state import MementoState
from memento.nodes.structured import StructuredCaller
from tests.node_parts import Roles, a_run, answer, begun, names, plan, runtime_of, scripted
from tests.scripted import Reply, ScriptedChatModel

STEP = {"id": "1", "description": "multiply", "depends_on": []}
RESULT = {"cycle": 1, "id": "1", "description": "multiply", "result": "42", "is_complete": True, "tool_calls": []}


async def planned(*replies: Reply, state: MementoState | None = None, **options: Any) -> Any:
    model = scripted(*replies)
    update = await make_planner(Roles(planner=model), StructuredCaller(), **options)(
        state or begun(), runtime=runtime_of()
    )
    return update, model.calls


async def test_plan_is_accepted_when_reply_has_subtasks() -> None:
    events: list[Any] = []
    node = make_planner(Roles(planner=scripted(plan("multiply"))), StructuredCaller())
    update = await node(begun(), runtime=runtime_of(events=events))
    assert (update["plan"], update["plans"], update["cycle"]) == ([STEP], [[STEP]], 1)
    assert update["is_plan_approved"] is False
    assert "answer" not in update
    assert names(events) == ["plan"]
    assert events[0]["cycle"] == 1


async def test_answer_ends_planning_when_reply_has_one() -> None:
    update, _ = await planned(answer(" 42 "))
    assert (update["answer"], update["plan"]) == ("42", [])


async def test_second_plan_follows_when_results_do_not_suffice() -> None:
    state = begun(cycle=1, plan=[STEP], plans=[[STEP]], results=[RESULT])
    update, calls = await planned(plan("check"), state=state)
    assert (update["cycle"], len(update["plans"])) == (2, 2)
    assert "Result: 42" in calls[0].text


async def test_model_is_not_asked_when_subtasks_wait_for_their_turn() -> None:
    state = begun(cycle=1, plan=[STEP, {"id": "2", "description": "check", "depends_on": ["1"]}], results=[RESULT])
    update, calls = await planned(state=state)
    assert (update, calls) == ({}, [])


async def test_only_an_answer_is_asked_for_when_cycles_are_used_up() -> None:
    state = begun(a_run(settings={"max_cycles": 1}), cycle=1, plan=[STEP], plans=[[STEP]], results=[RESULT])
    update, calls = await planned('{"answer": "42"}', state=state)
    assert (update["answer"], update["plan"]) == ("42", [])
    assert LAST_CYCLE in calls[0].text
    assert "subtasks" not in calls[0].messages[-1].text.split(LAST_CYCLE)[1], "the schema has no room for a plan"


async def test_reply_is_asked_for_again_when_it_does_not_parse() -> None:
    update, calls = await planned("I would multiply.", plan("multiply"))
    assert update["plan"] == [STEP]
    assert update["usage"]["model_calls"] == 2
    assert "cannot be used" in calls[1].text


@pytest.mark.parametrize("reply", ["", "42", '{"subtasks": []}', '{"subtasks": [], "answer": "  "}', "[]"])
async def test_run_ends_without_an_answer_when_no_reply_parses(reply: str) -> None:
    update, calls = await planned(reply, reply)
    assert len(calls) == 2
    assert "no valid plan" in update["error"]
    assert (update["error_class"], update["plan"]) == ("format", [])
    assert "answer" not in update, "an unusable reply is never an answer"


async def test_run_ends_without_an_answer_when_the_last_answer_is_blank() -> None:
    state = begun(a_run(settings={"max_cycles": 1}), cycle=1, plan=[STEP], plans=[[STEP]], results=[RESULT])
    update, _ = await planned('{"answer": "  "}', '{"answer": ""}', state=state)
    assert update["error_class"] == "format"


@pytest.mark.parametrize("error", [ConnectionError("refused"), TimeoutError("slow"), ModelUnavailable("down")])
async def test_model_unavailable_when_the_provider_does_not_answer(error: Exception) -> None:
    with pytest.raises(ModelUnavailable):
        await planned(error)


async def test_model_rejected_when_there_is_no_such_model() -> None:
    node = make_planner(Roles(planner=ModelRejected("no key")), StructuredCaller())
    with pytest.raises(ModelRejected):
        await node(begun(), runtime=runtime_of())


async def test_named_model_is_asked_when_the_run_names_one() -> None:
    roles = Roles(planner=scripted(answer("42")))
    state = begun(a_run(settings={"planner": "openai:special"}))
    await make_planner(roles, StructuredCaller())(state, runtime=runtime_of())
    assert roles.asked == [("planner", "openai:special")]


async def test_planner_is_told_what_was_rejected_and_why_when_it_plans_again() -> None:
    state = begun(rejection="1. multiply\nReason: too trusting")
    update, calls = await planned(plan("check"), state=state)
    assert "too trusting" in calls[0].messages[-1].text
    assert update["rejection"] == ""
    assert update["cycle"] == 1


async def test_hosts_prompt_and_schema_are_used_when_given() -> None:
    class OneStep(Plan):
        """One subtask at most."""

        def model_post_init(self, context: Any, /) -> None:
            if len(self.subtasks) > 1:
                raise ValueError("one subtask at most")

    model = ScriptedChatModel([plan("a", "b"), plan("a")])
    node = make_planner(
        Roles(planner=model),
        StructuredCaller(),
        schema=OneStep,
        prompt=lambda **asked: [HumanMessage(asked["run"]["task"])],
    )
    update = await node(begun(), runtime=runtime_of())
    assert [step["description"] for step in update["plan"]] == ["a"]
    assert model.calls[0].messages[0].text.startswith("What is six times seven?")


async def test_plan_is_mended_and_the_user_told_when_a_step_waits_for_itself_or_for_nothing() -> None:
    update, calls = await planned(
        plan(("1", "multiply", ["1"]), ("2", "check", ["1", "9"])), state=begun(notices=["x"])
    )
    assert len(calls) == 1, "not asked again"
    assert [step["depends_on"] for step in update["plan"]] == [[], ["1"]]
    said = "the plan was mended: step '1' waited for itself; step '2' waited for '9', which is missing"
    assert update["notices"] == ["x", said]


async def test_answer_is_made_without_the_model_when_the_host_makes_it() -> None:
    state = begun(cycle=1, plan=[STEP], plans=[[STEP]], results=[RESULT])
    update, calls = await planned(state=state, answer_from_results=lambda results: results[-1]["result"])
    assert (update["answer"], calls) == ("42", [])


@pytest.mark.parametrize(
    ("given", "decision"),
    [("approve", "approve"), ("reject", "reject"), ({"decision": "reject", "reason": "no"}, "reject")],
)
def test_review_is_read_when_given_as_word_or_object(given: Any, decision: str) -> None:
    assert PlanReview[Plan].model_validate(given).decision == decision


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"decison": "reject"},
        " ",
        42,
        {"decision": "edit"},
        {"decision": "edit", "plan": {"subtasks": [], "answer": "42"}},
        {
            "decision": "edit",
            "plan": {"subtasks": [STEP | {"depends_on": ["2"]}, STEP | {"id": "2", "depends_on": ["1"]}]},
        },
    ],
)
def test_review_is_refused_when_it_decides_nothing(given: Any) -> None:
    with pytest.raises(ValidationError):
        PlanReview[Plan].model_validate(given)
