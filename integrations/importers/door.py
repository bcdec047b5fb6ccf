"""Streams records of any source into a case memory: redacted, deduplicated, in quarantine.

    files -> rows -> records -> redacted -> cases in quarantine (a known outcome)
                                         -> attempts that wait for feedback (an unknown one)

Batches are committed one by one; a case or attempt that is there already is left unchanged. So an import that was
interrupted is simply repeated, and repeating it adds nothing.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from memento.integrations.importers.record import NO_OUTCOME, ImportedRow, ImportOptions, ImportSource
from memento.integrations.importers.record_door import RecordDoor
from memento.integrations.importers.registry import files_of_kind, source_named
from memento.integrations.importers.report import ImportReport, RowFault, WaitingAttempt
from memento.memory.arguments import check_share
from memento.memory.case import Case
from memento.memory.case_memory import CaseMemory
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience
from memento.memory.importing import attempt_event_id
from memento.nodes.sources import Secrets

MAX_PROBLEMS: Final = 1000
"""Faults that a report names; the others are counted."""
_BATCH: Final = 64
_ROWS_AT_ONCE: Final = 2000
_MAX_REASONS: Final = 50


async def import_records(
    memory: CaseMemory,
    kind: str,
    path: Path,
    *,
    options: ImportOptions | None = None,
    secrets: Secrets | None = None,
    on_progress: Callable[[ImportReport], None] = lambda _: None,
    on_waiting: Callable[[WaitingAttempt], None] = lambda _: None,
) -> ImportReport:
    """Import a file or a folder of another system's records.

    Args:
        memory: an open one; everything lands in its namespace.
        kind: one of `registry.SOURCES`.
        path: the file or folder.
        options: what you say about outcomes.
        secrets: gives those of this machine, which are masked in every text.
        on_progress: called after each batch, which is kept by then.
        on_waiting: called for each attempt of unknown outcome, new or known.

    Raises:
        InvalidInput: no such kind, no such file, or a file of another kind; nothing was imported.
        LedgerUnavailable: the last batch was not kept; those before it are.
        EncoderUnavailable: alike.
    """
    source = source_named(kind)
    options = checked_options(source, options or ImportOptions())
    door = RecordDoor(kind=kind, namespace=memory.namespace, options=options, secrets=secrets)
    report, rows = await asyncio.to_thread(_opened, source, path, options)
    while (batch := await asyncio.to_thread(_next_batch, rows, report, door)) is not None:
        report.n_differing += await _n_differing(memory, batch)
        cases = [case for _, case in batch if case is not None]
        attempts = [experience for experience, case in batch if case is None]
        pictures = [one.checked_picture for one, case in batch if case is not None and one.checked_picture is not None]
        report.n_cases += await memory.keep(cases, is_trusted=False, pictures=pictures) if cases else 0
        report.n_waiting += await memory.keep_attempts(attempts) if attempts else 0
        report.n_records += len(batch)
        for one in attempts:
            on_waiting(_waiting(memory.namespace, one))
        on_progress(report)
    await memory.bank.project_all()
    return report


async def preview_records(
    kind: str,
    path: Path,
    *,
    namespace: str,
    options: ImportOptions | None = None,
    secrets: Secrets | None = None,
    on_record: Callable[[Experience], None] = lambda _: None,
) -> ImportReport:
    """Read and check everything like `import_records`, without a memory.

    What it reports as new is new to the files: whether the memory has it already is not looked up.

    Raises:
        InvalidInput: as `import_records`.
    """
    source = source_named(kind)
    options = checked_options(source, options or ImportOptions())
    door = RecordDoor(kind=kind, namespace=namespace, options=options, secrets=secrets)
    report, rows = await asyncio.to_thread(_opened, source, path, options)
    seen: set[int] = set()
    while (batch := await asyncio.to_thread(_next_batch, rows, report, door)) is not None:
        for experience, case in batch:
            report.n_records += 1
            own = hash(experience.id_in(namespace))
            if own in seen:
                continue
            seen.add(own)
            report.n_cases += case is not None
            report.n_waiting += case is None
            on_record(experience)
    return report


def checked_options(source: ImportSource, options: ImportOptions) -> ImportOptions:
    """The options.

    Raises:
        InvalidInput: a reward outside [0, 1], a range without extent, or something about scores that the kind has not.
    """
    is_about_scores = options.score is not None or options.score_range is not None or bool(options.labels)
    if is_about_scores and not source.has_scores:
        raise InvalidInput(
            f"{source.kind} has no scores to choose, scale or label; `--reward` gives one to all records"
        )
    check_share("reward", options.reward, is_optional=True)
    for label, reward in options.labels.items():
        if not label:
            raise InvalidInput("a label is empty; write NAME=REWARD")
        check_share("reward", reward, is_optional=True)
    if options.score_range is not None:
        low, high = options.score_range
        if low == high or not all(abs(end) < float("inf") for end in (low, high)):
            raise InvalidInput(f"the range {low:g} to {high:g} has no extent: give the worst and the best value")
    return options


def waiting_of(namespace: str, experience: Experience) -> WaitingAttempt | None:
    """The attempt that an experience waits as; None where its outcome is known."""
    return _waiting(namespace, experience) if experience.reward is None else None


def _waiting(namespace: str, one: Experience) -> WaitingAttempt:
    event_id = attempt_event_id(namespace, one.state, one.action, key=one.key, kind=one.kind)
    return WaitingAttempt(event_id, one.thread_id or "", one.state)


def _opened(source: ImportSource, path: Path, options: ImportOptions) -> tuple[ImportReport, Iterator[ImportedRow]]:
    files, others = files_of_kind(source, path)
    total = source.n_passes * sum(file.stat().st_size for file in files)
    return ImportReport(kind=source.kind, total_bytes=total, other_files=others), source.read(files, options)


def _next_batch(
    rows: Iterator[ImportedRow], report: ImportReport, door: RecordDoor
) -> list[tuple[Experience, Case | None]] | None:
    """The next records, each with its case where the outcome is known; None at the end.

    It looks at few rows at a time, even where they give no record, so that an import can be interrupted.
    """
    batch: list[tuple[Experience, Case | None]] = []
    n_rows = 0
    for row in rows:
        n_rows += 1
        report.n_bytes += row.n_bytes
        record, problem, skipped = row.record, row.problem, row.skipped
        if record is not None and record.is_fact and record.reward is None and door.has_no_reward:
            record, skipped = None, NO_OUTCOME
        if skipped:
            reason = door.clean(skipped)
            is_new = reason not in report.skipped and len(report.skipped) >= _MAX_REASONS
            report.skipped["other reasons" if is_new else reason] += 1
        if record is not None:
            try:
                experience = door.experience(record)
                is_known = experience.reward is not None
                batch.append((experience, door.case(experience, is_retired=record.is_retired) if is_known else None))
            except (InvalidInput, RecursionError) as error:
                problem = str(error)
        if problem:
            report.n_bad += 1
            if len(report.faults) < MAX_PROBLEMS:
                report.faults.append(RowFault(row.path, row.number, door.clean(problem)))
        if len(batch) >= _BATCH or n_rows >= _ROWS_AT_ONCE:
            break
    return batch if n_rows else None


async def _n_differing(memory: CaseMemory, batch: list[tuple[Experience, Case | None]]) -> int:
    """How many cases of a batch are there with another reward, in the memory or earlier in the batch."""
    cases = [case for _, case in batch if case is not None]
    known = await memory.views.cases(list({case.id for case in cases}), namespace=memory.namespace) if cases else {}
    rewards = {case.id: case.reward for case in known.values()}
    n_differing = 0
    for case in cases:
        n_differing += rewards.setdefault(case.id, case.reward) != case.reward
    return n_differing
