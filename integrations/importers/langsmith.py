"""Runs of LangSmith with their feedback: JSON lines, arrays or API answers, in one file or a folder.

Run: `id`, `trace_id`, `parent_run_id`, `run_type`, `inputs`, `outputs`, `error`, `start_time`, `end_time`,
`dotted_order`, `feedback_stats` (key to `n`, `avg`, `stdev`), perhaps `child_runs`; as `client.list_runs`, `POST
/runs/query` (`{"runs": [...]}`) and exports give it. Feedback: `id`, `run_id`, `key`, `score`, `value`, `comment`,
`correction`; as `client.list_feedback` gives it.

An attempt is a root run: its inputs are the task, its tool runs the action, its outputs the answer. The outcome is
the feedback on the root run: `score`, or `value` as a label. Comments and corrections become the lesson. Feedback
rows count before `feedback_stats`, whose mean of several counts only where its spread is known to be small. A run
without feedback has an unknown outcome; so has a run with an error: an outage is no failure of the plan.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memento.integrations.importers.conversations import shown, step_text, turn_row
from memento.integrations.importers.json_rows import JsonRow, as_text, rows_within
from memento.integrations.importers.payloads import payload_turn
from memento.integrations.importers.record import ImportedRow, ImportOptions, ImportSource
from memento.integrations.importers.scores import ScoredOutcome, check_scores, outcome_of, truth
from memento.integrations.importers.side_table import SideTable, SourceScore, side_table

_TOOLS: Final = ("tool", "retriever")
_CONTAINERS: Final = ("runs", "feedback", "feedbacks")


def _is_run(row: Mapping[str, Any]) -> bool:
    return "run_type" in row and "id" in row and ("inputs" in row or "outputs" in row)


def _is_feedback(row: Mapping[str, Any]) -> bool:
    return "run_id" in row and "key" in row and ("score" in row or "value" in row)


def _recognises(row: Mapping[str, Any]) -> bool:
    return _is_run(row) or _is_feedback(row)


def _read(files: Sequence[Path], options: ImportOptions) -> Iterator[ImportedRow]:
    with side_table() as table:
        for path in files:
            for row in rows_within(path, *_CONTAINERS):
                yield ImportedRow(path, row.number, n_bytes=row.n_bytes)
                if isinstance(row.value, Mapping):
                    _collect(table, row.value)
        check_scores(table, options)
        for path in files:
            for row in rows_within(path, *_CONTAINERS):
                yield _imported(path, row, table, options)._replace(n_bytes=row.n_bytes)


def _collect(table: SideTable, row: Mapping[str, Any]) -> None:
    """Keep what belongs to a root run elsewhere: feedback, means of feedback, tool runs."""
    if _is_feedback(row):
        _add_feedback(table, row)
    elif _is_run(row):
        run_id = as_text(row.get("id"))
        for score in _means(run_id, row.get("feedback_stats")):
            table.add_score(score)
        if not _is_root(row) and row.get("run_type") in _TOOLS:
            _add_step(table, as_text(row.get("trace_id")), row)


def _add_feedback(table: SideTable, row: Mapping[str, Any]) -> None:
    run_id, key = as_text(row.get("run_id")), as_text(row.get("key"))
    said = row.get("score") if row.get("score") is not None else row.get("value")
    value, label = _number(said), truth(said) if isinstance(said, bool) else as_text(said)
    own_id = as_text(row.get("id")) or f"{run_id}:{key}:{value}:{label}"
    comment = "\n".join(filter(None, (as_text(row.get("comment")), _correction(row.get("correction")))))
    table.add_score(SourceScore(own_id, run_id, key, value, label, comment))
    if value is not None or label:
        table.note(f"{run_id}\x1f{key}")


def _means(run_id: str, stats: Any) -> Iterator[SourceScore]:
    for key, one in stats.items() if isinstance(stats, Mapping) else ():
        value = _number(one.get("avg")) if isinstance(one, Mapping) else None
        if value is not None:
            spread = 0.0 if one.get("n") == 1 else _number(one.get("stdev"))
            yield SourceScore(f"mean:{run_id}:{key}", run_id, str(key), value, spread=spread)


def _add_step(table: SideTable, trace_id: str, run: Mapping[str, Any]) -> None:
    place = as_text(run.get("dotted_order")) or shown(run.get("start_time"))
    inputs = run.get("inputs")
    only = inputs.get("input") if isinstance(inputs, Mapping) and inputs.keys() == {"input"} else inputs
    table.add_step(trace_id, place, step_text(as_text(run.get("name")), only))


def _imported(path: Path, row: JsonRow, table: SideTable, options: ImportOptions) -> ImportedRow:
    run = row.value
    if row.problem or not isinstance(run, Mapping):
        return ImportedRow(path, row.number, problem=row.problem or "not a JSON object")
    if not _is_run(run):
        problem = (
            "" if _is_feedback(run) else "neither a run (`id`, `run_type`, `inputs`) nor feedback (`run_id`, `key`)"
        )
        return ImportedRow(path, row.number, problem=problem)
    if not _is_root(run):
        return ImportedRow(path, row.number, skipped="runs inside another run")
    run_id = as_text(run.get("id"))
    if not run_id:
        return ImportedRow(path, row.number, problem="`id` is not a text")
    outcome = _outcome(run, run_id, table, options)
    if outcome.problem or outcome.skipped:
        return ImportedRow(path, row.number, problem=outcome.problem, skipped=outcome.skipped)
    turn = payload_turn(run.get("inputs"), run.get("outputs"))
    turn.source_id, turn.made_at = run_id, shown(run.get("start_time"))
    for child in _tool_runs(run.get("child_runs")):
        _add_step(table, run_id, child)
    steps, n_steps = table.steps(run_id)
    if steps:
        turn.steps, turn.n_steps = steps, n_steps
    return turn_row(path, row.number, turn, **outcome.fields())


def _outcome(run: Mapping[str, Any], run_id: str, table: SideTable, options: ImportOptions) -> ScoredOutcome:
    if run.get("error"):
        return ScoredOutcome(is_disputed=True)
    scores = [
        one
        for one in table.scores(run_id)
        if not one.id.startswith("mean:") or not table.is_noted(f"{run_id}\x1f{one.key}")
    ]
    return outcome_of(scores, options, table.spans())


def _tool_runs(runs: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    for run in runs if isinstance(runs, list) and depth < 16 else ():
        if isinstance(run, Mapping):
            if run.get("run_type") in _TOOLS:
                yield run
            yield from _tool_runs(run.get("child_runs"), depth + 1)


def _is_root(run: Mapping[str, Any]) -> bool:
    return not run.get("parent_run_id") and not run.get("parent_run_ids")


def _correction(value: Any) -> str:
    return f"What would have been right: {shown(value)}" if value else ""


def _number(value: Any) -> float | None:
    """A score as a number; None for another value."""
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    except OverflowError:
        return None


SOURCE: Final = ImportSource(
    kind="langsmith",
    shape="runs of LangSmith (`id`, `run_type`, `inputs`, `outputs`) and feedback (`run_id`, `key`, `score`)",
    recognises=_recognises,
    read=_read,
    n_passes=2,
    has_scores=True,
)
