"""An episode that the executor's agent plays by the tools act and observe: what it is told, and what is kept."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage

from memento.nodes.acting.episode_prompt import CARRY_OUT, ENVIRONMENT_TOOLS_SYSTEM
from memento.nodes.acting.episode_run import Acting
from memento.nodes.executor import make_executor
from memento.nodes.structured import StructuredCaller
from tests.agent_parts import multiply, source
from tests.house_world import TASK, WALKTHROUGH, HouseWorld, Walker
from tests.node_parts import Roles, a_run, calling, names, runtime_of, scripted

SUBTASK: Any = {"id": "1", "description": CARRY_OUT, "depends_on": []}
CASE: Any = {
    "id": "c", "state": "Leave the flat.", "action": "go north", "answer": "", "lesson": "", "reward": 1.0,
    "similarity": 0.9, "score": 0.9, "slot": 0, "propensity": 1.0,
}  # fmt: skip


def acts(*actions: str, first: int = 1) -> list[Any]:
    return [calling("act", number, action=action) for number, action in enumerate(actions, first)]


async def played(
    world: HouseWorld, model: Any, *tools: Any, actor: Any = None, events: Any = None, **settings: Any
) -> Any:
    """The executor's update for one episode."""
    models = Roles(executor=model)
    acting = Acting(environment=world.lent, actor=actor, models=models, caller=StructuredCaller())
    node = make_executor(models, source(*tools), acting=acting)
    run = a_run(TASK, settings={"acting": "tools", **settings})
    given: Any = {"run": run, "cycle": 1, "subtask": SUBTASK, "earlier": [], "cases": [CASE]}
    return await node(given, runtime=runtime_of(events=events))


def replies(model: Any) -> list[str]:
    """What the tools have told the model."""
    return [message.text for message in model.calls[-1].messages if isinstance(message, ToolMessage)]


async def test_episode_is_kept_as_the_step_loop_keeps_it_when_an_agent_plays_it() -> None:
    world, events, begin = HouseWorld(), list[Any](), acts(*WALKTHROUGH[:2])
    model = scripted(
        *begin, calling("multiply", 7, a=6, b=7), calling("observe", 8), *acts(*WALKTHROUGH[2:], first=9), "I am out."
    )
    (result,) = (await played(world, model, multiply, events=events))["results"]
    (other,) = (await played(HouseWorld(), scripted(), actor=Walker()))["results"]
    same = ("result", "score", "ended_by", "is_complete", "actions", "case_ids")
    assert {name: result[name] for name in same} == {name: other[name] for name in same}
    calls = result["tool_calls"]
    assert [call for call in calls if call["name"] == "act"] == other["tool_calls"]
    assert [call["name"] for call in calls] == ["act", "act", "multiply", "observe", "act", "act", "act"]
    assert names(events) == ["subtask", *["tool"] * 7, "result"]
    assert world.n_released == 1

    system, opening = model.calls[0].messages
    assert system.text == ENVIRONMENT_TOOLS_SYSTEM
    assert "go north" in opening.text
    assert "<actions>\ngo east\nwait\n</actions>" in opening.text
    assert sorted(tool["function"]["name"] for tool in model.calls[0].tools) == ["act", "multiply", "observe"]
    told = replies(model)
    assert "You are in the kitchen." in told[0]
    assert "Score" not in told[0], "it did not change"
    assert "Score: 0.5" in told[1]
    assert "Actions that can be taken now:\ngo west\nwait\n" in told[1]
    assert "Step 2 of 50" in told[3]
    assert "The episode is won." in told[-1]


async def test_parallel_actions_are_taken_in_the_order_given() -> None:
    together = AIMessage("", tool_calls=[call for one in acts(*WALKTHROUGH) for call in one.tool_calls])
    model = scripted(together, *acts("wait", first=9), "done")
    (result,) = (await played(HouseWorld(), model))["results"]
    assert (result["actions"], result["score"]) == (list(WALKTHROUGH), 1.0)
    assert "the episode is over, and no further action can be taken" in replies(model)[-1]
    assert result["tool_calls"][-1]["is_error"]


@pytest.mark.parametrize(
    ("replied", "settings", "why", "said"),
    [
        ([*acts(*WALKTHROUGH[:3]), "far enough"], {"max_steps": 2}, "max_steps", "the limit of 2 steps is reached"),
        ([*acts(*WALKTHROUGH[:2]), "I stop here."], {}, "actor", "Score: 0.5"),
        ([*acts(*WALKTHROUGH[:3]), "no more"], {"run_max_tool_calls": 2}, "run_max_tool_calls", "not called: "),
    ],
)
async def test_score_so_far_is_known_when_an_agent_ends_before_the_episode(
    replied: Any, settings: Any, why: str, said: str
) -> None:
    model = scripted(*replied)
    (result,) = (await played(HouseWorld(), model, **settings))["results"]
    assert (result["score"], result["ended_by"], result["is_complete"]) == (0.5, why, False)
    assert result["actions"] == ["go east", "take key"]
    assert said in replies(model)[-1]


async def test_steps_are_allowed_beside_the_calls_of_a_subtask() -> None:
    (result,) = (await played(HouseWorld(), scripted(*acts(*WALKTHROUGH), "out"), max_model_calls=1, max_tool_calls=1))[
        "results"
    ]
    assert result["score"] == 1.0


@pytest.mark.parametrize("hangs", [False, True])
async def test_score_is_unknown_when_the_environment_fails_below_an_agent(hangs: bool) -> None:
    world = HouseWorld(fails_at=2, hangs=hangs)
    model = scripted(*acts("go east", "take key", "go west"), "it is broken")
    (result,) = (await played(world, model, max_tool_seconds=0.1))["results"]
    assert (result["score"], result["ended_by"]) == (None, "environment")
    assert "the environment failed" in result["notices"][0]
    assert "nothing more can be done in it" in replies(model)[-1]
    assert (world.n_steps, world.n_released) == (2, 1)
