"""Imports a retrieval log of another system as events: cases served, the task, the outcome.

The log says nothing of how its cases were chosen. Its events carry the policy name `IMPORTED`, which no policy of ours
has; whoever weighs events by propensity must leave them out, because theirs are placeholders.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from memento.memory.case import Case
from memento.memory.errors import InvalidInput
from memento.memory.event import IMPORTED, Outcome, RetrievalEvent, Slot
from memento.memory.index.engines.port import Vector
from memento.memory.interchange import LoggedUse, ParsedLine
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.products import cosines

_EVENT_IDS = uuid.UUID("0d3d4f4e-8a57-5d0c-9a0b-6a0c7d1f2b63")


class Selection(NamedTuple):
    """The cases served for one task, with the outcome."""

    event_id: str
    """The same for the same content, so that importing again adds nothing."""
    served: LoggedUse
    cases: tuple[Case, ...]
    """Distinct, in the order of the log, each with its own reward as the log has it."""


class Group(NamedTuple):
    """Lines that are imported together or not at all."""

    lines: tuple[ParsedLine, ...]
    selection: Selection | None
    """None for a line that is no part of a retrieval log."""


class Kept(NamedTuple):
    """Numbers of new cases, events and outcomes of an import."""

    cases: int
    events: int
    outcomes: int


def grouped(lines: Iterable[ParsedLine]) -> Iterator[Group]:
    """Group consecutive lines of one task and outcome into a selection; other lines stay alone.

    A bad line inside a selection belongs to it: what is left of the selection is one selection still. One that the log
    holds several times was made several times, unless its copies follow each other directly.
    """
    seen: Counter[str] = Counter()
    block: list[ParsedLine] = []
    for line in lines:
        is_next = bool(block) and (line.case is None or line.served == block[0].served)
        if block and not is_next:
            yield _group(block, seen)
            block = []
        if block or line.served is not None:
            block.append(line)
        else:
            yield Group((line,), None)
    if block:
        yield _group(block, seen)


def append_selections(
    writer: LedgerWriter, selections: Sequence[Selection], *, vectors: Mapping[str, Vector]
) -> tuple[int, int]:
    """Append new events and outcomes; later feedback on a known event still counts.

    Args:
        writer: the transaction; it has the cases already.
        selections: what was served.
        vectors: the unit rows of all queries and case states, shape (dim,) each.

    Returns:
        How many events and how many outcomes were new.

    Raises:
        InvalidInput: a selection has the id of an event that was not imported.
    """
    n_events, n_outcomes = 0, 0
    for selection in selections:
        namespace = selection.cases[0].namespace
        known = writer.event(selection.event_id, namespace=namespace)
        event = known or writer.append_event(_event(selection, vectors))
        if event is None or event.policy != IMPORTED:  # another namespace's, or a reading of our own
            raise InvalidInput(f"{selection.event_id!r} is not the id of an imported event; see `grouped`")
        n_events += known is None
        outcome = _outcome(selection)
        if outcome.reward is not None and not writer.outcomes_of(outcome.event_id, namespace=namespace):
            writer.append_outcome(outcome)
            n_outcomes += 1
    if n_events or n_outcomes:
        for namespace in sorted({selection.cases[0].namespace for selection in selections}):
            writer.note(namespace, "import", f"{n_events} events", f"of a retrieval log, {n_outcomes} outcomes")
    return n_events, n_outcomes


def _group(block: list[ParsedLine], seen: Counter[str]) -> Group:
    served = block[0].served
    if served is None:
        raise AssertionError("a block begins with a line of the log")
    cases: dict[str, Case] = {}
    for line in block:
        if line.case is not None:
            cases.setdefault(line.case.id, line.case)
    distinct = tuple(cases.values())
    namespace = distinct[0].namespace
    content = "\x1f".join((namespace, served.query, *(case.id for case in distinct)))
    seen[content] += 1
    event_id = str(uuid.uuid5(_EVENT_IDS, f"{content}\x1f{seen[content]}"))
    return Group(tuple(block), Selection(event_id, served, distinct))


def _event(selection: Selection, vectors: Mapping[str, Vector]) -> RetrievalEvent:
    query = vectors[selection.served.query]
    return RetrievalEvent(
        id=selection.event_id,
        namespace=selection.cases[0].namespace,
        query=selection.served.query,
        policy=IMPORTED,
        n_outcomes=0,
        bank_version=0,
        slots=[
            Slot(
                slot=number,
                case_id=case.id,
                similarity=float(cosines(vectors[case.state][None], query)[0]),
                score=0.0,  # not recorded
                propensity=1.0,
                own_reward=case.reward,
            )
            for number, case in enumerate(selection.cases)
        ],
    )


def _outcome(selection: Selection) -> Outcome:
    return Outcome(
        key=f"{selection.event_id}:import",
        event_id=selection.event_id,
        namespace=selection.cases[0].namespace,
        reward=selection.served.reward,
        evaluator="import",
    )
