"""Bounded JSON schemas for small models: every string and list has a maximum, objects take no extra keys.

Constrained decoding guarantees valid JSON only if the model gets to the closing brace. Small models ramble, so the
bounds go into the grammar itself. Keywords beyond the common subset are dropped; pydantic still checks them afterwards.
"""

from collections.abc import Mapping
from typing import Any

_KEPT = ("description", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "required")
_MAX_OPEN_KEYS = 8


def bounded_schema(schema: Mapping[str, Any], *, max_text: int, max_items: int) -> dict[str, Any]:
    """Rewrite a JSON schema so that its longest instance is finite.

    Args:
        schema: a JSON schema; references may be recursive.
        max_text: longest string, in characters.
        max_items: longest list.

    Returns:
        A new schema whose instances are instances of the old one, as far as the dropped keywords allow. An open object
        (any key) is bounded by `maxProperties`, which llama.cpp's grammar ignores: avoid open objects in schemas.
    """

    def bound(part: Any) -> dict[str, Any]:
        if not isinstance(part, Mapping):
            return {"type": "string", "maxLength": max_text}  # `true`: anything goes
        if "$ref" in part:
            return {"$ref": part["$ref"]}
        if "enum" in part or "const" in part:
            return {key: part[key] for key in ("type", "description", "enum", "const") if key in part}
        for keyword in ("anyOf", "oneOf", "allOf"):
            options = part.get(keyword, [])
            if len(options) == 1:  # pydantic's way to describe a reference
                return bound({**part, keyword: [], **options[0]})
            if options:
                return {"anyOf": [bound(option) for option in options]}
        kind = part.get("type", "object" if "properties" in part else "string")
        if isinstance(kind, list):
            return {"anyOf": [bound({**part, "type": one}) for one in kind]}
        kept = {"type": kind, **{key: part[key] for key in _KEPT if key in part}}
        if kind == "string":
            kept |= _least(part, "minLength", max_text) | _cap(part, "maxLength", max_text)
        elif kind == "array":
            kept |= _least(part, "minItems", max_items) | _cap(part, "maxItems", max_items)
            kept["items"] = bound(part.get("items", True))
        elif kind == "object":
            kept |= _bound_keys(part)
        return kept

    def _bound_keys(part: Mapping[str, Any]) -> dict[str, Any]:
        extra = part.get("additionalProperties", "properties" not in part)
        if "properties" not in part and extra is not False:
            return {"additionalProperties": bound(extra), "maxProperties": _MAX_OPEN_KEYS}
        properties = {name: bound(value) for name, value in part.get("properties", {}).items()}
        return {"properties": properties, "additionalProperties": False}

    result = bound(schema)
    if definitions := schema.get("$defs"):
        result["$defs"] = {name: bound(value) for name, value in definitions.items()}
    return result


def _cap(part: Mapping[str, Any], keyword: str, limit: int) -> dict[str, int]:
    return {keyword: min(int(part.get(keyword, limit)), limit)}


def _least(part: Mapping[str, Any], keyword: str, limit: int) -> dict[str, int]:
    return {keyword: min(int(part[keyword]), limit)} if keyword in part else {}
