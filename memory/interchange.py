"""Reads cases from JSON lines: our own export, and the schemas of the reference implementation.

{"case": ..., "plan": ..., "case_label": "positive" | "negative"}
{"case": ..., "plan": ..., "case_label": ..., "query": ..., "truth_label": true | false | null}   its retrieval log
{"question": ..., "plan": ..., "reward": 0 | 1}
{"state": ..., "action": ..., "reward": ..., ...}               our own export, pictures in base64
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from memento.memory.case import Case, Provenance, case_id, storable
from memento.memory.errors import InvalidInput
from memento.memory.experience import bounded_case
from memento.memory.pictures import CasePicture, picture_key, picture_of
from memento.memory.tally import imported_tally
from memento.memory.task_keys import checked_key
from memento.memory.text_limits import MAX_STATE_CHARS, bounded

MAX_LINE_CHARS = 2_500_000
"""Texts, and a picture of the largest size in base64."""
_LABELS = {"positive": 1.0, "negative": 0.0}
_KEPT = ("answer", "lesson", "error_class", "status", "provenance", "key", "kind")
"""What else is read of a row of our own export."""


class LoggedUse(NamedTuple):
    """Query and reward of a line of a retrieval log, beside its case."""

    query: str
    """The task that the case was served for."""
    reward: float | None
    """Reward of the outcome; None when unknown."""


class ParsedLine(NamedTuple):
    """One line of a file: a case, or the problem with it."""

    number: int
    """From 1."""
    case: Case | None
    problem: str
    n_bytes: int
    """Size of the line, for progress."""
    served: LoggedUse | None = None
    """For lines of a retrieval log."""
    picture: CasePicture | None = None
    """The case's picture."""


def read_cases(path: Path, *, namespace: str) -> Iterator[ParsedLine]:
    """Parse a file line by line; blank lines are skipped.

    Args:
        path: a file of JSON lines, UTF-8.
        namespace: whose cases they become.

    Raises:
        InvalidInput: there is no such file, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if raw.strip():
                    yield parse_line(number, raw, namespace)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from error


def _row(line: str) -> dict[str, Any]:
    if len(line) > MAX_LINE_CHARS:
        raise InvalidInput(f"{len(line):,} characters, at most {MAX_LINE_CHARS:,} are read")
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"not JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets in brackets in brackets
        raise InvalidInput(f"JSON that cannot be parsed: {type(error).__name__}") from error
    if not isinstance(row, dict):
        raise InvalidInput("not a JSON object")
    return row


def exported_row(case: Case, picture: CasePicture | None) -> dict[str, Any]:
    """A case as a line of our own export, with its picture in base64 where there is one."""
    row = case.exported()
    row.pop("picture", None)
    if picture is not None:
        row["picture"] = {"hash": picture.hash, "media_type": picture.media_type, "base64": picture.base64}
    return row


def _picture(row: dict[str, Any]) -> CasePicture | None:
    given = row.get("picture")
    if given is None or isinstance(given, str):  # a hash without content, as other commands print it
        return None
    if not isinstance(given, dict) or not isinstance(given.get("base64"), str):
        raise InvalidInput("`picture` must be an object with the image as `base64`")
    return picture_of(given["base64"])


def _case(row: dict[str, Any], namespace: str, picture: CasePicture | None) -> Case:
    if "state" in row:
        return bounded_case(_own(row, namespace, picture))
    if "case" in row:
        return bounded_case(_reference(row, "case", _labelled(row), namespace))
    if "question" in row:
        return bounded_case(_reference(row, "question", _share(row, "reward"), namespace))
    raise InvalidInput(f"no `state`, `case` or `question` among its keys: {', '.join(map(str, row))[:200]}")


def parse_line(number: int, raw: bytes, namespace: str) -> ParsedLine:
    """Parse one line of a file; what is wrong with it becomes its problem."""
    try:
        row = _row(raw.decode("utf-8-sig"))
        picture = _picture(row) if "state" in row else None
        return ParsedLine(number, _case(row, namespace, picture), "", len(raw), _served(row), picture)
    except UnicodeDecodeError as error:
        return ParsedLine(number, None, f"not UTF-8 at byte {error.start}", len(raw))
    except InvalidInput as error:
        return ParsedLine(number, None, str(error), len(raw))


def _served(row: dict[str, Any]) -> LoggedUse | None:
    """Query and reward of a retrieval log line, which has both keys; `query` alone may be anything."""
    if "state" in row or "query" not in row or "truth_label" not in row:
        return None
    label = row["truth_label"]
    if label is not None and not isinstance(label, bool):
        raise InvalidInput(f"`truth_label` must be true, false or null, not {label!r}")
    return LoggedUse(bounded(_text(row, "query"), MAX_STATE_CHARS), None if label is None else float(label))


def _own(row: dict[str, Any], namespace: str, picture: CasePicture | None) -> Case:
    """A row of our own export. Its id, version, time and trust say nothing here, nor do keys that are not known."""
    state, action = _text(row, "state"), _text(row, "action")
    own = {"id": "", "namespace": namespace, "state": state, "action": action}
    kept = {name: row[name] for name in _KEPT if name in row} | {"reward": _share(row, "reward")}
    if picture is not None:
        key = row.get("key") or picture_key(bounded(state, MAX_STATE_CHARS), picture.hash)
        kept |= {"picture": picture.hash, "key": key}
    if "confidence" in row:
        kept["confidence"] = _share(row, "confidence")
    try:
        kept["tally"] = imported_tally(row.get("outcomes"), kept["reward"])
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    try:
        case = Case.model_validate(kept | own)
        checked_key(case.key)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}") from error
    return case.model_copy(update={"id": case.own_id})


def _reference(row: dict[str, Any], key: str, reward: float, namespace: str) -> Case:
    state, action = _text(row, key), storable(_steps(row.get("plan")))
    return Case(
        id=case_id(namespace, state, action),
        namespace=namespace,
        state=state,
        action=action,
        reward=reward,
        provenance=Provenance(evaluator="import"),
    )


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"`{key}` is missing or empty")
    return storable(value)


def _labelled(row: dict[str, Any]) -> float:
    label = row.get("case_label")
    if not isinstance(label, str) or label not in _LABELS:
        raise InvalidInput(f"`case_label` must be positive or negative, not {label!r}")
    return _LABELS[label]


def _share(row: dict[str, Any], key: str) -> float:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInput(f"`{key}` must be a number in [0, 1], not {_shown(value)}")
    return float(value)


def _shown(value: Any) -> str:
    """A value of a row for a message, whatever it is: an integer of thousands of digits has no text."""
    try:
        return repr(value)[:80]
    except ValueError:
        return type(value).__name__


def _steps(plan: Any) -> str:
    """Format a plan as one step per line; text that is not a plan in the reference's form is unchanged."""
    parsed = plan
    if isinstance(plan, str):
        try:
            parsed = json.loads(plan)
        except (ValueError, RecursionError):
            parsed = None
    steps = parsed.get("plan") if isinstance(parsed, dict) else parsed
    if isinstance(steps, list) and steps and all(isinstance(s, dict) and s.get("description") for s in steps):
        return "\n".join(f"{step.get('id', n)}. {step['description']}" for n, step in enumerate(steps, start=1))
    if isinstance(plan, str) and plan.strip():
        return plan
    raise InvalidInput("`plan` is missing or empty")
