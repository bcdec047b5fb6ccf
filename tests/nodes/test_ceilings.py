"""Ceilings of a run's settings: numbers are lowered, switches are set, names are refused."""

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from memento.graph.deps import Deps
from memento.graph.settings import Settings
from memento.graph.workflow import build_graph
from memento.memory.errors import InvalidInput
from memento.nodes.ceilings import AUTHENTICATED_CEILINGS, Ceilings, parse_ceilings
from memento.nodes.context import Context, RunSettings
from tests.node_parts import a_memory, always, answer

TOP: dict[str, Any] = {
    "k": 2,
    "max_cost_usd": 0.5,
    "max_seconds": 10,
    "reread": False,
    "approve_plan": True,
    "planner": ["openai:gpt-4.1"],
    "evaluator": ["auto", "exact"],
}


def test_numbers_are_lowered_and_switches_are_set_with_a_notice() -> None:
    given = Context.model_validate(
        {"k": 8, "max_seconds": 5, "reread": True, "approve_plan": False, "user_id": "zaphod"}
    )
    bounded = Ceilings(TOP).bounded(given)
    kept = bounded.settings
    assert (kept.k, kept.max_seconds, kept.max_cost_usd, kept.reread, kept.approve_plan) == (2, 5, 0.5, False, True)
    assert kept.model_extra == {"user_id": "zaphod"}, "a host's own keys pass"
    assert len(bounded.notices) == 3
    assert "k is 2 instead of 8" in bounded.notices[0]
    unasked = Ceilings(TOP).bounded(Context())
    assert (unasked.settings.approve_plan, len(unasked.notices)) == (True, 2), "k and max_seconds alone"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"planner": "openai:other"}, "choose one of: openai:gpt-4.1"),
        ({"evaluator": "judges"}, "choose one of: auto, exact"),
    ],
)
def test_names_are_refused_when_they_are_not_allowed(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Ceilings(TOP).bounded(Context(**given))
    assert Ceilings(TOP).bounded(Context(planner="openai:gpt-4.1")).settings.planner == "openai:gpt-4.1"


def test_what_is_allowed_as_policy_bounds_that_of_subtask_cases_unless_that_has_a_ceiling_of_its_own() -> None:
    given = Context(subtask_policy="advantage")
    with pytest.raises(InvalidInput, match="subtask_policy 'advantage' is not allowed here; choose one of: similarity"):
        Ceilings({"policy": ["similarity"]}).bounded(given)
    own = Ceilings({"policy": ["similarity"], "subtask_policy": ["advantage"]})
    assert own.bounded(given).settings == given
    assert Ceilings({"policy": ["similarity"]}).bounded(Context()).settings == Context()


def test_every_setting_can_have_a_ceiling() -> None:
    samples: dict[type, Any] = {bool: False, int: 3, float: 3.0, str: []}
    for name in RunSettings.model_fields:
        default = getattr(RunSettings(), name)
        names = (
            "planner",
            "executor",
            "judge",
            "second_judge",
            "policy",
            "subtask_policy",
            "evaluator",
            "positive_from",
        )
        limit = [] if name in names else samples[type(default)] if default is not None else 3
        limit = 300 if name == "max_case_tokens" or name.endswith("_prompt") else limit
        assert Ceilings({name: limit}), name


@pytest.mark.parametrize(
    "text",
    [
        "k=8",
        "[]",
        '{"kk": 1}',
        '{"namespace": ["x"]}',
        '{"k": 99}',
        '{"k": "8"}',
        '{"k": true}',
        '{"k": null}',
        '{"planner": "openai:x"}',
        '{"planner": [1]}',
        '{"reread": 1}',
        '{"policy": ["no such"]}',
        '{"evaluator": ["no such"]}',
    ],
)
def test_ceilings_are_refused_when_they_make_no_sense(text: str) -> None:
    with pytest.raises(InvalidInput, match="ceiling"):
        parse_ceilings(text)
    with pytest.raises(ValueError, match="ceilings"):
        Settings(ceilings=text)


def test_users_choose_no_models_and_no_larger_budgets_unless_the_host_says_so() -> None:
    with pytest.raises(InvalidInput, match="leave it empty for the configured one"):
        AUTHENTICATED_CEILINGS.bounded(Context(judge="openai:o3"))
    assert AUTHENTICATED_CEILINGS.bounded(Context(run_max_model_calls=10_000)).settings.run_max_model_calls == 400
    assert AUTHENTICATED_CEILINGS.bounded(Context()).notices == []
    own = parse_ceilings('{"judge": ["openai:o3"], "run_max_model_calls": 1000}').over(AUTHENTICATED_CEILINGS)
    assert own.bounded(Context(judge="openai:o3", run_max_model_calls=900)).notices == []


async def test_a_graph_keeps_to_the_ceilings_of_its_host() -> None:
    async with a_memory() as memory:
        deps = Deps(memory=memory, planner=always(answer("42")), executor=always("42"), judge=always("x"))
        graph = build_graph(
            Deps(**{**vars(deps), "ceilings": lambda _: Ceilings({"k": 1, "planner": []})}),
            checkpointer=InMemorySaver(),
        )
        config: Any = {"configurable": {"thread_id": "t"}}
        done = await graph.ainvoke({"task": "six times seven?"}, config, context=Context(k=8))
        assert done["notices"] == ["k is 1 instead of 8: the most that is allowed here"]
        state = (await graph.aget_state(config)).values
        assert state["run"]["settings"]["k"] == 1
        with pytest.raises(InvalidInput, match="not allowed here"):
            await graph.ainvoke({"task": "again?"}, config, context=Context(planner="openai:other"))
        forged = {**state["run"], "settings": {**state["run"]["settings"], "planner": "openai:other"}}
        await graph.aupdate_state(config, {"run": forged, "plan": [], "answer": None}, as_node="score_case")
        with pytest.raises(InvalidInput, match="not allowed here"):
            await graph.ainvoke(None, config)


def test_instructions_are_refused_beyond_their_length_and_not_cut() -> None:
    ceilings = Ceilings({"planner_prompt": 10, "judge_prompt": 0})
    assert ceilings.bounded(Context(planner_prompt="Be brief.")).settings.planner_prompt == "Be brief."
    with pytest.raises(InvalidInput, match="planner_prompt has 11 characters, at most 10 are allowed here"):
        ceilings.bounded(Context(planner_prompt="x" * 11))
    with pytest.raises(InvalidInput, match="judge_prompt of your own is not allowed here"):
        ceilings.bounded(Context(judge_prompt="It is always right."))
    assert ceilings.bounded(Context()).notices == []


@pytest.mark.parametrize("limit", [-1, 8_001, True, "long", [], 1.5])
def test_a_ceiling_of_instructions_is_a_number_of_characters(limit: object) -> None:
    with pytest.raises(InvalidInput, match="planner_prompt"):
        Ceilings({"planner_prompt": limit})
