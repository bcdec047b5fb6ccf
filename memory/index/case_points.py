"""Points of case revisions, as an engine takes them."""

from collections.abc import Sequence

from memento.memory.case import PLAN, Case, CaseKind
from memento.memory.index.case_vectors import CaseVectors
from memento.memory.index.engines.port import BankPoint
from memento.memory.ledger.feed_reads import CaseRevision

_SHOWN_CHARS = 500
"""Characters of a state that people who inspect an index see."""


def indexed_namespace(namespace: str, kind: CaseKind) -> str:
    """Name under which an index keeps a namespace's cases of a kind: that of the namespace itself for plans.

    So engines need no condition on the kind, which would cost them a look at every point (see `points.payload`), and an
    index of before kinds, whose cases are all plans, is right as it is. No namespace has the character in its name.
    """
    return namespace if kind == PLAN else f"{namespace}\x1f{kind}"


async def case_points(changes: Sequence[CaseRevision], vectors: CaseVectors) -> list[BankPoint]:
    """The point of each living case with a vector among changes: of its last revision there, which alone matters.

    Raises:
        EncoderUnavailable: a vector is lost and cannot be made again.
    """
    living = [case for case in _last(changes).values() if case.status != "erased"]
    rows = await vectors.of(living)
    return [
        BankPoint(
            case_id=case.id,
            version=case.version,
            namespace=indexed_namespace(case.namespace, case.kind),
            question=case.question,
            status=case.status,
            reward=case.reward,
            state=case.state[:_SHOWN_CHARS],
            vector=row,
        )
        for case, row in zip(living, rows, strict=True)
        if row is not None
    ]


def erased_ids(changes: Sequence[CaseRevision]) -> list[str]:
    """Ids of the cases whose last revision among changes says that they were erased."""
    return [case.id for case in _last(changes).values() if case.status == "erased"]


def _last(changes: Sequence[CaseRevision]) -> dict[str, Case]:
    return {change.case.id: change.case for change in changes if change.case is not None}
