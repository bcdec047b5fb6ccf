"""Resolves references, `allOf` and conditions of a JSON schema into keywords that every provider supports."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

Schema = dict[str, Any]

_MAX_RECURSION: Final = 2
"""How often a definition may contain itself; what lies deeper may be anything."""

_MAX_STEPS: Final = 4_000
"""Definitions that lead to each other have more forms than anybody can count."""

_VARIANTS: Final = ("anyOf", "oneOf")
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_CONDITIONS: Final = ("if", "then", "else", "not", "dependentSchemas", "dependentRequired", "dependencies")
_RESOLVED: Final = frozenset({*_REFERENCES, *_CONDITIONS, "allOf"})


class Flattening:
    """Resolver for one schema."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        """Keep the root schema, the target of references."""
        self._root = root
        self._n_left = _MAX_STEPS

    def flat(self, schema: Any, path: tuple[str, ...] = ()) -> tuple[Schema, tuple[str, ...]]:
        """Return a part without references, `allOf` and conditions; `anyOf` and `oneOf` are left.

        Args:
            schema: the part; `true` and anything that is not a schema allow any value.
            path: the references that led here.

        Returns:
            The part, and the references that led to it.
        """
        self._n_left -= 1
        if not isinstance(schema, Mapping) or self._n_left < 0:
            return {}, path
        flat: Schema = {key: value for key, value in schema.items() if key not in _RESOLVED}
        for key in _REFERENCES:
            reference = schema.get(key)
            if isinstance(reference, str) and path.count(reference) < _MAX_RECURSION:
                target, path = self.flat(self._target(reference), (*path, reference))
                flat = both(flat, target)
        for part in _list(schema.get("allOf")):
            found, path = self.flat(part, path)
            flat = both(flat, found)
        for keyword in ("then", "else"):
            found, path = self.flat(schema.get(keyword), path)
            flat = both(flat, {key: value for key, value in found.items() if key != "required"})
        return flat, path

    def alternatives(self, schema: Any, path: tuple[str, ...] = ()) -> list[tuple[Schema, tuple[str, ...]]]:
        """Return the alternatives of a part, each without variants of its own; one when there is no choice."""
        flat, path = self.flat(schema, path)
        keyword = next((key for key in _VARIANTS if _list(flat.get(key))), None)
        base = {key: value for key, value in flat.items() if key not in _VARIANTS}
        if keyword is None:
            return [(base, path)]
        return [
            (both(form, base), way)
            for option in _list(flat[keyword])
            if option is not False
            for form, way in self.alternatives(option, path)
        ]

    def _target(self, reference: str) -> Any:
        """Resolve a reference; one that leads outside the schema or nowhere may be anything."""
        if not reference.startswith("#"):
            return {}
        found: Any = self._root
        for step in unquote(reference[1:]).split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                return {}
        return found


def both(one: Mapping[str, Any], other: Mapping[str, Any]) -> Schema:
    """Intersect two schemas; where they contradict each other, the first counts."""
    joined: Schema = {**other, **one}
    if properties := {**_dict(one.get("properties")), **_dict(other.get("properties"))}:
        for name in _dict(one.get("properties")).keys() & _dict(other.get("properties")).keys():
            mine, theirs = one["properties"][name], other["properties"][name]
            properties[name] = mine if mine == theirs else {"allOf": [mine, theirs]}
        joined["properties"] = properties
    if required := [*_list(one.get("required")), *_list(other.get("required"))]:
        joined["required"] = required
    types = set(types_of(one)) & set(types_of(other))
    if types:
        joined["type"] = [name for name in types_of(one) if name in types]
    if isinstance(one.get("enum"), list) and isinstance(other.get("enum"), list):
        joined["enum"] = [value for value in one["enum"] if value in other["enum"]] or one["enum"]
    return joined


_ALIASES: Final = {
    "str": "string",
    "text": "string",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "decimal": "number",
    "bool": "boolean",
    "dict": "object",
    "map": "object",
    "list": "array",
    "tuple": "array",
    "set": "array",
    "none": "null",
}
_TYPES: Final = ("string", "integer", "number", "boolean", "object", "array", "null")
_TOLD_BY: Final = {
    "object": ("properties", "required", "additionalProperties", "patternProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "string": ("pattern", "minLength", "maxLength", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def types_of(schema: Mapping[str, Any]) -> list[str]:
    """Return the JSON types that a schema names or implies; empty when it may be anything."""
    named = schema.get("type")
    given = [name for name in (named if isinstance(named, list) else [named]) if isinstance(name, str)]
    known = [_ALIASES.get(name.lower(), name.lower()) for name in given]
    if known := [name for name in dict.fromkeys(known) if name in _TYPES]:
        return known
    if values := values_of(schema):
        return list(dict.fromkeys(type_of(value) for value in values))
    return next(([name] for name, keywords in _TOLD_BY.items() if any(key in schema for key in keywords)), [])


def values_of(schema: Mapping[str, Any]) -> list[Any]:
    """Return the enumerated values of a schema; empty when it does not enumerate any."""
    return [schema["const"]] if "const" in schema else list(_list(schema.get("enum")))


def type_of(value: Any) -> str:
    """Return the JSON type of a value."""
    if value is None:
        return "null"
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object"


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
