"""Chat logs in OpenAI's form: fine-tuning files, stored chat completions, requests and answers of the Batch API.

JSON lines, an array, or an API answer `{"data": [...]}`. A row has `messages` (roles, contents, `tool_calls`), itself
or in `body` or `request`; the reply is the last message of the assistant, or in `choices`, itself or in `response`.
Rows of preference fine-tuning (`preferred_output`) hold a comparison and no outcome, and are refused.

An attempt is a person's message with the tool calls and the reply. OpenAI's `weight` says what to train on and is no
outcome. With `--score NAME` the row's own field of that name, or the one in its `metadata`, is the outcome of its
last turn; that of all other turns is unknown.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memento.integrations.importers.conversations import ChatTurn, turn_row, turns
from memento.integrations.importers.json_rows import JsonRow, rows_within
from memento.integrations.importers.record import NO_REPLY, ImportedRow, ImportOptions, ImportSource
from memento.integrations.importers.scores import ScoredOutcome, check_scores, outcome_of, truth
from memento.integrations.importers.side_table import SourceScore, side_table

_INSIDE: Final = ("body", "request")


def _messages(row: Mapping[str, Any]) -> list[Any] | None:
    """Messages of a row, with the reply that is told apart from them."""
    inner = next((row[name] for name in _INSIDE if isinstance(row.get(name), Mapping)), row)
    messages = inner.get("messages")
    if not isinstance(messages, list):
        return None
    response = row.get("response")
    response = response.get("body", response) if isinstance(response, Mapping) else row
    choices = response.get("choices") if isinstance(response, Mapping) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    reply = first.get("message") if isinstance(first, Mapping) else None
    return [*messages, reply] if isinstance(reply, Mapping) else messages


def _recognises(row: Mapping[str, Any]) -> bool:
    messages = _messages(row)
    is_other = "run_type" in row or "mapping" in row or "preferred_output" in row
    first = messages[0] if messages else None
    return not is_other and isinstance(first, Mapping) and "role" in first and "uuid" not in first


def _read(files: Sequence[Path], options: ImportOptions) -> Iterator[ImportedRow]:
    with side_table() as table:
        if options.score is not None:
            for path in files:
                for row in rows_within(path, "data"):
                    yield ImportedRow(path, row.number)
                    for score in _scores(row.value, options) if isinstance(row.value, Mapping) else ():
                        table.add_score(score._replace(id=f"{path}:{row.number}"))
            check_scores(table, options)
        for path in files:
            for row in rows_within(path, "data"):
                yield ImportedRow(path, row.number, n_bytes=row.n_bytes)
                yield from _imported(path, row, options, table.spans())


def _imported(
    path: Path, row: JsonRow, options: ImportOptions, spans: Mapping[str, tuple[float, float]]
) -> Iterator[ImportedRow]:
    value = row.value
    messages = _messages(value) if isinstance(value, Mapping) else None
    if row.problem or not isinstance(value, Mapping) or not messages:
        problem = row.problem or f"no `messages` {_keys(value)}"
        yield ImportedRow(path, row.number, problem=problem)
        return
    found = list(turns(messages))
    if not found:
        yield ImportedRow(path, row.number, skipped=NO_REPLY)
    for place, turn in enumerate(found):
        yield _turn(path, row, turn, place, is_last=place == len(found) - 1, options=options, spans=spans)


def _turn(
    path: Path,
    row: JsonRow,
    turn: ChatTurn,
    place: int,
    *,
    is_last: bool,
    options: ImportOptions,
    spans: Mapping[str, tuple[float, float]],
) -> ImportedRow:
    own_id = row.value.get("id") or row.value.get("custom_id")
    turn.source_id = f"{own_id if isinstance(own_id, str) else row.number}:{place}"
    outcome = outcome_of(_scores(row.value, options), options, spans) if is_last else ScoredOutcome()
    if outcome.problem or outcome.skipped:
        return ImportedRow(path, row.number, problem=outcome.problem, skipped=outcome.skipped)
    return turn_row(path, row.number, turn, **outcome.fields())


def _scores(row: Mapping[str, Any], options: ImportOptions) -> list[SourceScore]:
    """The field that was named as the outcome; metadata of OpenAI are texts, numbers in them too."""
    if options.score is None:
        return []
    metadata = row.get("metadata")
    value = row.get(options.score, metadata.get(options.score) if isinstance(metadata, Mapping) else None)
    if isinstance(value, str):
        try:
            return [SourceScore("", "", options.score, float(value))]
        except ValueError:
            return [SourceScore("", "", options.score, None, truth(value) or value)] if value else []
    if isinstance(value, bool):
        return [SourceScore("", "", options.score, None, truth(value))]
    is_number = isinstance(value, int | float)
    try:
        return [SourceScore("", "", options.score, float(value))] if is_number else []
    except OverflowError:
        return []


def _keys(value: Any) -> str:
    return f"among its keys: {', '.join(map(str, value))[:200]}" if isinstance(value, Mapping) else "in it"


SOURCE: Final = ImportSource(
    kind="openai-chat",
    shape="chat logs in OpenAI's form: rows with `messages`, perhaps with the reply in `choices` or `response`",
    recognises=_recognises,
    read=_read,
    has_scores=True,
)
