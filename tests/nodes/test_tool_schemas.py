"""Every tool's schema in a form that the strictest provider takes, and the model's arguments in the tool's own."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memento.nodes.tool_schemas import UnusableSchema, original_arguments, portable_schema
from tests.odd_schemas import HOPELESS, ODD
from tests.strict_provider import complaint


def shown(schema: Any) -> dict[str, Any]:
    return portable_schema(schema).parameters


def refusal(schema: dict[str, Any]) -> str:
    return complaint([{"type": "function", "function": {"name": "tool", "parameters": schema}}])


@pytest.mark.parametrize("name", ODD)
def test_the_strictest_provider_takes_what_extensions_bring(name: str) -> None:
    assert refusal(shown(ODD[name])) == ""


@pytest.mark.parametrize("name", sorted(ODD.keys() - {"nothing", "no_type", "top_not"}))
def test_the_provider_of_these_tests_is_strict(name: str) -> None:
    harmless = {"null_required", "conditions", "deep"}
    assert name in harmless or refusal({"properties": {}, **ODD[name]})


@pytest.mark.parametrize("name", HOPELESS)
def test_what_is_no_object_is_said_to_be_none(name: str) -> None:
    with pytest.raises(UnusableSchema, match="its arguments are not a JSON object"):
        portable_schema(HOPELESS[name])


def test_a_choice_at_the_top_becomes_properties_that_say_what_belongs_together() -> None:
    schema = shown(ODD["top_any_of"])
    assert list(schema["properties"]) == ["id", "name"]
    assert "required" not in schema
    assert schema["description"] == "Give (id) or (name)."
    schema = shown(ODD["top_one_of"])
    assert schema["properties"]["kind"] == {"type": "string", "enum": ["file", "url"]}
    assert schema["required"] == ["kind"]
    assert schema["description"] == "Give (path) or (url)."


def test_parts_that_must_all_hold_are_one() -> None:
    assert shown(ODD["top_all_of"]) == {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        "required": ["a"],
    }


def test_what_the_subset_cannot_say_is_said_in_words() -> None:
    properties = shown(ODD["foreign_words"])["properties"]
    assert properties["a"] == {"type": "string", "description": 'Pattern: "^(?=a)". Default: "b".'} | properties["a"]
    assert "Default" in properties["a"]["description"]
    assert properties["n"] == {"type": "integer"}
    choices = shown(ODD["numbers_to_choose"])["properties"]
    assert choices["n"] == {"type": "integer", "description": "One of: 1, 2, 3."}
    assert choices["k"] == {"type": "integer", "description": "One of: 5."}


def test_null_is_offered_only_where_something_must_be_given() -> None:
    assert shown(ODD["nullable_root"])["type"] == "object"
    assert shown(ODD["many_types"])["properties"]["w"] == {"type": "object"}
    assert shown(ODD["null_required"])["properties"]["v"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}


def test_lists_say_what_they_hold() -> None:
    properties = shown(ODD["list_without_items"])["properties"]
    assert {"type": "string"} in properties["rows"]["items"]["anyOf"]
    assert shown(ODD["tuple"])["properties"]["at"]["items"] == {"anyOf": [{"type": "number"}, {"type": "string"}]}
    assert shown(ODD["tuple"]) == shown(ODD["old_tuple"])


def test_arguments_reach_the_tool_under_its_own_names() -> None:
    schema, renames = portable_schema(ODD["odd_keys"])
    assert list(schema["properties"])[:2] == ["top", "filter_name"]
    assert schema["required"] == ["top", "filter_name"]
    assert original_arguments({"top": 3, "filter_name": "x", "more": 1}, renames) == {
        "$top": 3,
        "filter[name]": "x",
        "more": 1,
    }
    own = {str(number): value for number, value in enumerate(schema["properties"])}
    assert set(original_arguments(dict.fromkeys(own.values()), renames)) == set(ODD["odd_keys"]["properties"])


def test_arguments_below_lists_and_open_objects_are_renamed_back_too() -> None:
    schema, renames = portable_schema(ODD["odd_keys_below"])
    (key,) = schema["properties"]["rows"]["items"]["properties"]
    given = {"rows": [{key: "1"}, "not a row"], "by_name": {"anybody": {"a_b": 2}}}
    assert original_arguments(given, renames) == {
        "rows": [{"@id": "1"}, "not a row"],
        "by_name": {"anybody": {"a b": 2}},
    }


def test_two_keys_that_look_alike_stay_two() -> None:
    schema, renames = portable_schema({"properties": {"top": {}, "$top": {}, "top$": {}}})
    assert len(schema["properties"]) == 3
    back = original_arguments({name: name for name in schema["properties"]}, renames)
    assert set(back) == {"top", "$top", "top$"}
    assert back["top"] == "top"


def test_a_schema_that_is_fit_already_stays_as_it_is() -> None:
    fit = {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to look for.", "maxLength": 10},
            "n": {"type": "integer", "minimum": 1},
            "kinds": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
        },
        "required": ["query"],
    }
    assert portable_schema(fit) == (fit, None)


def test_large_schemas_are_shown_with_less_detail() -> None:
    def wide(depth: int) -> dict[str, Any]:
        below = wide(depth - 1) if depth else {"type": "string", "description": "d" * 40}
        return {"type": "object", "properties": {f"field_{number}": below for number in range(6)}}

    assert len(json.dumps(wide(4))) > 300_000
    schema = shown(wide(4))
    assert len(json.dumps(schema)) <= 30_000
    assert refusal(schema) == ""
    with pytest.raises(UnusableSchema, match="more than 30,000 characters"):
        portable_schema({"properties": {f"field_{n}": {"type": "string", "description": "d" * 90} for n in range(900)}})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYWORDS = (
    "type",
    "properties",
    "required",
    "items",
    "anyOf",
    "oneOf",
    "allOf",
    "enum",
    "const",
    "$ref",
    "description",
)
MORE_KEYWORDS = ("default", "additionalProperties", "prefixItems", "if", "then", "format", "minimum", "title")
KEYWORD = st.sampled_from(KEYWORDS + MORE_KEYWORDS)
SCHEMA = st.recursive(
    JSON | st.sampled_from(["string", "object", "array", ["object", "null"], "#", "#/properties"]),
    lambda inner: st.dictionaries(KEYWORD | st.text(max_size=4), inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=20,
)


@settings(max_examples=60)
@given(SCHEMA)
def test_whatever_a_server_sends_is_made_fit_or_refused_by_name(schema: Any) -> None:
    try:
        found = portable_schema(schema)
    except UnusableSchema:
        return
    assert refusal(found.parameters) == ""
