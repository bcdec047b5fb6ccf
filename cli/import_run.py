"""Runs `memento import`: streams a file into the memory with a progress bar, and reports what it gave."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memento.cli.opening import opened
from memento.cli.printing import progress_bar
from memento.cli.running import ExitCode, reward_of
from memento.cli.streams import print_json, tell
from memento.graph.settings import environment_secrets, read_settings
from memento.integrations.importers.door import checked_options, import_records, preview_records, waiting_of
from memento.integrations.importers.record import ImportOptions
from memento.integrations.importers.registry import source_named
from memento.integrations.importers.report import ImportReport, WaitingAttempt
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience
from memento.memory.namespaces import checked_namespace

_SHOWN_FAULTS = 20
_SHOWN_CHARS = 200


async def import_path(
    kind: str, path: Path, options: ImportOptions, namespace: str | None, *, is_dry_run: bool, as_json: bool
) -> ExitCode:
    """Import a file or a folder, or only say what that would do."""
    checked_options(source_named(kind), options)
    if is_dry_run:
        report = await _preview(kind, path, options, namespace, as_json=as_json)
    else:
        report = await _import(kind, path, options, namespace, as_json=as_json)
    _tell_report(report, path, is_dry_run=is_dry_run, as_json=as_json)
    return ExitCode.BAD_INPUT if report.n_bad and not report.n_records else ExitCode.OK


def labels_of(given: Sequence[str]) -> dict[str, float]:
    """Parse `NAME=REWARD`, each.

    Raises:
        InvalidInput: one is not of this form, or its reward is not in [0, 1].
    """
    labels = {}
    for text in given:
        name, found, reward = text.rpartition("=")
        value = reward_of(reward) if found and name else None
        if value is None:
            raise InvalidInput(f"a label is written NAME=REWARD, with a reward from 0 to 1, not {text!r}")
        labels[name] = value
    return labels


async def _import(
    kind: str, path: Path, options: ImportOptions, namespace: str | None, *, as_json: bool
) -> ImportReport:
    n_kept = 0
    async with opened(namespace) as memory:
        try:
            with progress_bar(is_quiet=as_json, count="records") as progress:
                bar = progress.add_task("importing", total=None, count=0)

                def note(report: ImportReport) -> None:
                    nonlocal n_kept
                    n_kept = report.n_records
                    progress.update(bar, total=report.total_bytes, completed=report.n_bytes, count=n_kept)

                return await import_records(
                    memory,
                    kind,
                    path,
                    options=options,
                    secrets=environment_secrets,
                    on_progress=note,
                    on_waiting=_print_waiting if as_json else lambda _: None,
                )
        except asyncio.CancelledError:
            tell(f"interrupted after {n_kept} records, which are kept; the same command imports the rest")
            raise


async def _preview(
    kind: str, path: Path, options: ImportOptions, namespace: str | None, *, as_json: bool
) -> ImportReport:
    place = checked_namespace(read_settings().namespace if namespace is None else namespace)

    def show(experience: Experience) -> None:
        if as_json:
            fields = {
                name: value for name, value in experience.as_arguments().items() if value not in (None, [], {}, "")
            }
            waiting = waiting_of(place, experience)
            own = {} if waiting is None else {"event_id": waiting.event_id}
            print_json({"event": "would_import", "reward": experience.reward, **fields, **own})

    return await preview_records(
        kind, path, namespace=place, options=options, secrets=environment_secrets, on_record=show
    )


def _print_waiting(one: WaitingAttempt) -> None:
    shown = " ".join(one.state.split())[:_SHOWN_CHARS]
    print_json({"event": "waiting", "event_id": one.event_id, "source": one.source_id, "task": shown})


def _tell_report(report: ImportReport, path: Path, *, is_dry_run: bool, as_json: bool) -> None:
    if as_json:
        _print_report(report, is_dry_run=is_dry_run)
        return
    for fault in report.faults[:_SHOWN_FAULTS]:
        tell(f"{fault.path}:{fault.number}: {fault.problem}")
    if report.n_bad > _SHOWN_FAULTS:
        tell(f"... and {report.n_bad - _SHOWN_FAULTS} more")
    for reason, n_rows in report.skipped.most_common():
        tell(f"left out: {n_rows} {reason}")
    if report.other_files:
        tell(f"left out: {len(report.other_files)} files of another kind, such as {report.other_files[0]}")
    if report.n_differing:
        tell(f"{report.n_differing} are there already with another reward, which stays")
    bad = f", {report.n_bad} bad rows skipped" if report.n_bad else ""
    if is_dry_run:
        waiting = f", {report.n_waiting} attempts of unknown outcome to wait for feedback" if report.n_waiting else ""
        tell(f"would import {report.n_cases} cases into quarantine{waiting}{bad}; nothing was written")
        return
    waiting = f", {report.n_waiting} new attempts of unknown outcome wait for feedback" if report.n_waiting else ""
    tell(f"{report.n_cases} new cases in quarantine{waiting}, {report.n_known} already there{bad}")
    if report.n_cases:
        tell(f"`memento cases release --from {report.kind}` releases them")
    if report.n_waiting:
        tell(f"`memento import {report.kind} {path} --dry-run --json` lists their event ids for `memento feedback`")


def _print_report(report: ImportReport, *, is_dry_run: bool) -> None:
    for fault in report.faults:
        print_json({"event": "bad_row", "file": str(fault.path), "row": fault.number, "problem": fault.problem})
    counts: dict[str, Any] = {
        "kind": report.kind,
        "read": report.n_records,
        "quarantined": report.n_cases,
        "waiting": report.n_waiting,
        "already_there": report.n_known,
        "other_reward": report.n_differing,
        "bad": report.n_bad,
        "left_out": dict(report.skipped),
        "other_files": len(report.other_files),
    }
    print_json({"event": "would_have_imported" if is_dry_run else "imported", **counts})
