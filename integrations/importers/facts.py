"""Remembered facts of other memory products, as records: a statement, without a task and without an outcome.

A case memory learns which attempts help; a fact is no attempt, and nobody has said how well anything went with it. So
a fact is imported only with a reward that a person gives for the file: then it is a case whose task and plan are the
statement, which is recalled for tasks near it.
"""

from pathlib import Path

from memento.integrations.importers.record import ImportedRecord, ImportedRow


def fact_row(path: Path, number: int, text: object, *, source_id: object = "", made_at: object = "") -> ImportedRow:
    """The row of a fact; a problem where it has no text."""
    if not isinstance(text, str) or not text.strip():
        return ImportedRow(path, number, problem="a memory without a text")
    record = ImportedRecord(
        source_id=source_id if isinstance(source_id, str) else "",
        state=text.strip(),
        action=f"Keep in mind: {text.strip()}",
        made_at=made_at if isinstance(made_at, str) else "",
        is_fact=True,
    )
    return ImportedRow(path, number, record)
