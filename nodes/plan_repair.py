"""Repairs unambiguous faults of a model's plan (ids, dependencies, blank steps), and reports each repair.

a dependency on itself             dropped
a dependency on a missing step     dropped
a dependency named twice           kept once
"Step 1", " A ", 1.0 for 1, a, 1   the step that is meant
one text in place of a list        a list of one, or of what its commas divide
an id used twice                   the same step again is dropped; another one gets an id of its own
a missing or overlong id           the step's number
a step without a description       dropped, where others are left

What depends on a repeated id waits for the steps of that id before it, or, where there are none, for all of them. Steps
that wait for each other in a circle are left as they are: which of them comes first would be a guess.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

MAX_ID_CHARS: Final = 40
_MAX_NOTES: Final = 5
_NOT_IN_A_KEY: Final = re.compile(r"[\W_]+")
_STEP_WORD: Final = re.compile(r"^(?:subtask|task|step|id)(?=\d)")


class Mended(NamedTuple):
    """A repaired plan."""

    steps: Any
    """In the form they came in: mappings or pydantic objects; untouched when they are not a list of steps."""
    notes: tuple[str, ...]
    """What was changed, in words; at most a handful."""


class _Step(NamedTuple):
    given: Any
    id: str
    """As it was written; empty when there was none."""
    depends_on: list[str]
    description: str


def mended(given: Any) -> Mended:
    """Repair a plan's steps.

    Args:
        given: what a model wrote in their place.
    """
    listed = _listed(given)
    if listed is None:
        return Mended(given, ())
    notes: list[str] = []
    steps = _distinct([_step(one) for one in listed], notes)
    names = _names(steps, notes)
    dependencies = _dependencies(steps, names, notes)
    whole = zip(steps, names, dependencies, strict=True)
    done = [_with(step.given, {"id": name, "depends_on": after}) for step, name, after in whole]
    notes = list(dict.fromkeys(notes))
    more = [f"and {len(notes) - _MAX_NOTES} more"] if len(notes) > _MAX_NOTES else []
    return Mended(done, (*notes[:_MAX_NOTES], *more))


def _listed(given: Any) -> list[Any] | None:
    """Return the steps as a list; None when an element is not a step."""
    if given is None:
        return []
    rows = [given] if isinstance(given, Mapping | BaseModel) else given
    if not isinstance(rows, Sequence) or isinstance(rows, str | bytes):
        return None
    rows = [{"description": row} if isinstance(row, str) else row for row in rows]
    return rows if all(isinstance(row, Mapping | BaseModel) for row in rows) else None


def _step(given: Any) -> _Step:
    after, described = _field(given, "depends_on"), _field(given, "description")
    listed = [after] if isinstance(after, str | int | float) else after if isinstance(after, Sequence) else []
    says = str(described).strip() if described is not None else ""
    return _Step(given, _text(_field(given, "id")), [_text(one) for one in listed], says)


def _distinct(steps: list[_Step], notes: list[str]) -> list[_Step]:
    """Drop blank steps and duplicates."""
    said = [step for step in steps if step.description]
    if said and (n_blank := len(steps) - len(said)):
        notes.append(f"{n_blank} of the steps had no description and were left out")
        steps = said
    kept: dict[tuple[str, str] | int, _Step] = {}
    for number, step in enumerate(steps):
        if kept.setdefault((_key(step.id), step.description) if step.id else number, step) is not step:
            notes.append(f"step {_shown(step.id)} was there twice")
    return list(kept.values())


def _names(steps: Sequence[_Step], notes: list[str]) -> list[str]:
    """Assign a unique id to each step."""
    taken = {step.id for step in steps}
    names: list[str] = []
    for number, step in enumerate(steps, start=1):
        name = step.id
        if not name or len(name) > MAX_ID_CHARS or name in names:
            name = next(free for free in map(str, range(number, number + 2 * len(steps) + 2)) if free not in taken)
            taken.add(name)
            if step.id:
                notes.append(f"step {_shown(step.id)} became step {_shown(name)}, since its id was taken or too long")
        names.append(name)
    return names


def _dependencies(steps: Sequence[_Step], names: Sequence[str], notes: list[str]) -> list[list[str]]:
    exact: dict[str, list[int]] = {}
    alike: dict[str, list[int]] = {}
    for position, step in enumerate(steps):
        name = step.id or names[position]
        exact.setdefault(name, []).append(position)
        alike.setdefault(_key(name), []).append(position)
    found = []
    for position, step in enumerate(steps):
        after: list[str] = []
        for wanted in _wanted(step.depends_on, exact, alike):
            positions = exact.get(wanted) or alike.get(_key(wanted)) or []
            before = [one for one in positions if one < position]
            others = before or ([] if position in positions else positions)
            if not others:
                why = "waited for itself" if position in positions else f"waited for {_shown(wanted)}, which is missing"
                notes.append(f"step {_shown(names[position])} {why}")
            after += [names[one] for one in others]
        found.append(list(dict.fromkeys(after)))
    return found


def _wanted(given: Sequence[str], exact: Mapping[str, Any], alike: Mapping[str, Any]) -> list[str]:
    """Split dependencies; several in one text are separated unless the text is itself an id."""
    wanted: list[str] = []
    for text in given:
        is_id = text in exact or _key(text) in alike
        wanted += [text] if is_id else [part for part in re.split(r"[\s,;]+", text) if part] if "," in text else [text]
    return [text for text in wanted if text]


def _field(step: Any, name: str) -> Any:
    return step.get(name) if isinstance(step, Mapping) else getattr(step, name, None)


def _with(step: Any, changes: dict[str, Any]) -> Any:
    """Return the step, or a modified copy."""
    if all(_field(step, name) == value for name, value in changes.items()):
        return step
    return {**step, **changes} if isinstance(step, Mapping) else step.model_copy(update=changes)


def _text(value: Any) -> str:
    """Return an id as text: models write numbers, too."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()


def _key(name: str) -> str:
    """Normalise an id; an id that would become empty is kept."""
    plain = _NOT_IN_A_KEY.sub("", name.casefold())
    return _STEP_WORD.sub("", plain) or name


def _shown(name: str) -> str:
    return repr(name[:MAX_ID_CHARS])
