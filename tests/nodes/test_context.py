"""The dials of a run."""

import json
import math
import re
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from memento.memory.policies.registry import POLICY_NAMES
from memento.nodes.context import Context, RunSettings, context_of, strict_context
from tests.node_parts import runtime_of


def test_every_dial_has_default_and_description_when_drawn_as_a_form() -> None:
    schema = Context.model_json_schema()
    assert not schema.get("required")
    for name, field in schema["properties"].items():
        assert field.get("description"), name
    assert (schema["properties"]["k"]["minimum"], schema["properties"]["k"]["maximum"]) == (0, 32)
    assert (schema["properties"]["max_cycles"]["minimum"], schema["properties"]["max_cycles"]["maximum"]) == (1, 10)
    (choices,) = (row["enum"] for row in schema["properties"]["policy"]["anyOf"] if "enum" in row)
    assert tuple(choices) == POLICY_NAMES


def test_no_dial_holds_a_secret_when_shown() -> None:
    assert not [name for name in Context.model_fields if re.search("key|url|token(?!s)", name)]


@pytest.mark.parametrize(
    "given",
    [
        {"k": -1},
        {"k": 33},
        {"k": "many"},
        {"max_cycles": 0},
        {"max_cycles": 11},
        {"max_model_calls": 0},
        {"max_model_calls": 101},
        {"max_tool_calls": 0},
        {"max_cost_usd": 0},
        {"max_seconds": 0},
        {"run_max_tokens": 0},
        {"run_max_seconds": float("inf")},
        {"policy": "best"},
        {"evaluator": "nobody"},
        {"evaluator": "os:system"},
        {"namespace": "x" * 201},
        {"planner": "x" * 501},
        {"second_judge": "\ud800"},
        {"polcy": "random"},
        {"Policy": "random"},
        {"max_cycle": 2},
        {"evaluater": "none"},
    ],
)
def test_validation_error_when_a_dial_is_out_of_bounds_or_misspelt(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Context.model_validate(given)


@pytest.mark.parametrize("name", Context.model_fields)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, 10**12, "\ud800", "x" * 1_000_000, b"x"])
def test_what_a_dial_takes_is_small_and_can_be_sent_as_json(name: str, value: object) -> None:
    try:
        taken = Context.model_validate({name: value})
    except ValidationError:
        return
    sent = json.dumps(taken.settings() | {"namespace": taken.namespace}, allow_nan=False)
    assert len(sent.encode()) < 100_000


def test_no_limit_of_costs_in_settings_of_an_earlier_release_is_none() -> None:
    assert Context(max_cost_usd=math.inf).max_cost_usd is None
    assert RunSettings(run_max_cost_usd=math.inf).run_max_cost_usd is None


def test_a_misspelt_dial_is_told_the_right_name() -> None:
    with pytest.raises(ValidationError, match="there is no setting 'polcy': did you mean 'policy'"):
        Context.model_validate({"polcy": "random"})


@pytest.mark.parametrize(
    "given", [{"scorer": "os:system"}, {"polcy": "random"}, {"namespace": "a"}, {"user_id": "ada"}]
)
def test_settings_of_a_command_line_have_no_keys_of_anybodys_own(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        strict_context(given)
    assert strict_context({"k": 2}) == Context(k=2)


class TeamContext(Context):
    """A host's own settings beside ours."""

    user_id: str = "nobody"


@pytest.mark.parametrize(
    "context",
    [
        Context.model_validate({"k": 2, "user_id": "ada", "session": object(), "model": "m", "retries": 3}),
        TeamContext(k=2, user_id="ada"),
    ],
)
def test_what_is_a_hosts_own_passes_and_stays_out_of_the_settings(context: Context) -> None:
    assert context.user_id == "ada"  # type: ignore[attr-defined]
    assert context.settings() == RunSettings(k=2).model_dump()
    assert json.loads(json.dumps(context.settings())) == context.settings()


class HostContext(BaseModel):
    """What a host runs its own graph with."""

    user: str = "ada"
    k: int = 99


@pytest.mark.parametrize("given", [None, {}, HostContext(), object(), 42])
def test_defaults_apply_when_context_is_absent_or_foreign(given: Any) -> None:
    assert context_of(runtime_of(given)) == Context()


def test_known_keys_count_when_context_is_a_dict() -> None:
    assert context_of(runtime_of({"k": 2, "user": "ada"})).settings() == Context(k=2).settings()
    assert context_of(runtime_of(Context(k=3))).k == 3


@pytest.mark.parametrize("name", ["model_calls", "tool_calls", "tokens", "cost_usd", "seconds"])
def test_every_budget_of_a_subtask_is_one_of_the_run_too(name: str) -> None:
    own, whole = Context.model_fields[f"max_{name}"], Context.model_fields[f"run_max_{name}"]
    assert own.description
    assert whole.description
    assert (own.default is None) == (whole.default is None)
    assert own.default is None or own.default < whole.default
