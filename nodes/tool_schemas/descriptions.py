"""Moves unsupported schema keywords into the description text."""

import json
from collections.abc import Mapping
from typing import Any, Final

from memento.nodes.tool_schemas.flattening import values_of

MAX_CHARS: Final = 1_000
"""Of one description."""

_MAX_VALUES: Final = 200
_MAX_VALUE_CHARS: Final = 4_000
_SAID_CHARS: Final = 200
_LABELS: Final = {
    "format": "Format",
    "pattern": "Pattern",
    "default": "Default",
    "exclusiveMinimum": "More than",
    "exclusiveMaximum": "Less than",
    "multipleOf": "Multiple of",
}


def described(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return the `description` of a part, including what no keyword can express; empty when there is nothing to say."""
    text = schema.get("description")
    notes = [str(text)[:MAX_CHARS].strip()] if isinstance(text, str) else []
    for keyword, label in _LABELS.items():
        value = schema.get(keyword)
        if value is not None and not isinstance(value, bool | list | dict):
            notes.append(f"{label}: {json.dumps(value, ensure_ascii=False)[:_SAID_CHARS]}.")
        elif keyword == "default" and value is not None:
            notes.append(f"{label}: {json.dumps(value, ensure_ascii=False, default=str)[:_SAID_CHARS]}.")
    values = [value for value in values_of(schema) if value is not None]
    if values and not _is_enum(values):
        said = ", ".join(json.dumps(value, ensure_ascii=False, default=str) for value in values[:_MAX_VALUES])
        notes.append(f"One of: {said[:_SAID_CHARS]}{'...' if len(said) > _SAID_CHARS else '.'}")
    return {"description": " ".join(notes)} if notes else {}


def values_said(schema: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the `enum` of texts that every provider accepts; empty when values are only described."""
    values = [value for value in values_of(schema) if value is not None]
    return {"enum": list(dict.fromkeys(values))} if values and _is_enum(values) else {}


def _is_enum(values: list[Any]) -> bool:
    texts = [value for value in values if isinstance(value, str) and value]
    return len(texts) == len(values) <= _MAX_VALUES and sum(map(len, texts)) <= _MAX_VALUE_CHARS
