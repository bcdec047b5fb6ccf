"""Lines of `memento cases export`."""

from typing import Any

from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.interchange import exported_row


async def exported_case(memory: CaseMemory, case: Case) -> dict[str, Any]:
    """A case as a line of an export, with its picture unless the row of that is damaged."""
    picture = await memory.views.picture(case.picture, namespace=case.namespace) if case.picture else None
    return exported_row(case, picture)
