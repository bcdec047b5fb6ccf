"""Releases imported cases from quarantine by the kind of file that they came from (`cases release --from`)."""

from memento.cli.opening import opened
from memento.cli.running import ExitCode
from memento.cli.streams import print_json, tell
from memento.integrations.importers.registry import source_named
from memento.memory.case import Case
from memento.memory.importing import FROM_IMPORT

_AT_ONCE = 500


async def release_imported(kind: str, reason: str, namespace: str | None, *, as_json: bool) -> ExitCode:
    """Release the cases that were imported as a kind and not changed since, in batches that `undo` reverts."""
    source_named(kind)
    name, batches, n_released = f"{FROM_IMPORT}{kind}", [], 0
    async with opened(namespace) as memory:
        walk = memory.views.walk(namespace=memory.namespace, status="quarantined")
        ids = [case.id async for case in walk if _is_untouched(case, name)]
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            report = await memory.lifecycle.release(*part, reason=reason or f"imported from {kind}")
            batches.append(report.batch_id)
            n_released += len(report.changed)
        await memory.bank.project_all()
    if as_json:
        print_json({"event": "release", "from": kind, "changed": n_released, "batches": batches})
    elif n_released:
        tell(f"{n_released} cases released; `memento cases undo BATCH` reverts: {', '.join(map(str, batches))}")
    else:
        tell(f"no case of {kind} waits in quarantine of namespace {memory.namespace!r}")
    return ExitCode.OK


def _is_untouched(case: Case, name: str) -> bool:
    """Whether a case is as the import left it: what a person has quarantined since stays where it is."""
    evaluator = case.provenance.evaluator or ""
    return case.version == 1 and (evaluator == name or evaluator.startswith(f"{name}:"))
