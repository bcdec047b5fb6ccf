"""Intents of erasures, kept as facts of the ledger until all their steps are done."""

import json
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from memento.memory.ledger import schema
from memento.memory.ledger.rows import CheckedConnection
from memento.memory.ledger.writes import LedgerWriter

_INTENT: Final = "erasing:"


@dataclass
class ErasureIntent:
    """An erasure under way, as the ledger keeps it."""

    namespace: str
    todo: list[str]
    scope: str = ""
    """Until the rows are erased; it may hold a text."""
    threads: list[str] | None = None
    """To be removed; None when the caller does not ask for it."""
    events: list[str] | None = None
    """Erased readings, and those that served an erased case: threads that hold one are removed, too."""


def erasure_intents(connection: CheckedConnection) -> dict[str, ErasureIntent]:
    """Erasures that are not done yet, by id."""
    facts = schema.facts.c
    query = select(facts.name, facts.value).where(facts.name.startswith(_INTENT, autoescape=True)).order_by(facts.name)
    return {name.removeprefix(_INTENT): ErasureIntent(**json.loads(value)) for name, value in connection.execute(query)}


def load_intent(writer: LedgerWriter, erasure_id: str) -> ErasureIntent | None:
    """The intent of an erasure; None when it is done."""
    value = writer.fact(_INTENT + erasure_id)
    return None if value is None else ErasureIntent(**json.loads(value))


def save_intent(writer: LedgerWriter, erasure_id: str, intent: ErasureIntent) -> None:
    """Keep what is left to do; with nothing left, the fact is dropped."""
    if intent.todo:
        writer.set_fact(_INTENT + erasure_id, json.dumps(intent.__dict__))
    else:
        writer.drop_fact(_INTENT + erasure_id)
