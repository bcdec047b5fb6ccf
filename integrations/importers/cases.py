"""Cases of our own export and of the reference implementation, by the parser of `memento cases import`.

Own export: `state`, `action`, `reward`, and more. Reference: `case`, `plan`, `case_label`, with `query` and
`truth_label` in a retrieval log; or `question`, `plan`, `reward`. Of a retrieval log only the cases are imported
here; `memento cases import` reads what they were served for, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memento.integrations.importers.record import ImportedRecord, ImportedRow, ImportOptions, ImportSource
from memento.memory.case import Case
from memento.memory.interchange import read_cases
from memento.memory.pictures import CasePicture

_PLACE: Final = "import"
"""Namespace of the parsed cases, of which only texts and rewards are taken."""
_ERASED: Final = "erased cases"


def _is_own(row: Mapping[str, Any]) -> bool:
    return "state" in row and "action" in row


def _is_reference(row: Mapping[str, Any]) -> bool:
    return ("case" in row or "question" in row) and "plan" in row


def _read(files: Sequence[Path], options: ImportOptions) -> Iterator[ImportedRow]:
    for path in files:
        for line in read_cases(path, namespace=_PLACE):
            if line.case is not None and line.case.status == "erased":
                yield ImportedRow(path, line.number, skipped=_ERASED, n_bytes=line.n_bytes)
                continue
            record = None if line.case is None else _record(line.case, line.picture)
            yield ImportedRow(path, line.number, record, problem=line.problem, n_bytes=line.n_bytes)


def _record(case: Case, picture: CasePicture | None) -> ImportedRecord:
    return ImportedRecord(
        source_id=case.id,
        state=case.state,
        action=case.action,
        answer=case.answer,
        reward=case.reward,
        confidence=case.confidence,
        lesson=case.lesson,
        error_class=case.error_class,
        scored_by=case.provenance.evaluator or "",
        models=case.provenance.models,
        is_retired=case.status == "retired",
        key=case.key,
        kind=case.kind,
        picture=b"" if picture is None else picture.content,
    )


OWN: Final = ImportSource(
    kind="memento",
    shape="the export of `memento cases export`: JSON lines with `state`, `action`, `reward`",
    recognises=_is_own,
    read=_read,
)
REFERENCE: Final = ImportSource(
    kind="reference",
    shape="memory files of the reference implementation: `case`, `plan`, `case_label`, or `question`, `plan`, `reward`",
    recognises=_is_reference,
    read=_read,
)
