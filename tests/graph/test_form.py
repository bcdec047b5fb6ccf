"""The form that Studio and Open Agent Platform draw of the served schema: titles, groups, widgets, nodes."""

from functools import cache
from typing import Any, get_args

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from memento.graph.deps import Deps
from memento.graph.workflow import MementoGraph, build_graph
from memento.nodes.context import Context
from memento.nodes.run_settings.roles import MAX_INSTRUCTION_CHARS
from tests.graph.test_workflow import not_to_be_opened

TYPES = {"text", "textarea", "number", "boolean", "slider", "select", "json"}
"""Widgets of Open Agent Platform for a value of its own."""


class TeamContext(Context):
    """A host's own settings beside ours."""

    tone: str = "plain"
    depth: int = Field(default=2, ge=1, le=5, title="Depth")


def graph_of(schema: type[Context] = Context) -> MementoGraph:
    return build_graph(Deps(memory=not_to_be_opened, context_schema=schema))


@cache
def form(schema: type[Context] = Context) -> dict[str, dict[str, Any]]:
    served: dict[str, dict[str, Any]] = graph_of(schema).get_context_jsonschema()["properties"]
    return served


@cache
def nodes() -> set[str]:
    return set(graph_of().nodes)


def widget_of(name: str, schema: type[Context] = Context) -> dict[str, Any]:
    widget: dict[str, Any] = form(schema)[name]["metadata"]["x_oap_ui_config"]
    return widget


@pytest.mark.parametrize("name", list(Context.model_fields))
def test_every_setting_has_a_title_in_words_a_description_a_group_nodes_and_a_widget(name: str) -> None:
    field = form()[name]
    assert field["title"][0].isupper()
    assert "_" not in field["title"]
    assert len(field["title"]) > 3
    assert field["description"]
    assert field["group"]
    assert field["langgraph_nodes"]
    assert set(field["langgraph_nodes"]) <= nodes()
    assert widget_of(name)["type"] in TYPES - {"json"}
    assert widget_of(name)["label"] == field["title"]


def test_titles_differ_and_groups_stand_together() -> None:
    fields = form()
    assert len({field["title"] for field in fields.values()}) == len(fields)
    groups = [field["group"] for name, field in fields.items() if name != "namespace"]
    assert len(set(groups)) == sum(one != other for one, other in zip(groups, ["", *groups], strict=False))


def test_choices_are_those_that_a_run_accepts() -> None:
    for name in ("policy", "evaluator"):
        kind = Context.model_fields[name].annotation
        accepted = [one for one in (get_args(get_args(kind)[0]) or get_args(kind)) if isinstance(one, str)]
        assert [option["value"] for option in widget_of(name)["options"]] == accepted
        assert widget_of(name)["type"] == "select"


@pytest.mark.parametrize("name", [name for name, field in Context.model_fields.items() if field.metadata])
def test_bounds_of_a_widget_are_those_of_the_validation(name: str) -> None:
    metadata = Context.model_fields[name].metadata
    lowest, highest = (next((getattr(one, key) for one in metadata if hasattr(one, key)), None) for key in ("ge", "le"))
    widget = widget_of(name)
    assert widget.get("min") == lowest
    assert widget.get("max") == highest
    for bound, beyond in (("min", -1), ("max", 1)):
        if bound in widget:
            Context.model_validate({name: widget[bound]})
            with pytest.raises(ValidationError):
                Context.model_validate({name: widget[bound] + beyond})


def test_what_a_form_shows_at_first_is_a_valid_context() -> None:
    shown = {name: widget_of(name)["default"] for name in form() if "default" in widget_of(name)}
    assert Context.model_validate(shown) == Context()


def test_prompts_and_models_are_edited_at_their_nodes() -> None:
    kinds: dict[str, dict[str, list[str]]] = {}
    for name, field in form().items():
        if kind := field.get("langgraph_type"):
            kinds.setdefault(kind, {})[name] = field["langgraph_nodes"]
    assert kinds["prompt"] == {
        "planner_prompt": ["planner"],
        "executor_prompt": ["executor"],
        "judge_prompt": ["evaluate"],
    }
    assert set(kinds["model"]) == {"planner", "executor", "judge", "second_judge"}
    assert widget_of("planner_prompt")["type"] == "textarea"
    assert form()["planner_prompt"]["maxLength"] == MAX_INSTRUCTION_CHARS


def test_a_hosts_own_settings_have_widgets_too() -> None:
    assert widget_of("tone", TeamContext) == {"label": "Tone", "type": "text", "default": "plain"}
    depth = widget_of("depth", TeamContext)
    assert (depth["type"], depth["min"], depth["max"], depth["step"], depth["label"]) == ("slider", 1, 5, 1, "Depth")


def test_the_schema_is_json() -> None:
    TypeAdapter(dict[str, Any]).dump_json(graph_of().get_context_jsonschema())
