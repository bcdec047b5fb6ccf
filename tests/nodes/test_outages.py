"""An outage says nothing of the cases: where something was away, the reward is unknown and nothing is learned."""

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from benchmarks.adversarial_moves import BrokenError
from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.memory.experience import Experience
from memento.nodes.agent.failures import is_outage
from memento.nodes.agent.outages import away_in, what_was_away
from memento.nodes.errors import ContentFiltered, InvalidReply, ModelRejected
from memento.nodes.sources import Toolbox
from memento.nodes.state import Run
from memento.nodes.tool_binding import bound_tool
from memento.tools.errors import ToolError, ToolInputError, ToolLimitReached, ToolUnavailable
from tests.agent_parts import slow
from tests.node_parts import a_memory, answer, calling, plan, scripted

TASK = "What is six times seven?"
LOOKED = calling("look_up", word="six")
DOWN = ToolUnavailable("no search works now")
REFUSED = ToolInputError("a word is needed")


async def asked(
    executor: BaseChatModel,
    said: str = "41",
    *,
    outcomes: Sequence[str | Exception] = (),
    planner: Sequence[str] = (),
    away: Sequence[str] = (),
    **context: Any,
) -> tuple[dict[str, Any], list[float]]:
    """A run with one tool: its output, and the rewards of the cases: one of before, and its own."""
    left = list(outcomes)

    async def look_up(word: str) -> str:
        """Look a word up."""
        outcome = left[0] if len(left) == 1 else left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return f"{word}: {outcome}"

    async def tools(_run: Run) -> Toolbox:
        return Toolbox([bound_tool(look_up)], away=away)

    async with a_memory() as memory:
        kept = await memory.write(Experience(state=TASK, action="another plan", reward=1.0, evaluator="exact"))
        assert kept is not None
        replies = planner or (plan("multiply"), answer(said))
        deps = Deps(memory=memory, planner=scripted(*replies), executor=executor, tools=tools)
        output = await build_graph(deps).ainvoke(
            {"task": TASK, "reference": "42"},  # type: ignore[arg-type]
            context={"evaluator": "exact", **context},  # type: ignore[arg-type]
        )
        ids = [kept, *filter(None, [output["case_id"]])]
        cases = await memory.views.cases(ids, namespace="default")
        return output, [one.reward for one in cases.values()]


@pytest.mark.parametrize(
    ("model", "context"),
    [
        pytest.param(lambda: slow([30, 30], "never"), {"max_seconds": 0.2}, id="hangs"),
        pytest.param(lambda: slow([0, 30, 30], LOOKED), {"max_seconds": 0.4}, id="hangs later"),
        pytest.param(
            lambda: scripted(LOOKED, *[ConnectionError("refused")] * 3), {"max_model_calls": 2}, id="gone at the end"
        ),
        pytest.param(lambda: scripted(LOOKED, ModelRejected("no quota")), {"max_model_calls": 2}, id="quota spent"),
    ],
)
async def test_a_model_that_does_not_answer_fails_nobody(model: Any, context: dict[str, Any]) -> None:
    output, rewards = await asked(model(), outcomes=["6"], **context)
    assert (output["answer"], output["reward"], output["case_id"]) == ("41", None, None)
    assert "the executor's model did not answer, so nothing is known of the reward" in output["error"]
    assert not [text for text in output["notices"] if "nothing is known" in text], "it is said once"
    assert rewards == [1.0]


@pytest.mark.parametrize("last", [ContentFiltered("not this"), "", InvalidReply("nonsense")])
async def test_a_last_answer_that_cannot_be_used_is_the_attempts_own(last: Any) -> None:
    output, _ = await asked(scripted(LOOKED, last), outcomes=["6"], max_model_calls=2)
    assert output["reward"] == 0.0


@pytest.mark.parametrize(
    ("outcomes", "reward"),
    [
        pytest.param([DOWN], None, id="away"),
        pytest.param([ConnectionRefusedError("refused")], None, id="another's tool"),
        pytest.param([TimeoutError("read timed out")], None, id="another's tool is late"),
        pytest.param([ToolLimitReached("the plan is used up", is_outage=True)], None, id="quota"),
        pytest.param([DOWN, "6"], 0.0, id="there again at the second try"),
        pytest.param([REFUSED], 0.0, id="refused the call"),
        pytest.param([ToolUnavailable("that page is broken", is_outage=False)], 0.0, id="one page"),
        pytest.param([RuntimeError("a bug")], 0.0, id="a bug"),
    ],
)
async def test_a_tool_that_is_away_fails_nobody(outcomes: list[str | Exception], reward: float | None) -> None:
    output, _ = await asked(scripted(LOOKED, "41"), outcomes=outcomes)
    assert (output["reward"], output["case_id"] is None) == (reward, reward is None)
    assert ("look_up did not answer" in (output["error"] or "")) is (reward is None)


async def test_a_tool_that_answered_once_was_there() -> None:
    model = scripted(LOOKED, calling("look_up", 2, word="seven"), "41")
    output, _ = await asked(model, outcomes=[DOWN, DOWN, DOWN, "7"])
    assert output["reward"] == 0.0


async def test_what_is_known_does_not_depend_on_how_it_went() -> None:
    output, rewards = await asked(scripted(LOOKED, "42"), "42", outcomes=[DOWN])
    assert (output["reward"], rewards) == (None, [1.0])


async def test_a_person_may_know_all_the_same() -> None:
    async with a_memory() as memory:
        models = {"planner": scripted(plan("multiply"), answer("42")), "executor": slow([30, 30], "never")}
        graph = build_graph(Deps(memory=memory, **models), checkpointer=InMemorySaver())  # type: ignore[arg-type]
        given: Any = {
            "context": {"evaluator": "human", "max_seconds": 0.2},
            "config": {"configurable": {"thread_id": "t"}},
        }
        await graph.ainvoke({"task": TASK}, **given)
        output = await graph.ainvoke(Command(resume=1.0), **given)
    assert (output["reward"], output["error"]) == (1.0, None)


async def test_where_nobody_scores_an_outage_is_no_error() -> None:
    output, _ = await asked(scripted(LOOKED, "42"), outcomes=[DOWN], evaluator="none")
    assert (output["reward"], output["error"]) == (None, None)


async def test_only_the_last_plan_counts() -> None:
    replies = (plan("look it up"), plan("multiply"), answer("41"))
    output, _ = await asked(scripted(LOOKED, "it is away", "41"), outcomes=[DOWN], planner=replies)
    assert output["reward"] == 0.0, "the second plan had all that it needed"


@pytest.mark.parametrize(("called", "reward"), [("wiki_search", None), ("wikis", 0.0), ("look_up", 0.0)])
async def test_a_tool_whose_server_is_away_fails_nobody_who_called_it(called: str, reward: float | None) -> None:
    model = scripted(calling(called, word="six"), "41")
    output, _ = await asked(model, outcomes=["6"], away=["wiki_"])
    assert output["reward"] == reward
    (result,) = [message for message in model.calls[1].messages if isinstance(message, ToolMessage)]
    assert ("the server of 'wiki_search' does not answer now" in result.text) is (reward is None)


@pytest.mark.parametrize(("ended_by", "away"), [("", []), ("max_tokens", []), ("run_max_seconds", ["look_up"])])
def test_an_earlier_plan_counts_where_it_may_have_spent_the_runs_budget(ended_by: str, away: list[str]) -> None:
    results: Any = [{"cycle": 1, "ended_by": "max_seconds", "away": ["look_up"]}, {"cycle": 2, "ended_by": ended_by}]
    assert away_in(results) == away
    assert away_in([]) == []


def test_a_tool_is_away_when_it_met_an_outage_and_no_call_of_it_worked() -> None:
    down, up, wrong = ({"name": name, "args": {}, "result": ""} for name in ("down", "up", "wrong"))
    failed, away = {"is_error": True}, {"is_error": True, "is_outage": True}
    calls: Any = [down | away, up | away, up, wrong | failed, down | failed, down | away]
    assert what_was_away("", calls) == ["down"]
    assert what_was_away("max_tokens") == []


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (DOWN, True),
        (ToolError("said no"), False),
        (ToolError("lost", is_outage=True), True),
        (ToolLimitReached("too many files"), False),
        (type("ReadTimeout", (Exception,), {})("slow"), False),
        (type("APITimeoutError", (Exception,), {})("slow"), True),
        (ValueError("bad"), False),
        (KeyError("a bug"), False),
        (BrokenError(), False),
    ],
)
def test_what_is_an_outage(error: Exception, away: bool) -> None:
    assert is_outage(error) is away
