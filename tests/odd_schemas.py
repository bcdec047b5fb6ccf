"""Schemas of tool arguments as extensions bring them: legal JSON Schema or not, each refused by some provider."""

from typing import Any, Final

S: Final[dict[str, Any]] = {"type": "string"}


def _tower(depth: int) -> dict[str, Any]:
    return {"type": "object", "properties": {"in": _tower(depth - 1)}} if depth else S


def _tangle(n: int) -> dict[str, Any]:
    """Definitions that all lead to each other: written out, there are more of them than can be counted."""
    names = [f"D{number}" for number in range(n)]
    every = [{"$ref": f"#/$defs/{name}"} for name in names]
    part = {"allOf": every, "anyOf": every, "properties": dict(zip(names, every, strict=True))}
    return {"type": "object", "properties": {"d": every[0]}, "$defs": dict.fromkeys(names, part)}


ODD: Final[dict[str, Any]] = {
    "top_any_of": {
        "type": "object",
        "properties": {"id": S, "name": S},
        "anyOf": [{"required": ["id"]}, {"required": ["name"]}],
    },
    "top_one_of": {
        "oneOf": [
            {"type": "object", "properties": {"kind": {"const": "file"}, "path": S}, "required": ["kind", "path"]},
            {"type": "object", "properties": {"kind": {"const": "url"}, "url": S}, "required": ["kind", "url"]},
        ]
    },
    "top_all_of": {"allOf": [{"properties": {"a": S}, "required": ["a"]}, {"properties": {"b": {"type": "integer"}}}]},
    "top_ref": {"$ref": "#/definitions/Args", "definitions": {"Args": {"type": "object", "properties": {"q": S}}}},
    "top_not": {"type": "object", "properties": {"a": S}, "not": {"required": ["b"]}, "enum": [{"a": "x"}]},
    "no_type": {"properties": {"a": S}},
    "nothing": {},
    "nullable_root": {"type": ["object", "null"], "properties": {"a": S}},
    "list_without_items": {
        "type": "object",
        "properties": {"rows": {"type": "array"}, "ids": {"type": "array", "items": True}},
    },
    "tuple": {"type": "object", "properties": {"at": {"type": "array", "prefixItems": [{"type": "number"}, S]}}},
    "old_tuple": {"type": "object", "properties": {"at": {"type": "array", "items": [{"type": "number"}, S]}}},
    "odd_keys": {
        "type": "object",
        "properties": {"$top": {"type": "integer"}, "filter[name]": S, "ключ": S, "": S, "x" * 90: S},
        "required": ["$top", "filter[name]"],
    },
    "odd_keys_below": {
        "type": "object",
        "properties": {
            "rows": {"type": "array", "items": {"type": "object", "properties": {"@id": S}, "required": ["@id"]}},
            "by_name": {"type": "object", "additionalProperties": {"type": "object", "properties": {"a b": S}}},
        },
    },
    "many_types": {
        "type": "object",
        "properties": {"v": {"type": ["string", "integer", "null"]}, "w": {"type": ["object", "null"]}},
    },
    "null_required": {"type": "object", "properties": {"v": {"type": ["string", "null"]}}, "required": ["v"]},
    "no_types_below": {
        "type": "object",
        "properties": {"a": {}, "b": True, "c": False, "d": {"description": "free"}, "e": "text"},
    },
    "numbers_to_choose": {
        "type": "object",
        "properties": {"n": {"enum": [1, 2, 3]}, "m": {"enum": ["a", 1, None]}, "k": {"const": 5}},
    },
    "empty_choice": {
        "type": "object",
        "properties": {"a": {"type": "string", "enum": ["", "x"]}, "b": {"type": "string", "enum": []}},
    },
    "unknown_required": {"type": "object", "properties": {"a": S}, "required": ["a", "a", "zzz", 7]},
    "required_at_the_field": {"type": "object", "properties": {"a": {"type": "string", "required": True}}},
    "foreign_words": {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "properties": {
            "a": {"type": "str", "x-order": 1, "example": "q", "pattern": "^(?=a)", "default": "b"},
            "n": {"type": "int"},
        },
        "additionalProperties": False,
        "patternProperties": {"^x-": S},
        "unevaluatedProperties": False,
    },
    "conditions": {
        "type": "object",
        "properties": {"a": S},
        "if": {"properties": {"a": {"const": "x"}}},
        "then": {"properties": {"b": S}, "required": ["b"]},
        "dependentRequired": {"a": ["b"]},
    },
    "recursive": {
        "type": "object",
        "properties": {"tree": {"$ref": "#/$defs/Node"}},
        "$defs": {
            "Node": {
                "type": "object",
                "properties": {"value": S, "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
            }
        },
    },
    "lost_references": {
        "type": "object",
        "properties": {"a": {"$ref": "#/nowhere"}, "b": {"$ref": "https://h/s.json"}, "c": {"$dynamicRef": "#x"}},
    },
    "deep": _tower(60),
    "tangled": _tangle(20),
    "many_values": {
        "type": "object",
        "properties": {"code": {"type": "string", "enum": [f"code-{n}" for n in range(900)]}},
    },
}
"""Name of a tool to the schema of its arguments."""

HOPELESS: Final[dict[str, Any]] = {
    "a_list": {"type": "array", "items": S},
    "a_text": {"type": "string"},
    "lists_to_choose": {"anyOf": [{"type": "array"}, {"type": "string"}]},
}
"""Those that no normalising makes a tool's arguments of."""
