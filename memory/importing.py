"""Imports cases and attempts from elsewhere: texts and rewards only, never event ids, status or evaluator.

Ids of events, trust, version and evaluator count only where this ledger has them itself. So a file cannot write into
another case, bring back what a person has retired, or speak for a person. A name that begins with `import:` says itself
that it comes from a file, and is kept.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError

from memento.memory.case import PLAN, Case, CaseKind, Provenance, case_id, storable_record
from memento.memory.errors import InvalidInput
from memento.memory.event import IMPORTED, Outcome, RetrievalEvent
from memento.memory.experience import Experience, bounded_case
from memento.memory.ledger.picture_rows import kept_pictures, save_picture
from memento.memory.ledger.writes import LedgerWriter
from memento.memory.pictures import CasePicture
from memento.memory.task_keys import checked_key

IMPORT = "import"
"""Evaluator recorded for imported cases."""
FROM_IMPORT = f"{IMPORT}:"
"""Beginning of evaluators and threads that an import may name: `import:langsmith:correctness`."""

_ATTEMPT_IDS = uuid.UUID("5b7f4c1e-2a0d-5f43-9d0e-7c1f0a9b3e55")

_OUTSIDE = {"trust", "version", "created_at"}
"""Fields of a case that no import decides."""


def importable(case: Case) -> Case:
    """A finished case with what an import takes over, and nothing else: fields that are not known here are left out.

    Raises:
        InvalidInput: its id is not that of its contents (see `case_id`), or one of its values is not valid.
    """
    fields = case.model_dump(include=set(Case.model_fields) - _OUTSIDE, warnings=False)
    if isinstance(provenance := fields["provenance"], dict):
        fields["provenance"] = {name: provenance[name] for name in Provenance.model_fields if name in provenance}
    if isinstance(tally := fields.get("tally"), dict):  # its versions are another ledger's
        fields["tally"] = {name: tally[name] for name in ("n", "total", "squares") if name in tally}
    try:
        valid = storable_record(Case.model_validate(fields))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise InvalidInput(f"case {case.id!r}: `{'.'.join(map(str, first['loc']))}`: {first['msg']}") from error
    checked_key(valid.key)
    if valid.id != valid.own_id:
        raise InvalidInput(f"{case.id!r} is not the id of its namespace, state, action, key and kind; see `case_id`")
    return bounded_case(valid)


def import_cases(
    writer: LedgerWriter, cases: Sequence[Case], *, is_trusted: bool, pictures: Sequence[CasePicture] = ()
) -> int:
    """Append the cases that are new; stored ones, whatever version a file gives them, are left unchanged.

    Args:
        writer: the transaction.
        cases: as `importable` gives them.
        is_trusted: if not, they go into quarantine, each with a line of audit.
        pictures: of the cases; what is neither here nor kept in their namespace, a case is left without.

    Returns:
        How many were new.
    """
    given = Counter(case.namespace for case in cases)
    fresh: dict[str, Case] = {}
    for case in cases:
        fresh.setdefault(case.id, case)
    for known in [one.id for one in fresh.values() if writer.head(one.id, namespace=one.namespace) is not None]:
        del fresh[known]
    imported = [
        _without_authority(writer, case, is_trusted=is_trusted)
        for case in _with_kept_pictures(writer, list(fresh.values()), {one.hash: one for one in pictures})
    ]
    n_new = writer.append_revisions(imported)
    source = "from a trusted source" if is_trusted else "from an unknown source"
    for namespace, n_cases in sorted(Counter(case.namespace for case in imported).items()):
        writer.note(namespace, "import", f"{n_cases} cases", f"{source}, {given[namespace]} given")
    for case in imported:
        if not is_trusted:
            writer.note(case.namespace, "quarantine", case.id, "imported from an unknown source")
    return n_new


def _with_kept_pictures(
    writer: LedgerWriter, cases: Sequence[Case], given: Mapping[str, CasePicture]
) -> Iterator[Case]:
    """The cases, each with its picture saved, or without it where nobody has it."""
    for case in cases:
        if not case.picture:
            yield case
        elif case.picture in given:
            save_picture(writer, given[case.picture], namespace=case.namespace)
            yield case
        else:
            is_kept = bool(kept_pictures(writer, [case.picture], namespace=case.namespace))
            yield case if is_kept else case.model_copy(update={"picture": ""})


def _without_authority(writer: LedgerWriter, case: Case, *, is_trusted: bool) -> Case:
    """The case as new experience; only a status that keeps it from being served is taken over."""
    status = "quarantined" if case.status == "active" and not is_trusted else case.status
    status = "retired" if status == "erased" else status
    own = _own_outcome(writer, case)
    if own is None or own.attempt is None:
        given = case.provenance
        provenance = Provenance(
            models=given.models,
            evaluator=_imported(given.evaluator) or IMPORT,
            thread_id=_imported(given.thread_id),
            ground=given.ground,
            written_from=given.written_from,
        )
        return case.model_copy(update={"status": status, "provenance": provenance})
    provenance = Provenance(
        event_id=own.event_id, thread_id=own.attempt.thread_id, models=own.attempt.models, evaluator=own.evaluator
    )
    return case.model_copy(update={"status": status, "provenance": provenance, "confidence": own.confidence})


def _imported(name: str | None) -> str | None:
    """The name, where it says that it comes from an import."""
    return name if name is not None and name.startswith(FROM_IMPORT) else None


def attempt_event_id(namespace: str, state: str, action: str, *, key: str = "", kind: CaseKind = PLAN) -> str:
    """The event id of an imported attempt whose outcome is unknown: the same attempt always has the same."""
    return str(uuid.uuid5(_ATTEMPT_IDS, case_id(namespace, state, action, key=key, kind=kind)))


def _event_id(attempt: Experience, namespace: str) -> str:
    return attempt_event_id(namespace, attempt.state, attempt.action, key=attempt.key, kind=attempt.kind)


def import_attempts(writer: LedgerWriter, attempts: Sequence[Experience], *, namespace: str) -> int:
    """Append attempts whose outcome is unknown, each as an event that waits for feedback and serves no case.

    Attempts that are there already, waiting or as a case, are left unchanged. The events are marked as degraded: which
    cases were served is not known, so that no estimate learns from them, whatever feedback comes.

    Returns:
        How many were new.
    """
    writer.look_up(
        events=[_event_id(one, namespace) for one in attempts],
        cases=[one.id_in(namespace) for one in attempts],
        namespaces=[namespace],
    )
    n_new = 0
    for one in attempts:
        event_id = _event_id(one, namespace)
        is_case = writer.head(one.id_in(namespace), namespace=namespace) is not None
        if is_case or writer.event(event_id, namespace=namespace) is not None:
            continue
        event = RetrievalEvent(
            id=event_id,
            namespace=namespace,
            query=one.state,
            policy=IMPORTED,
            n_outcomes=0,
            bank_version=0,
            is_degraded=True,
            key=one.key,
            kind=one.kind,
        )
        recorded = writer.append_event(event)
        if recorded is None:
            raise InvalidInput(f"the id {event_id!r} of an imported attempt is another namespace's")
        if recorded is not event:  # another process was faster
            continue
        if one.checked_picture is not None:
            save_picture(writer, one.checked_picture, namespace=namespace)
        key, evaluator = f"{event_id}:write", _imported(one.evaluator) or IMPORT
        writer.append_outcome(
            Outcome(key=key, event_id=event_id, namespace=namespace, evaluator=evaluator, attempt=one.attempt)
        )
        n_new += 1
    if n_new:
        writer.note(namespace, "import", f"{n_new} attempts", "of unknown outcome, waiting for feedback")
    return n_new


def _own_outcome(writer: LedgerWriter, case: Case) -> Outcome | None:
    """What this ledger itself says of a case: the outcome that counts of the event that the row names.

    It must be of this namespace, of an attempt that makes this very case, and of the same reward.
    """
    event_id = case.provenance.event_id
    event = None if event_id is None else writer.event(event_id, namespace=case.namespace)
    if event is None:
        return None
    outcomes = writer.outcomes_of(event.id, namespace=case.namespace)
    newest = outcomes[-1] if outcomes else None
    if newest is None or newest.attempt is None or newest.reward != case.reward:
        return None
    tried = newest.attempt
    own = case_id(case.namespace, event.asked, tried.action, key=tried.key, kind=tried.kind)
    return newest if own == case.id else None
