"""Traces of Langfuse with their scores: JSON lines, arrays or API answers, in one file or a folder.

As the public API (`{"data": [...]}`, names in camelCase) and the blob storage export (names in snake_case, inputs and
outputs as text) give them. Trace: `id`, `timestamp`, `input`, `output`, perhaps with its `observations` and `scores`.
Score: `id`, `traceId`, `observationId`, `name`, `dataType` (NUMERIC, BOOLEAN, CATEGORICAL), `value`, `stringValue`,
`comment`. Observation: `id`, `traceId`, `parentObservationId`, `type`, `name`, `input`, `output`, `startTime`. Where
an export has observations without traces, the observation that has no parent stands for its trace.

An export of the table of traces has a column for each score, with a list of its values; which columns are scores is
told by `--score` only.

An attempt is a trace: its input is the task, its tool observations the action, its output the answer. The outcome is
the score of the trace itself; scores of one observation or of a session say nothing of the trace. A categorical score
counts as `--label` says. Comments become the lesson. A trace without a score has an unknown outcome.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memento.integrations.importers.conversations import shown, step_text, turn_row
from memento.integrations.importers.json_rows import JsonRow, as_text, rows_within
from memento.integrations.importers.payloads import payload_turn
from memento.integrations.importers.record import ImportedRow, ImportOptions, ImportSource
from memento.integrations.importers.scores import check_scores, outcome_of, truth
from memento.integrations.importers.side_table import SideTable, SourceScore, side_table

_TOOLS: Final = ("TOOL", "RETRIEVER")
_CONTAINERS: Final = ("data", "traces")
_UNSCORED: Final = ("CORRECTION", "TEXT")
_FIELDS: Final = ("id", "timestamp", "name", "input", "output", "metadata", "tags", "version", "release", "latency")
"""Columns of the table of traces that are no scores."""


def _either(row: Mapping[str, Any], camel: str, snake: str) -> Any:
    """A field under the name of the API or of the export."""
    return row[camel] if camel in row else row.get(snake)


def _has(row: Mapping[str, Any], camel: str, snake: str) -> bool:
    return camel in row or snake in row


def _is_score(row: Mapping[str, Any]) -> bool:
    is_value = "value" in row or _has(row, "stringValue", "string_value")
    return is_value and "name" in row and (_has(row, "dataType", "data_type") or "source" in row) and "input" not in row


def _is_observation(row: Mapping[str, Any]) -> bool:
    return "type" in row and _has(row, "traceId", "trace_id") and _has(row, "startTime", "start_time")


def _is_trace(row: Mapping[str, Any]) -> bool:
    is_inner = _has(row, "traceId", "trace_id") or "run_type" in row
    return "id" in row and "timestamp" in row and ("input" in row or "output" in row) and not is_inner


def _recognises(row: Mapping[str, Any]) -> bool:
    return _is_trace(row) or _is_observation(row) or (_is_score(row) and _has(row, "traceId", "trace_id"))


def _read(files: Sequence[Path], options: ImportOptions) -> Iterator[ImportedRow]:
    with side_table() as table:
        for path in files:
            for row in rows_within(path, *_CONTAINERS):
                yield ImportedRow(path, row.number, n_bytes=row.n_bytes)
                if isinstance(row.value, Mapping):
                    _collect(table, row.value, options)
        check_scores(table, options)
        for path in files:
            for row in rows_within(path, *_CONTAINERS):
                yield _imported(path, row, table, options)._replace(n_bytes=row.n_bytes)


def _collect(table: SideTable, row: Mapping[str, Any], options: ImportOptions) -> None:
    """Keep what belongs to a trace elsewhere: scores and tool calls."""
    if _is_trace(row):
        trace_id = as_text(row.get("id"))
        table.note(f"trace:{trace_id}")
        for scored in _objects(row.get("scores")):
            _add_score(table, scored, trace_id)
        for chosen in _column(row, trace_id, options):
            table.add_score(chosen)
        for observation in _objects(row.get("observations")):
            _add_step(table, observation, trace_id)
    elif _is_observation(row):
        _add_step(table, row, "")
    elif _is_score(row):
        _add_score(table, row, "")


def _add_score(table: SideTable, row: Mapping[str, Any], trace_id: str) -> None:
    trace_id = as_text(_either(row, "traceId", "trace_id")) or trace_id
    kind = as_text(_either(row, "dataType", "data_type")).upper()
    if not trace_id or _either(row, "observationId", "observation_id") or kind in _UNSCORED:
        return
    value, label = _value(row, kind)
    own_id = as_text(row.get("id")) or f"{trace_id}:{row.get('name')}:{value}:{label}"
    score = SourceScore(own_id, trace_id, as_text(row.get("name")), value, label, as_text(row.get("comment")))
    table.add_score(score)


def _column(row: Mapping[str, Any], trace_id: str, options: ImportOptions) -> Iterator[SourceScore]:
    """The scores of the chosen name in an export of the table of traces, which has a column of values for each name."""
    name = options.score
    values = row.get(name) if name is not None and name not in _FIELDS else None
    for place, value in enumerate(values if isinstance(values, list) else [values]):
        number, label = _value({"value": value}, "")
        if name is not None and (number is not None or label):
            yield SourceScore(f"{trace_id}:{name}:{place}", trace_id, name, number, truth(label) or label)


def _value(row: Mapping[str, Any], kind: str) -> tuple[float | None, str]:
    """Number and label of a score; the number that a category is stored with is no reward."""
    value, label = row.get("value"), as_text(_either(row, "stringValue", "string_value"))
    if kind == "CATEGORICAL" or (not kind and isinstance(value, str)):
        return None, label or shown(value)
    if kind == "BOOLEAN" or isinstance(value, bool):
        return None, truth(value if isinstance(value, bool | int | float) else label or shown(value))
    try:
        return (float(value) if isinstance(value, int | float) else None), ""
    except OverflowError:
        return None, ""


def _add_step(table: SideTable, row: Mapping[str, Any], trace_id: str) -> None:
    trace_id = as_text(_either(row, "traceId", "trace_id")) or trace_id
    if as_text(row.get("type")).upper() in _TOOLS:
        place = f"{shown(_either(row, 'startTime', 'start_time'))} {shown(row.get('id'))}"
        table.add_step(trace_id, place, step_text(as_text(row.get("name")), row.get("input")))


def _imported(path: Path, row: JsonRow, table: SideTable, options: ImportOptions) -> ImportedRow:
    value = row.value
    if row.problem or not isinstance(value, Mapping):
        return ImportedRow(path, row.number, problem=row.problem or "not a JSON object")
    if _is_trace(value):
        trace_id = as_text(value.get("id"))
    elif _is_observation(value):
        trace_id = as_text(_either(value, "traceId", "trace_id"))
        is_inner = bool(_either(value, "parentObservationId", "parent_observation_id"))
        if is_inner or table.is_noted(f"trace:{trace_id}") or not table.note(f"root:{trace_id}"):
            return ImportedRow(path, row.number)
    else:
        problem = "" if _is_score(value) else "not a trace (`id`, `timestamp`, `input`), an observation or a score"
        return ImportedRow(path, row.number, problem=problem)
    if not trace_id:
        return ImportedRow(path, row.number, problem="the id of the trace is not a text")
    outcome = outcome_of(table.scores(trace_id), options, table.spans())
    if outcome.problem or outcome.skipped:
        return ImportedRow(path, row.number, problem=outcome.problem, skipped=outcome.skipped)
    turn = payload_turn(value.get("input"), value.get("output"))
    turn.source_id = trace_id
    turn.made_at = shown(value.get("timestamp") or _either(value, "startTime", "start_time"))
    steps, n_steps = table.steps(trace_id)
    if steps:
        turn.steps, turn.n_steps = steps, n_steps
    return turn_row(path, row.number, turn, **outcome.fields())


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


SOURCE: Final = ImportSource(
    kind="langfuse",
    shape="traces of Langfuse (`id`, `timestamp`, `input`, `output`), observations and scores (`traceId`, `value`)",
    recognises=_recognises,
    read=_read,
    n_passes=2,
    has_scores=True,
)
