"""Names of environment variables, messages about those that do not parse or are misspelt, and what several share."""

from collections.abc import Mapping
from difflib import get_close_matches

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from memento.nodes.misfit import fault_sentence

PREFIX = "MEMENTO_"

_OTHER_VARIABLES = frozenset({"MEMENTO_EXECUTION"})
"""Set by our own sandbox, for what runs in it."""

_REMOVED = {
    "MEMENTO_COMMUNITY_TOOLS": "langchain-community is no longer maintained; give its tools to Deps(tools=...), as any "
    "LangChain tool, or name an MCP server that has them in MEMENTO_MCP"
}
"""Settings of earlier releases, each with what to use instead."""


def variable(field_name: str | None, fields: Mapping[str, FieldInfo]) -> str:
    """Return the environment variable of a setting."""
    field = fields.get(field_name or "")
    alias = field.validation_alias if field is not None else None
    return alias if isinstance(alias, str) else f"{PREFIX}{str(field_name).upper()}"


def setting_faults(error: ValidationError, fields: Mapping[str, FieldInfo]) -> list[str]:
    """Describe each invalid setting under its variable's name: `MEMENTO_POLICY should be ...`."""
    faults = [(str(fault["loc"][0]), fault) for fault in error.errors(include_url=False)]
    return [fault_sentence(name if name.isupper() else variable(name, fields), fault) for name, fault in faults]


def removed_settings(environment: Mapping[str, str]) -> list[str]:
    """Describe each set variable whose setting was removed, and what to use instead."""
    given = {name.upper() for name, value in environment.items() if value}
    return [f"{name} is no longer supported: {instead}" for name, instead in _REMOVED.items() if name in given]


def unknown_variables(environment: Mapping[str, str], fields: Mapping[str, FieldInfo]) -> dict[str, str]:
    """Return unknown `MEMENTO_*` variables, each with the setting it resembles, or empty."""
    known = {variable(name, fields) for name in fields}
    ours = sorted(name.removeprefix(PREFIX) for name in known if name.startswith(PREFIX))
    given = (name for name, value in environment.items() if value and name.upper().startswith(PREFIX))
    unknown = sorted(name for name in given if name.upper() not in known | _OTHER_VARIABLES | _REMOVED.keys())
    resembled = {name: get_close_matches(name.upper().removeprefix(PREFIX), ours, n=1) for name in unknown}
    return {name: f"{PREFIX}{found[0]}" if found else "" for name, found in resembled.items()}


def listed(text: str) -> tuple[str, ...]:
    """Return the parts of a text between commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def checked_key(key: SecretStr | None) -> SecretStr | None:
    """Return an API key as it was given.

    Raises:
        ValueError: it has a character that no key has.
    """
    text = key.get_secret_value() if key is not None else "key"
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("contains a space, a line end or a character that no key has; copy it again")
    return key
