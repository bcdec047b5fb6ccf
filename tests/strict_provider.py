"""The tool rules of the strictest provider: what OpenAI, Anthropic, Bedrock or Google refuse, in the words of each."""

import re
from collections.abc import Callable
from typing import Any, Final

from tests.scripted import Refusal

BOUNDED: Final = ("imum", "Items", "Length")
TYPES: Final = ("string", "integer", "number", "boolean", "object", "array", "null")
KEYWORDS: Final = {
    "type",
    "description",
    "enum",
    "properties",
    "required",
    "items",
    "anyOf",
    "additionalProperties",
} | {f"{end}{what}" for end, whats in (("min", BOUNDED), ("max", BOUNDED)) for what in whats}


def complaint(tools: list[dict[str, Any]]) -> str:
    """What a provider says of the first tool that it refuses; empty when it takes them all."""
    names = [tool["function"]["name"] for tool in tools]
    if len(tools) > 128:
        return "Invalid 'tools': array too long. Expected an array with maximum length 128."
    for number, tool in enumerate(tools):
        function = tool["function"]
        name, schema = function["name"], function.get("parameters", {})
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
            return f"Invalid 'tools[{number}].function.name': string does not match pattern '^[a-zA-Z0-9_-]+$'."
        if names.count(name) > 1:
            return f"tools.{number}: Tool names must be unique."
        if len(function.get("description", "")) > 1024:
            return f"Invalid 'tools[{number}].function.description': string too long."
        if schema.get("type") != "object":
            return f"Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"'"
        for keyword in ("oneOf", "anyOf", "allOf", "enum", "not"):
            if keyword in schema:
                return f"Invalid schema for function '{name}': schema must not have '{keyword}' at the top level."
        if problem := _problem(schema, 0):
            return f"GenerateContentRequest.tools[0].function_declarations[{number}].parameters: {problem}"
    return ""


def _problem(schema: Any, depth: int) -> str:
    if not isinstance(schema, dict) or depth > 24:
        return "must be a schema"
    if unknown := schema.keys() - KEYWORDS:
        return f"Unknown name {sorted(unknown)[0]!r}"
    if "anyOf" in schema:
        parts = schema["anyOf"]
        return next((found for part in parts if (found := _problem(part, depth + 1))), "" if parts else "empty anyOf")
    kind = schema.get("type")
    if kind not in TYPES:
        return f"Invalid value at 'type': {kind!r}"
    if not isinstance(schema.get("required", []), list):
        return "required: must be a list"
    values = schema.get("enum", ["x"])
    if len(values) > 500:
        return "Expected at most 500 enum values"
    if not values or (kind != "string" and "enum" in schema) or not all(isinstance(v, str) and v for v in values):
        return "enum: only allowed for STRING type, and not empty"
    if kind == "array":
        return _problem(schema.get("items"), depth + 1) and f"items: {_problem(schema.get('items'), depth + 1)}"
    if kind == "object":
        return _problem_of_object(schema, depth)
    return ""


def _problem_of_object(schema: dict[str, Any], depth: int) -> str:
    properties = schema.get("properties", {})
    if depth and "properties" in schema and not properties:
        return "should be non-empty for OBJECT type"
    for name, below in properties.items():
        if not re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", name):
            return f"Property keys should match pattern '^[a-zA-Z0-9_.-]{{1,64}}$': {name!r}"
        if problem := _problem(below, depth + 1):
            return f"properties[{name}]: {problem}"
    required = schema.get("required", ["x"])
    if (
        not required
        or len(set(required)) != len(required)
        or ("required" in schema and set(required) - set(properties))
    ):
        return "required: property is not defined"
    others = schema.get("additionalProperties", True)
    return "" if isinstance(others, bool) else _problem(others, depth + 1)


def strict(answer: Callable[[dict[str, Any]], Any], *, refuses: str = "") -> Callable[[dict[str, Any]], Any]:
    """A server's answer function that refuses what the strictest provider refuses.

    Args:
        answer: what it says to a request that passes.
        refuses: a word that it takes in no tool's description, for no reason that anybody could know before.
    """

    def checked(body: dict[str, Any]) -> Any:
        tools = body.get("tools", [])
        if problem := complaint(tools):
            return Refusal(400, problem)
        for number, tool in enumerate(tools):
            if refuses and refuses in tool["function"].get("description", ""):
                return Refusal(400, f"tools.{number}.custom.input_schema: JSON schema is invalid.")
        return answer(body)

    return checked
