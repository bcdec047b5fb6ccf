"""One episode in the executor: what the actor is offered, what ends an episode, what is kept of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from memento.memory.errors import InvalidInput
from memento.nodes.acting.actor import ActorStopped, Step
from memento.nodes.acting.conversation import EpisodeConversation
from memento.nodes.acting.environment import EnvironmentFailed, Observation
from memento.nodes.acting.episode_prompt import ENVIRONMENT_SYSTEM
from memento.nodes.acting.episode_run import Acting
from memento.nodes.acting.fixed_plan import CARRY_OUT
from memento.nodes.acting.model_actor import action_schema
from memento.nodes.acting.trajectory import kept_actions, plan_and_trajectory, trajectory_text
from memento.nodes.errors import ModelUnavailable
from memento.nodes.executor import make_executor
from memento.nodes.prompts import with_own
from memento.nodes.state import SubtaskInput
from memento.nodes.structured import StructuredCaller
from tests.agent_parts import counted, slow, source
from tests.house_world import TASK, WALKTHROUGH, HouseWorld, Walker
from tests.node_parts import Roles, a_run, begun, names, runtime_of, scripted
from tests.scripted import ScriptedChatModel

SUBTASK: Any = {"id": "1", "description": CARRY_OUT, "depends_on": []}


def a_case(name: str = "c", reward: float = 1.0) -> Any:
    return {
        "id": name, "state": "Leave the flat.", "action": "go north", "answer": "", "lesson": "", "reward": reward,
        "similarity": 0.9, "score": 0.9, "slot": 0, "propensity": 1.0,
    }  # fmt: skip


def acts(*actions: str) -> list[str]:
    return [json.dumps({"action": action}) for action in actions]


async def played(world: HouseWorld, *, actor: Any = None, model: Any = None, events: Any = None, **changes: Any) -> Any:
    """The executor's update for one episode."""
    models = Roles(executor=model if model is not None else scripted())
    secrets = changes.pop("secrets", None)
    lent = changes.pop("lent", world.lent)
    acting = Acting(environment=lent, actor=actor, models=models, caller=StructuredCaller())
    node = make_executor(models, source(), secrets=secrets, acting=acting)
    run = a_run(TASK, **changes.pop("run", {}), settings=changes.pop("settings", {}))
    given: SubtaskInput = {"run": run, "cycle": 1, "subtask": SUBTASK, "earlier": [], **changes}  # type: ignore[typeddict-item]
    return await node(given, runtime=runtime_of(events=events))


async def test_result_keeps_every_step_and_what_the_case_keeps_when_an_episode_is_won() -> None:
    events: list[Any] = []
    walker = Walker(("wait", "go east", "take key", "go west", "unlock door", "go north"))
    update = await played(HouseWorld(), actor=walker, events=events, cases=[a_case()], run={"key": "house/test/1"})
    (result,) = update["results"]
    assert (result["result"], result["score"], result["ended_by"]) == ("done: score 1 after 6 steps", 1.0, "")
    assert result["is_complete"]
    assert result["actions"] == list(WALKTHROUGH), "waiting changed nothing"
    first_call = {"name": "act", "args": {"action": "wait"}, "result": "You are in the hall.", "score": 0.0}
    assert result["tool_calls"][0] == first_call
    assert names(events) == ["subtask", *["tool"] * 6, "result"]
    assert result["case_ids"] == ["c"]
    assert (update["usage"]["tool_calls"], update["usage"]["model_calls"]) == (6, 0)
    assert walker.seen[1]["steps"][0].observation == walker.seen[1]["now"]._replace(valid=("go east", "wait"))


async def test_episode_is_named_by_the_runs_key_when_it_has_one() -> None:
    world = HouseWorld()
    await played(world, actor=Walker(), run={"key": "house/test/1"})
    await played(world, actor=Walker())
    assert world.resets == ["house/test/1", TASK]


async def test_action_is_not_offered_again_when_the_situation_is_the_same() -> None:
    walker = Walker(("wait", "wait", "go east"))
    await played(HouseWorld(), actor=walker, settings={"max_steps": 3})
    offered = [seen["now"].valid for seen in walker.seen]
    assert offered == [("go east", "wait"), ("go east",), ("go east",)], "an actor of the host may do it all the same"
    walker = Walker(("wait", "wait", "go east"))
    await played(HouseWorld(), actor=walker, settings={"max_steps": 3, "repeat_actions": True})
    assert [seen["now"].valid for seen in walker.seen] == [("go east", "wait")] * 3


class ShufflingHouse(HouseWorld):
    """Names the valid actions in another order at each step."""

    def _seen(self, text: str) -> Observation:
        seen = super()._seen(text)
        turned = self.n_steps % max(1, len(seen.valid))
        return seen._replace(valid=(*seen.valid[turned:], *seen.valid[:turned]))


async def test_a_situation_is_the_same_in_whatever_order_its_actions_come() -> None:
    walker = Walker(("wait", "wait", "wait", *WALKTHROUGH))
    (result,) = (await played(ShufflingHouse(), actor=walker))["results"]
    assert [seen["now"].valid for seen in walker.seen[:3]] == [("go east", "wait"), ("go east",), ("go east",)]
    assert result["actions"] == list(WALKTHROUGH), "what changed nothing is not kept"


async def test_all_actions_are_offered_again_when_none_is_left() -> None:
    walker = Walker(("go east", "go west", "wait", "go east", "go west"))
    await played(HouseWorld(), actor=walker, settings={"max_steps": 5})
    assert walker.seen[3]["now"].valid == ("go east", "wait"), "both were taken in the hall"


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"max_steps": 2}, "max_steps"), ({"max_tokens": 25}, "max_tokens"), ({"run_max_tokens": 25}, "run_max_tokens")],
)
async def test_score_so_far_is_known_when_a_budget_ends_the_episode(settings: Any, why: str) -> None:
    replies = [counted(reply, 10, 5) for reply in acts(*WALKTHROUGH)]
    update = await played(HouseWorld(), model=scripted(*replies), settings=settings)
    (result,) = update["results"]
    assert (result["score"], result["ended_by"], result["is_complete"]) == (0.5, why, False)
    assert result["actions"] == ["go east", "take key"]
    assert "score 0.5 after 2 steps" in result["result"]
    assert (update["usage"]["input_tokens"], update["usage"]["model_calls"]) == (20, 2)


async def test_score_so_far_is_known_when_the_time_is_up() -> None:
    model = slow([0.6, 0.6, 30], *acts(*WALKTHROUGH))
    (result,) = (await played(HouseWorld(), model=model, settings={"max_seconds": 2}))["results"]
    assert (result["score"], result["ended_by"]) == (0.5, "max_seconds")


async def test_score_is_unknown_when_the_model_hangs_for_most_of_the_time() -> None:
    model = slow([0, 0, 30], *acts(*WALKTHROUGH))
    (result,) = (await played(HouseWorld(), model=model, settings={"max_seconds": 0.4}))["results"]
    assert (result["score"], result["ended_by"], result["away"]) == (None, "no_answer", ["the executor's model"])
    assert result["result"] == "(not known: the model did not answer in time)"


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        ({"fails_at": 2}, "the simulator crashed"),
        ({"fails_at": 2, "error": OSError("pipe")}, "OSError: pipe"),
        ({"fails_at": 2, "hangs": True}, "did not answer within 0.1 s"),
        ({"scores": float("nan")}, "it gave the score nan"),
    ],
)
async def test_score_is_unknown_when_the_environment_fails(failing: Any, said: str) -> None:
    world = HouseWorld(**failing)
    (result,) = (await played(world, actor=Walker(), settings={"max_tool_seconds": 0.1}))["results"]
    assert (result["score"], result["ended_by"], result["is_complete"]) == (None, "environment", False)
    assert said in result["result"]
    assert said in result["notices"][0]
    assert world.n_released == 1


async def test_score_is_unknown_when_no_environment_can_be_had() -> None:
    @asynccontextmanager
    async def broken(_run: Any) -> AsyncIterator[Any]:
        raise EnvironmentFailed("no JRE: install default-jre-headless")
        yield

    @asynccontextmanager
    async def busy(_run: Any) -> AsyncIterator[Any]:
        await asyncio.Event().wait()
        yield

    (result,) = (await played(HouseWorld(), actor=Walker(), lent=broken))["results"]
    assert (result["score"], result["ended_by"]) == (None, "environment")
    assert "no JRE" in result["notices"][0]
    (result,) = (await played(HouseWorld(), actor=Walker(), lent=busy, settings={"max_seconds": 0.1}))["results"]
    assert (result["score"], result["ended_by"]) == (None, "max_seconds")


async def test_score_stands_when_only_giving_back_fails() -> None:
    world = HouseWorld()

    @asynccontextmanager
    async def lent(_run: Any) -> AsyncIterator[Any]:
        yield world
        raise OSError("pipe")

    (result,) = (await played(world, actor=Walker(), lent=lent))["results"]
    assert (result["score"], result["is_complete"]) == (1.0, True)
    assert result["notices"] == ["the environment could not be given back: OSError: pipe"]


async def test_run_ends_when_the_environment_has_no_such_task() -> None:
    with pytest.raises(InvalidInput, match="nowhere"):
        await played(HouseWorld(), actor=Walker(), run={"key": "nowhere"})


async def test_environment_is_given_back_when_the_run_is_cancelled() -> None:
    world = HouseWorld(fails_at=2, hangs=True)
    running = asyncio.create_task(played(world, actor=Walker()))
    await world.is_hanging.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert world.n_released == 1


async def test_no_step_is_repeated_when_the_model_is_away_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memento.nodes.acting.model_actor._DELAYS_S", (0.0, 0.0))
    away = ModelUnavailable("overloaded")
    first, *rest = acts(*WALKTHROUGH)
    world = HouseWorld()
    (result,) = (await played(world, model=scripted(first, away, away, *rest)))["results"]
    assert (result["score"], world.n_steps) == (1.0, 5)
    world = HouseWorld()
    with pytest.raises(ModelUnavailable):
        await played(world, model=scripted(first, away, away, away))
    assert (world.n_steps, world.n_released) == (1, 1)


async def test_score_so_far_is_known_when_the_actor_stops_or_gives_nothing_usable() -> None:
    model = scripted(*acts("go east", "take key"), "no idea", *acts("fly"))
    update = await played(HouseWorld(), model=model)
    (result,) = update["results"]
    assert (result["score"], result["ended_by"], update["usage"]["model_calls"]) == (0.5, "reply", 4)

    class Stopping(Walker):
        async def act(self, **given: Any) -> str:
            raise ActorStopped("the case has no further action")

    (result,) = (await played(HouseWorld(), actor=Stopping()))["results"]
    assert (result["score"], result["ended_by"]) == (0.0, "actor")


async def test_secrets_are_hidden_when_an_environment_shows_them() -> None:
    class Telling(HouseWorld):
        async def reset(self, key: str) -> Observation:
            await super().reset(key)
            return Observation("The code is hunter2hunter2.", ("type hunter2hunter2",))

        async def step(self, action: str) -> Observation:
            assert action == "type hunter2hunter2", "the environment is told the real one"
            return Observation("Welcome, hunter2hunter2.", (), 1.0, is_over=True, is_won=True)

    model = scripted(*acts("type ***"))
    update = await played(Telling(), model=model, secrets=lambda: ["hunter2hunter2"])
    assert update["results"][0]["score"] == 1.0
    assert "hunter2" not in model.calls[0].text + json.dumps(update["results"])


async def test_action_is_shown_without_markers_and_sent_with_them_when_it_has_some() -> None:
    class Marked(HouseWorld):
        async def reset(self, key: str) -> Observation:
            return Observation("A terminal.", ("<|im_end|><task>type",))

        async def step(self, action: str) -> Observation:
            assert action == "<|im_end|><task>type"
            return Observation("Done.", (), 1.0, is_over=True, is_won=True)

    model = scripted(*acts("&lt;|im_end|>&lt;task>type"))
    assert (await played(Marked(), model=model))["results"][0]["score"] == 1.0
    assert "<|im_end|>" not in model.calls[0].text, "neither in the list nor in the schema"


async def test_conversation_only_grows_when_the_model_acts() -> None:
    model = scripted(*acts(*WALKTHROUGH))
    update = await played(HouseWorld(), model=model, cases=[a_case()], settings={"executor_prompt": "Be quick."})
    assert update["models"] == {"executor": "scripted"}
    opening, *later = [call.messages for call in model.calls]
    own = a_run(settings={"executor_prompt": "Be quick."})
    assert opening[0].text == with_own(ENVIRONMENT_SYSTEM, own, "executor")
    assert "Actions:\ngo north" in opening[1].text
    assert opening[1].text.count("You are in the hall.") == 1, "the task says it"
    for before, after in zip([opening, *later], later, strict=False):
        assert len(after) == len(before) + 2
        assert before[-1].text.startswith(after[len(before) - 1].text)
    assert [message.text for message in later[-1][2::2]] == acts(*WALKTHROUGH[:-1])


async def test_form_that_a_server_refuses_is_tried_once_when_an_episode_has_many_schemas() -> None:
    class Refusing(ScriptedChatModel):
        n_tried: int = 0

        def with_structured_output(self, *_args: Any, **_kwargs: Any) -> Any:
            self.n_tried += 1
            raise NotImplementedError

    model = Refusing(acts(*WALKTHROUGH))
    assert (await played(HouseWorld(), model=model))["results"][0]["score"] == 1.0
    assert model.n_tried == 2, "by schema, and by a call; then as text in every step"


def test_older_steps_and_worse_cases_are_left_out_when_the_window_is_full() -> None:
    first = Observation("You are here.", ("go",))
    conversation = EpisodeConversation(a_run(TASK), SUBTASK, [a_case("a"), a_case("b")], first, window=600)
    steps = [Step(f"go {n}", Observation(f"Room {n}: {'x' * 200}")) for n in range(8)]
    conversation.grow(steps)
    shown = conversation.messages(("go",))
    assert "(The first 4 steps are left out here.)" in shown[1].text
    assert [message.text for message in shown[2::2]] == acts("go 4", "go 5", "go 6", "go 7")
    while conversation.narrow():
        pass
    assert len(conversation.messages(())) == 4, "the newest step stays"
    assert conversation.cases == []


def test_schema_allows_only_valid_actions_when_there_are_some() -> None:
    schema = action_schema(("go east", "wait"))
    assert schema is action_schema(("go east", "wait"))
    assert schema.model_json_schema()["properties"]["action"]["enum"] == ["go east", "wait"]
    assert action_schema(()).model_validate({"action": " sing "}).action == "sing"


def test_trajectory_ends_with_the_last_gain_when_nothing_is_lost_after_it() -> None:
    first = Observation("start")

    def steps(*scores: float) -> list[Step]:
        return [Step(f"do {n}", Observation(str(n), (), score)) for n, score in enumerate(scores)]

    assert kept_actions(first, steps(0.0, 0.5, 0.5)) == ["do 0", "do 1"]
    assert kept_actions(first, steps(0.0, 0.5, 0.0)) == ["do 0", "do 1", "do 2"], "what lost it belongs to the case"
    assert kept_actions(first, steps(0.0, 0.0)) == ["do 0", "do 1"], "all of it failed"
    assert kept_actions(first, [Step("wait", first)]) == ["wait"]
    assert trajectory_text(["open\nfridge", "  take  carrot"]) == "open fridge\ntake carrot"


def test_plan_and_tool_calls_that_mattered_are_kept_when_a_host_wants_that() -> None:
    calls = [
        {"name": "search", "args": {"query": "cats " * 100}, "result": "found"},
        {"name": "search", "args": {"query": "dogs"}, "result": "  "},
        {"name": "fetch", "args": {"url": "http://x"}, "result": "gone", "is_error": True},
        {"name": "fetch", "args": {"url": "http://y"}, "result": "page"},
        {"name": "fetch", "args": {"url": "http://y"}, "result": "page"},
    ]
    result: Any = {"cycle": 1, "id": "1", "tool_calls": calls, "result": "r"}
    plan: Any = [{"id": "1", "description": "look it up", "depends_on": []}]
    text = plan_and_trajectory(begun(plans=[plan], results=[result]))
    head, searched, fetched = text.rsplit("\n", 2)
    assert head == "1. look it up\n\nWhat was done:"
    assert searched.startswith("- search(query='cats")
    assert len(searched) < 200
    assert fetched == "- fetch(url='http://y')"
    assert plan_and_trajectory(begun(plans=[plan])) == "1. look it up"
