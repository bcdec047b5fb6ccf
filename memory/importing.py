"""Imports cases from files and other programs: texts and rewards only, never event ids, status or evaluator.

Ids of events, status, trust, version and evaluator count only where this ledger can prove that the row is its own. So
a file cannot write into another case, bring back what a person has retired, or speak for a person.
"""

from collections.abc import Sequence

from memento.memory.case import Case, Provenance, case_id, utc_now
from memento.memory.ledger.writes import LedgerWriter

IMPORT = "import"
"""Evaluator recorded for imported cases."""


def import_cases(writer: LedgerWriter, cases: Sequence[Case], *, is_trusted: bool) -> int:
    """Append the cases that are new; stored ones, whatever version a file gives them, are left unchanged.

    Args:
        writer: the transaction.
        cases: with ids of their own namespace, state and action.
        is_trusted: if not, they go into quarantine, each with a line of audit.

    Returns:
        How many were new.
    """
    fresh: dict[str, Case] = {}
    for case in cases:
        fresh.setdefault(case.id, case)
    for known in [one for one in fresh if writer.head(one) is not None]:
        del fresh[known]
    imported = [_without_authority(writer, case, is_trusted=is_trusted) for case in fresh.values()]
    n_new = writer.append_revisions(imported)
    for namespace in sorted({case.namespace for case in imported}):
        n_cases = sum(case.namespace == namespace for case in imported)
        source = "from a trusted source" if is_trusted else "from an unknown source"
        writer.note(namespace, "import", f"{n_cases} cases", f"{source}, {len(cases)} given")
    for case in imported:
        if not is_trusted:
            writer.note(case.namespace, "quarantine", case.id, "imported from an unknown source")
    return n_new


def _without_authority(writer: LedgerWriter, case: Case, *, is_trusted: bool) -> Case:
    """The case as new experience; only a status that keeps it from being served is taken over."""
    is_own = _is_own(writer, case)
    provenance = case.provenance if is_own else Provenance(models=case.provenance.models, evaluator=IMPORT)
    status = "quarantined" if case.status == "active" and not is_trusted else case.status
    # not a copy: fields that this release does not know are not taken over either
    return Case(
        id=case.id,
        namespace=case.namespace,
        state=case.state,
        action=case.action,
        reward=case.reward,
        answer=case.answer,
        confidence=case.confidence,
        lesson=case.lesson,
        error_class=case.error_class,
        status=status,
        provenance=provenance,
        created_at=utc_now(),
    )


def _is_own(writer: LedgerWriter, case: Case) -> bool:
    """Whether the row's event is in this ledger and namespace, and its attempt is this very case."""
    event_id = case.provenance.event_id
    event = None if event_id is None else writer.event(event_id, namespace=case.namespace)
    if event is None or event_id is None:
        return False
    attempts = [outcome.attempt for outcome in writer.outcomes_of(event_id, namespace=case.namespace)]
    own = [case_id(case.namespace, event.asked, attempt.action) for attempt in attempts if attempt is not None]
    return case.id in own
