"""Prints what a protocol has found: gains over the stateless agent, controls, and updates given to noise."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memento.cli.printing import TextTable, print_table
from memento.cli.streams import print_json
from memento.evals.report.sections.pairs import verdict_of
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.statistics.controls import ControlFinding, control_findings
from memento.evals.statistics.figure import as_json as as_json_values
from memento.evals.statistics.figure import percent, points
from memento.evals.statistics.noise import BelievedShare, NoiseCredit, noise_credits
from memento.evals.statistics.outcomes import PART_LABELS, Part
from memento.evals.statistics.stateful import StatefulGain, stateful_gains


def print_protocol(folder: Path, plan: RunPlan, results: Sequence[TaskResult], *, as_json: bool) -> None:
    """Print the figures of a run so far. Blocking.

    Args:
        folder: of the run.
        plan: of the run.
        results: so far.
        as_json: one object per line.
    """
    parts: list[Part] = ["first", "test"] if plan.holds_out else ["first"]
    for part in parts:
        gains = stateful_gains(plan, results, part=part)
        controls = control_findings(plan, results, part=part)
        if as_json:
            _print_lines("gain", part, gains)
            _print_lines("control", part, controls)
            continue
        if gains:
            print_table(_gains(gains, part))
        if controls:
            print_table(_controls(controls, part))
    credits_ = noise_credits(folder, plan)
    if as_json:
        _print_lines("noise", "first", credits_)
    elif credits_:
        print_table(_noise(credits_))


def _print_lines(event: str, part: Part, rows: Sequence[Any]) -> None:
    for row in rows:
        print_json({"event": event, "part": part, **as_json_values(row)})


def _gains(found: Sequence[StatefulGain], part: Part) -> TextTable:
    table = TextTable()
    table.title = f"stateful minus stateless, {PART_LABELS[part]}"
    for name in ("arm", "minus", "gain", "streams above 0", "verdict"):
        table.add_column(name, overflow="fold")
    for one in found:
        above = f"{sum(value > 0 for value in one.by_seed.values())} of {len(one.by_seed)}"
        table.add_texts(one.arm, one.stateless, points(one.gain.weighted), above, verdict_of(one.gain))
    return table


def _controls(found: Sequence[ControlFinding], part: Part) -> TextTable:
    table = TextTable()
    table.title = f"controls, {PART_LABELS[part]}"
    for name in ("arm", "minus", "difference", "verdict", "what it says"):
        table.add_column(name, overflow="fold")
    for question, one in found:
        table.add_texts(one.arm, one.control, points(one.weighted), verdict_of(one), question)
    return table


def _noise(found: Sequence[NoiseCredit]) -> TextTable:
    table = TextTable()
    table.title = "updates given to noise: cases believed helpful, of those served with a known outcome"
    for name in ("arm", "without text", "others"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_texts(one.arm, _believed(one, one.blanked), _believed(one, one.whole))
    return table


def _believed(one: NoiseCredit, share: BelievedShare) -> str:
    if not one.has_beliefs:
        return "its policy estimates nothing of single cases" if one.n_streams else "no stream has ended"
    if not share.n_cases:
        return "none was served"
    return f"{share.n_believed:,} of {share.n_cases:,}: {percent(share.share)}"
