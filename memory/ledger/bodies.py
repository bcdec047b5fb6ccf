"""Records as JSON bodies with a schema number, and upcasters that read bodies of earlier releases.

A body without a number is of schema 1, which releases until November 2026 wrote. Fields of a newer schema are kept in
the record as they are, with its number, and written back when the record is changed here.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from memento.memory.event import RetrievalEvent
from memento.memory.record import Record

R = TypeVar("R", bound=Record)

BODY_SCHEMA: Final = 2
_NUMBER: Final = "schema"
_PREFIX: Final = f'{{"{_NUMBER}":{BODY_SCHEMA},'

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


def _event_1_to_2(body: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 says `n_outcomes` where schema 1 said `policy_version`, which it never was."""
    return {("n_outcomes" if name == "policy_version" else name): value for name, value in body.items()}


_UPCASTERS: Final[Mapping[tuple[type[Record], int], Upcaster]] = MappingProxyType({(RetrievalEvent, 1): _event_1_to_2})


def encode_body(record: Record, *, exclude: set[str] | None = None) -> str:
    """Serialise a record as a JSON object that begins with its schema number.

    Args:
        record: what to encode.
        exclude: fields that have columns of their own.
    """
    text = record.model_dump_json(exclude=exclude)
    return text if _NUMBER in (record.model_extra or {}) else f"{_PREFIX}{text[1:]}"


def decode_body(kind: type[R], body: str, columns: Mapping[str, Any] = MappingProxyType({})) -> R:
    """Parse the record of a JSON body.

    Args:
        kind: its class.
        body: JSON of any schema.
        columns: fields that are kept in columns of their own, not in the body.

    Raises:
        ValueError: not JSON, or not a record of this kind that this release understands.
    """
    if body.startswith(_PREFIX) and not columns:
        return kind.model_validate_json("{" + body[len(_PREFIX) :])
    fields = json.loads(body)
    if not isinstance(fields, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  like every other fault of a body
    fields = upcast(kind, fields)
    try:
        return kind.model_validate({**fields, **columns})
    except ValueError as error:
        if _NUMBER in fields:
            raise ValueError(
                f"a newer release wrote it, in schema {fields[_NUMBER]}; this one reads {BODY_SCHEMA}"
            ) from error
        raise


def upcast(kind: type[Record], fields: dict[str, Any]) -> dict[str, Any]:
    """Convert fields to the current schema; those of a newer one stay as they are, with its number.

    Raises:
        ValueError: the schema is not a number of one.
    """
    number = fields.get(_NUMBER, 1)
    if not isinstance(number, int) or number < 1:
        raise ValueError(f"its schema is {number!r}")
    if number > BODY_SCHEMA:
        return fields
    fields = {name: value for name, value in fields.items() if name != _NUMBER}
    for step in range(number, BODY_SCHEMA):
        fields = _UPCASTERS.get((kind, step), _unchanged)(fields)
    return fields


def _unchanged(fields: dict[str, Any]) -> dict[str, Any]:
    return fields
