"""Normalises a JSON schema of tool arguments to the subset that OpenAI, Anthropic and Google all accept.

Providers refuse a whole request for one schema that they do not take: a choice at the top level, a list without
`items`, a key like `$top`, a reference, a list of types. What is shown has one object at the top, one type in each
place and no references; what the subset cannot say is said in descriptions, and the tool still checks its arguments.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from memento.nodes.tool_schemas.descriptions import described, values_said
from memento.nodes.tool_schemas.flattening import Flattening, Schema, types_of
from memento.nodes.tool_schemas.renames import Renames, fit_name, merged

MAX_CHARS: Final = 30_000
"""Of a schema as JSON; a larger one is shown with less detail."""

_DEPTHS: Final = (16, 6, 3, 2, 1)
_MAX_PARTS: Final = 2_000
_MAX_FORMS: Final = 16
_BOUNDS: Final = {
    "string": ("minLength", "maxLength"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "array": ("minItems", "maxItems"),
}
_CHOICE_CHARS: Final = 100
_ANYTHING: Final[list[dict[str, Any]]] = [
    *({"type": name} for name in ("string", "number", "boolean", "object")),
    {"type": "array", "items": {"type": "string"}},
]


class UnusableSchema(ValueError):
    """A schema that cannot describe a tool's arguments; the message says why."""


class PortableSchema(NamedTuple):
    """A tool's arguments as shown to a model."""

    parameters: Schema
    """JSON schema: an object with `properties`."""
    renames: Renames | None
    """Which properties have another name than the tool's own; None when none has."""


def portable_schema(schema: Any) -> PortableSchema:
    """Normalise the schema of a tool's arguments.

    Args:
        schema: a JSON schema of any draft, well made or not.

    Raises:
        UnusableSchema: the arguments are not an object, or the schema is too large to be shown.
    """
    root = schema if isinstance(schema, Mapping) else {}
    for depth in _DEPTHS:
        try:
            found = _Normalising(root, depth).arguments()
        except RecursionError:
            continue
        if len(json.dumps(found.parameters, default=str)) <= MAX_CHARS:
            return found
    raise UnusableSchema(f"its schema has more than {MAX_CHARS:,} characters")


class _Part(NamedTuple):
    schema: Schema
    renames: Renames | None = None


class _Normalising:
    """One schema being normalised; parts beyond the limits of depth or number may be anything."""

    def __init__(self, root: Mapping[str, Any], max_depth: int) -> None:
        self._flattening = Flattening(root)
        self._root = root
        self._max_depth = max_depth
        self._n_left = _MAX_PARTS

    def arguments(self) -> PortableSchema:
        """Normalise the root: one object, whatever alternatives it offers."""
        forms = self._flattening.alternatives(self._root)[:_MAX_FORMS]
        objects = [(form, path) for form, path in forms if not types_of(form) or "object" in types_of(form)]
        if not objects:
            raise UnusableSchema("its arguments are not a JSON object")
        wanted = [_required(form) for form, _ in objects]
        shared = [name for name in wanted[0] if all(name in names for names in wanted)]
        parts = [self._object(form, path, 0, shared) for form, path in objects]
        properties: dict[str, list[Schema]] = {}
        for part in parts:
            for name, below in part.schema["properties"].items():
                properties.setdefault(name, []).append(below)
        shown: Schema = {
            **{key: value for key, value in parts[0].schema.items() if key != "description"},
            "properties": {name: _one_of(schemas) for name, schemas in properties.items()},
        }
        if choice := _choice(wanted, shared):
            shown["description"] = choice
        renames = None
        for part in parts:
            renames = merged(renames, part.renames)
        return PortableSchema(shown, renames)

    def _value(self, schema: Any, path: tuple[str, ...], depth: int, *, may_be_absent: bool) -> _Part:
        self._n_left -= 1
        if depth >= self._max_depth or self._n_left <= 0:
            return _Part(_anything(schema))
        typed = [
            ({**form, "type": name}, way, name)
            for form, way in self._flattening.alternatives(schema, path)[:_MAX_FORMS]
            for name in types_of(form) or [""]
        ]
        # Null where nothing need be given says nothing; not every provider takes it.
        kinds = [one for one in typed if one[2] != "null"] if may_be_absent else typed
        parts = [self._typed(form, way, name, depth) for form, way, name in kinds]
        if not parts:
            return _Part(_anything(schema))
        shown = _one_of([part.schema for part in parts])
        if len(parts) > 1 and "anyOf" in shown:
            said = described(self._flattening.flat(schema, path)[0])
            shown = {**said, "anyOf": [_without(said, form) for form in shown["anyOf"]]}
        renames = None
        for part in parts:
            renames = merged(renames, part.renames)
        return _Part(shown, renames)

    def _typed(self, schema: Schema, path: tuple[str, ...], name: str, depth: int) -> _Part:
        """Normalise a part of one type."""
        if name == "object":
            return self._object(schema, path, depth, _required(schema))
        if name in ("", "null"):
            return _Part(_anything(schema) if not name else {"type": "null"})
        shown: Schema = {"type": name, **described(schema)}
        shown |= {key: schema[key] for key in _BOUNDS.get(name, ()) if _is_number(schema.get(key))}
        if name == "string":
            shown |= values_said(schema)
        if name != "array":
            return _Part(shown)
        part = self._items(schema, path, depth)
        return _Part({**shown, "items": part.schema}, Renames({}, {}, part.renames) if part.renames else None)

    def _items(self, schema: Schema, path: tuple[str, ...], depth: int) -> _Part:
        """Normalise a list's items; a tuple becomes a list of any of its items' types."""
        given = schema.get("items")
        places = given if isinstance(given, list) else schema.get("prefixItems")
        if isinstance(places, list) and places:
            given = {"anyOf": [*places, *([given] if isinstance(given, Mapping) else [])]}
        return self._value(given, path, depth + 1, may_be_absent=False)

    def _object(self, schema: Schema, path: tuple[str, ...], depth: int, wanted: list[str]) -> _Part:
        given = _properties(schema)
        properties: Schema = {}
        names: dict[str, str] = {}
        renames: dict[str, Renames] = {}
        for name, below in given.items():
            if below is False:
                continue
            part = self._value(below, path, depth + 1, may_be_absent=name not in wanted)
            fit = fit_name(name, [*given, *properties])
            properties[fit] = part.schema if fit == name else _renamed(part.schema, name)
            if fit != name:
                names[fit] = name
            if part.renames:
                renames[fit] = part.renames
        shown: Schema = {"type": "object", **described(schema), "properties": properties}
        own = {names.get(fit, fit): fit for fit in properties}
        if required := [own[name] for name in wanted if name in own]:
            shown["required"] = required
        others = None
        if not properties and (rest := schema.get("additionalProperties")):
            part = self._value(rest, path, depth + 1, may_be_absent=False)
            others, shown["additionalProperties"] = part.renames, True if rest is True else part.schema
        if not properties and depth:
            del shown["properties"]  # Google takes none that are empty
        is_renamed = names or renames or others
        return _Part(shown, Renames(names, renames, others=others) if is_renamed else None)


def _properties(schema: Schema) -> Mapping[str, Any]:
    given = schema.get("properties")
    return given if isinstance(given, Mapping) else {}


def _required(schema: Schema) -> list[str]:
    """Return the required properties; old drafts mark them at the property itself."""
    properties = _properties(schema)
    listed = schema.get("required")
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    names += [
        name for name, below in properties.items() if isinstance(below, Mapping) and below.get("required") is True
    ]
    return [name for name in dict.fromkeys(names) if name in properties]


def _renamed(schema: Schema, name: str) -> Schema:
    said = f"The tool's own name of it is {json.dumps(name[:80])}."
    return {**schema, "description": f"{schema.get('description', '')} {said}".strip()}


def _one_of(schemas: list[Schema]) -> Schema:
    """Merge alternatives into one schema."""
    forms = [schema for number, schema in enumerate(schemas) if schema not in schemas[:number]]
    if len(forms) == 1:
        return forms[0]
    if all("enum" in form for form in forms):
        values = list(dict.fromkeys(value for form in forms for value in form["enum"]))
        return {**forms[0], "enum": values}
    return {"anyOf": [inner for form in forms for inner in form.get("anyOf", [form])]}


def _without(said: Schema, form: Schema) -> Schema:
    """Return an alternative without the description that is given once for all of them."""
    is_said = form.get("description") == said.get("description")
    return {key: value for key, value in form.items() if key != "description" or not is_said}


def _choice(wanted: list[list[str]], shared: list[str]) -> str:
    """Describe which arguments belong together, where the tool offers alternatives."""
    groups = [", ".join(name for name in names if name not in shared)[:_CHOICE_CHARS] for names in wanted]
    named = list(dict.fromkeys(group for group in groups if group))
    return f"Give {' or '.join(f'({group})' for group in named)}." if len(named) > 1 else ""


def _anything(schema: Any) -> Schema:
    said = described(schema) if isinstance(schema, Mapping) else {}
    return {**said, "anyOf": list(_ANYTHING)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
