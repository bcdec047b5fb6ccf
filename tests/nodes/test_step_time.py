"""Time of planning and evaluation: what is left of the run's, retries included; and what happens when it is up."""

import asyncio
import threading
import time
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.runtime import ExecutionInfo

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.nodes.errors import ModelTimedOut
from memento.nodes.evaluate import make_evaluate
from memento.nodes.executor import make_executor
from memento.nodes.planner import make_planner
from memento.nodes.step_time import StepTime
from memento.nodes.structured import StructuredCaller
from tests.agent_parts import SlowChatModel, slow, source, subtask_of
from tests.node_parts import Roles, a_memory, a_run, always, answer, begun, plan, runtime_of, verdict
from tests.nodes.test_judges import same
from tests.nodes.test_planner import RESULT, STEP

HANGS = 3600.0
SHORT = {"run_max_seconds": 0.2}


class Deaf(SlowChatModel):
    """Hangs, and does not heed being cancelled."""

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        while True:
            try:
                await asyncio.sleep(HANGS)
            except asyncio.CancelledError:
                if self.seconds:
                    raise


async def planned(model: BaseChatModel, **state: Any) -> Any:
    node = make_planner(Roles(planner=model), StructuredCaller())
    return await node(begun(a_run(settings=SHORT), **state), runtime=runtime_of())


def with_result(**changes: Any) -> dict[str, Any]:
    return {
        "cycle": 1,
        "plan": [STEP],
        "plans": [[STEP]],
        "results": [RESULT | {"began_at": 1.0, "ended_at": 1.01}],
    } | changes


def at_attempt(number: int, seconds_ago: float) -> ExecutionInfo:
    return ExecutionInfo("", "", "", node_attempt=number, node_first_attempt_time=time.time() - seconds_ago)


def test_time_is_the_runs_or_the_steps_whichever_ends_first() -> None:
    run = begun(a_run(settings={"run_max_seconds": 100, "max_seconds": 50}), **with_result())
    clock = StepTime(run, None)
    assert 49 < clock.left() <= 50
    assert clock.ended_by() == "max_seconds"
    assert 59 < clock.grace() <= 60
    later = StepTime({**run, "asked_seconds": 80.0}, None)
    assert 19 < later.left() < 20
    assert later.ended_by() == "run_max_seconds"
    assert StepTime({**run, "asked_seconds": 200.0}, None).grace() == 10


def test_time_of_earlier_attempts_counts_when_the_graph_tries_again() -> None:
    run = begun(a_run(settings={"run_max_seconds": 100}))
    assert 59 < StepTime(run, at_attempt(2, 40)).left() < 60.1
    assert StepTime(run, at_attempt(1, 40)).left() > 99, "a first attempt began just now"
    assert StepTime(run, at_attempt(2, -40)).left() > 99, "a clock that was set back is not believed"


@pytest.mark.parametrize("model", [slow([HANGS]), Deaf([])])
async def test_run_ends_with_a_named_error_when_the_planner_hangs_before_there_is_a_result(model: Any) -> None:
    with pytest.raises(ModelTimedOut, match=r"run_max_seconds\); resume the run"):
        await planned(model)
    model.seconds = [0.0]  # what was left behind may end


async def test_best_answer_is_asked_for_when_the_time_is_up_while_planning_again() -> None:
    update = await planned(slow([HANGS], '{"answer": "42"}'), **with_result())
    assert (update["answer"], update["plan"]) == ("42", [])
    assert any("run_max_seconds" in notice for notice in update["notices"])
    assert "error" not in update, "it is an answer like any other, and judged"
    assert update["asked_seconds"] > 0


async def test_newest_result_is_the_answer_and_is_not_judged_when_the_planner_hangs_for_good() -> None:
    update = await planned(slow([HANGS, HANGS]), **with_result())
    assert (update["answer"], update["error_class"]) == ("42", "budget")
    assert "is not judged" in update["error"]
    assert update["notices"] == [update["error"]]
    state = begun(
        a_run(references=["41"], settings=SHORT | {"evaluator": "exact"}), event_id="e", **with_result() | update
    )
    judged = await make_evaluate(Roles(), StructuredCaller())(state, runtime=runtime_of())
    assert judged["reward"] is None, "an outage never becomes a failure"
    assert "error" not in judged, "the reason stays"
    assert judged["messages"][0].text == "42"


async def test_hung_planner_is_asked_once_and_the_run_can_be_resumed_when_there_is_a_graph() -> None:
    hung, well = slow([HANGS] * 5), always(answer("42"))
    roles = Roles(planner=hung)
    async with a_memory() as memory:
        graph = build_graph(Deps(memory=memory, models=roles), checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "t"}}
        with pytest.raises(ModelTimedOut):
            await graph.ainvoke({"task": "t"}, config, context=SHORT)  # type: ignore[arg-type]
        assert roles.asked == [("planner", None)], "its time was up: it was not asked again"
        roles.models["planner"] = well
        result = await graph.ainvoke(None, config)  # type: ignore[arg-type]
    assert result["answer"] == "42"


async def test_time_of_planning_counts_against_the_runs() -> None:
    planner = slow([0, 0], plan("multiply"), '{"answer": "42"}')
    node = make_planner(Roles(planner=planner), StructuredCaller())
    first = await node(begun(a_run(settings={"run_max_seconds": 60})), runtime=runtime_of())
    assert first["asked_seconds"] > 0
    state = begun(a_run(settings={"run_max_seconds": 60}), **with_result(asked_seconds=60.0))
    update = await node(state, runtime=runtime_of())
    assert update["answer"] == "42"
    assert "the whole run's time is up" in update["notices"][0]


@pytest.mark.parametrize(
    "evaluator",
    ["judge", "auto", pytest.param("judges", marks=pytest.mark.slow), pytest.param("rubric", marks=pytest.mark.slow)],
)
async def test_judge_abstains_when_it_hangs(evaluator: str) -> None:
    settings = {"evaluator": evaluator, "run_max_seconds": 0.1}
    state = begun(a_run(references=["forty-two"], settings=settings), answer="42", event_id="e")
    node = make_evaluate(Roles(judge=slow([HANGS] * 4)), StructuredCaller())
    update = await node(state, runtime=runtime_of())
    assert (update["reward"], update["error_class"]) == (None, "judge")
    assert "the judge failed: it did not answer within" in update["error"]


async def test_the_other_judge_is_believed_when_one_hangs() -> None:
    settings = {"evaluator": "judges", "run_max_seconds": 0.1}
    for model in (slow([HANGS, 0], same("no")), slow([0, HANGS], verdict("no"))):
        state = begun(a_run(references=["forty-two"], settings=settings), answer="42", event_id="e")
        update = await make_evaluate(Roles(judge=model), StructuredCaller())(state, runtime=runtime_of())
        assert update["reward"] == 0.0


async def test_scorer_leaves_the_reward_unknown_when_it_hangs() -> None:
    async def hang(*_: Any) -> float:
        await asyncio.sleep(HANGS)
        return 1.0

    ended = threading.Event()

    def block(*_: Any) -> float:
        ended.wait(30)
        return 1.0

    for scorer in (hang, block):
        state = begun(a_run(settings={"evaluator": "custom", "run_max_seconds": 0.1}), answer="42", event_id="e")
        update = await make_evaluate(Roles(), StructuredCaller(), scorer=scorer)(state, runtime=runtime_of())
        assert update["reward"] is None
        assert "the scorer failed: it did not answer within" in update["error"]
    ended.set()


async def test_subtask_is_not_begun_when_its_model_cannot_be_had_in_time() -> None:
    class Hanging(Roles):
        async def get(self, *_: Any) -> Any:
            await asyncio.sleep(HANGS)

    node = make_executor(Hanging(), source())
    update = await node(subtask_of(settings={"max_seconds": 0.1}), runtime=runtime_of())
    assert update["results"][0]["ended_by"] == "not_ready"
    assert update["results"][0]["is_complete"] is False
