"""Form of the per-run settings, as Studio and Open Agent Platform draw it from their JSON schema.

Each setting names its title, group and nodes. What a form needs beside (the widget, its bounds and options) is derived
from the setting's own validation, so that a form accepts what a run accepts:

    group                        heading under which settings of one kind are shown
    langgraph_nodes              Studio edits the setting at these nodes
    langgraph_type               `prompt` or `model`: Studio edits it as such
    metadata.x_oap_ui_config     widget of Open Agent Platform: label, type, default, min, max, step, options
"""

from typing import Any, Final, Literal

_MAX_SLIDER: Final = 1_000
"""A slider with more steps cannot be set to a number."""


def in_form(group: str, *nodes: str, kind: Literal["prompt", "model"] | None = None) -> dict[str, Any]:
    """Return where a setting stands in the form: `json_schema_extra` of its field.

    Args:
        group: heading.
        nodes: that use it.
        kind: what it is edited as.
    """
    return {"group": group, "langgraph_nodes": list(nodes)} | ({"langgraph_type": kind} if kind else {})


def draw_form(schema: dict[str, Any]) -> None:
    """Add the widgets to the JSON schema of a settings class: its `json_schema_extra`."""
    for name, field in schema.get("properties", {}).items():
        field.setdefault("metadata", {}).setdefault("x_oap_ui_config", _widget(name, field))


def _widget(name: str, field: dict[str, Any]) -> dict[str, Any]:
    # An optional setting's bounds are those of its only other form.
    forms = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
    # One of several forms, a text among them, is written as text.
    texts = [one for one in forms if one.get("type") == "string"]
    values = forms[0] if len(forms) == 1 else {"type": "string"} if texts else {}
    widget = {"label": field.get("title", name), "type": "text", **_kind(field, values)}
    if "description" in field:
        widget["description"] = field["description"]
    if field.get("default") is not None:
        widget["default"] = field["default"]
    return widget


def _kind(field: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    kind = values.get("type")
    if "enum" in values:
        return {"type": "select", "options": [{"label": _words(one), "value": one} for one in values["enum"]]}
    if kind == "boolean":
        return {"type": "boolean"}
    if kind in ("integer", "number"):
        return _number(kind, values)
    if field.get("langgraph_type") == "prompt":
        return {"type": "textarea"}
    return {"type": "text" if kind == "string" else "json"}


def _number(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    # An open bound (above 0) is none that a widget can be set to.
    least, most = values.get("minimum"), values.get("maximum")
    bounds = {name: bound for name, bound in (("min", least), ("max", most)) if bound is not None}
    is_slider = kind == "integer" and least is not None and most is not None and most - least <= _MAX_SLIDER
    step = {"step": 1} if kind == "integer" else {}
    return {"type": "slider" if is_slider else "number", **bounds, **step}


def _words(value: Any) -> str:
    return str(value).replace("_", " ").capitalize()
