"""Multiple choice questions: lists the choices in the question, accepts the right letter, its text, or both.

How data sets name the right choice, all of which are understood: a letter (MMLU-Pro, RACE), a label of the row's own
(ARC), a number from 0 on (MMLU, HellaSwag), the choice's text. A row whose answer could mean two choices is refused.
"""

import ast
import json
import re
import string
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from memento.evals.datasets.row import SourceRow, WrittenNumber
from memento.evals.datasets.values import printable, text_of
from memento.memory.errors import InvalidInput
from memento.nodes.scoring.exact_match import is_same

CHOICES: Final = ("choices", "options", "endings", "answer_choices")
"""Names of fields that hold choices; capitals do not matter."""
RIGHT: Final = (
    *("answerkey", "answer_key", "answer_idx", "answer_index", "correct_option", "correct_choice", "correct_index"),
    *("correct", "gold_index", "label", "gold", "target", "answer", "correct_answer", "reference", "final_answer"),
)
"""Names of fields that tell the right one; of several, all that can be read must agree."""

_LETTERS: Final = string.ascii_uppercase
_MAX_CELL_CHARS: Final = 1_000_000
_INSTRUCTION: Final = "Answer with the letter of the right choice."
_WHOLE = re.compile(r"-?\d+(?:\.0+)?")


class Choices(NamedTuple):
    """The choices of a row."""

    field: str
    labels: list[str]
    """The row's own; empty where it has none."""
    texts: list[str]

    def asked_with(self, question: str) -> str:
        """Return the question with its choices, a lettered line each."""
        lines = [f"{letter}. {text}" for letter, text in zip(_LETTERS, self.texts, strict=False)]
        return "\n".join([question, "", *lines, "", _INSTRUCTION])

    def references(self, right: int) -> list[str]:
        """Return the accepted answers: the letter, and the text unless it could mean another choice."""
        same = [at for at, text in enumerate(self.texts) if text == self.texts[right]]
        others = [at for at in range(len(self.texts)) if at not in same]
        meant_otherwise = [form for at in others for form in self._forms(at)]
        said = [form for form in self._forms(right)[1:] if not any(is_same(form, one) for one in meant_otherwise)]
        return [*(_LETTERS[at] for at in same), *said]

    def _forms(self, at: int) -> list[str]:
        return [_LETTERS[at], self.texts[at], f"{_LETTERS[at]}. {self.texts[at]}"]


def choices_of(value: Any, field: str, *, is_csv: bool = False) -> Choices | None:
    """Return the choices in a field; None when it is empty, or holds settings rather than choices.

    Args:
        value: a list of texts or of objects with a label and a text, an object of such lists or of labels to texts.
        field: its name, for the error.
        is_csv: a text may be one of these, as JSON or as Python writes it.

    Raises:
        InvalidInput: it holds something else, or fewer than two choices, or more than letters.
    """
    if is_csv and isinstance(value, str):
        value = _in_cell(value)
    if value in (None, "", [], {}):
        return None
    if isinstance(value, str):
        raise InvalidInput(f"`{field}` should list choices, but is the text {printable(value, 60)!r}")
    if isinstance(value, dict) and not {"text", "label"} <= value.keys():
        if any(len(str(name)) > 2 for name in value):
            return None
        labels, texts = list(value), list(value.values())
    elif isinstance(value, dict):
        labels, texts = value["label"], value["text"]
    elif all(isinstance(one, dict) for one in value):
        labels, texts = [one.get("label") for one in value], [one.get("text") for one in value]
    else:
        labels, texts = [], value
    return _checked(field, labels, texts)


def right_of(choices: Choices, values: Mapping[str, Any]) -> int | None:
    """Return the index of the right choice; None when the row does not tell it.

    Args:
        choices: of the row.
        values: fields that may tell it, by name; the first that says anything must.

    Raises:
        InvalidInput: it cannot be told which one it is, or two fields disagree.
    """
    found: dict[str, int] = {}
    for field, value in values.items():
        given = value[0] if isinstance(value, list) and len(value) == 1 else value
        if given in (None, "", []) or (isinstance(given, str) and given.strip() in ("", "-1")):
            continue
        try:
            found[field] = _place(choices, given, field)
        except InvalidInput:
            if not found:
                raise
    if len(set(found.values())) > 1:
        said = ", ".join(f"`{field}` says {_LETTERS[at]}" for field, at in found.items())
        raise InvalidInput(f"its fields mark different choices as right: {said}")
    return next(iter(found.values()), None)


def has_choices(row: SourceRow) -> str:
    """Return the name of a field with choices; empty when there is none."""
    for name, value in row.fields.items():
        try:
            if name.casefold() in CHOICES and choices_of(value, name, is_csv=row.is_csv):
                return name
        except InvalidInput:
            return name
    return ""


def _checked(field: str, labels: list[Any], texts: list[Any]) -> Choices:
    if not isinstance(labels, list) or not isinstance(texts, list):
        raise InvalidInput(f"`{field}` should list choices; its labels or texts are not a list")
    said = [text_of(text, field) for text in texts]
    named = [text_of(label, field) for label in labels]
    if not all(said) or (named and (len(named) != len(said) or not all(named) or len(set(named)) < len(named))):
        raise InvalidInput(f"`{field}` has an empty choice, or labels that do not name each choice once")
    if not 2 <= len(said) <= len(_LETTERS):
        raise InvalidInput(f"`{field}` lists {len(said)} choices; 2 to {len(_LETTERS)} can be asked")
    return Choices(field, named, _without_letters(said))


def _without_letters(texts: list[str]) -> list[str]:
    """Return the texts without leading letters, if all have one, as in `(A) Paris` or `A. Paris`."""
    begins = [re.match(rf"\(?{letter}[).:]\s*(?=\S)", text) for letter, text in zip(_LETTERS, texts, strict=False)]
    return [text[begin.end() :] for text, begin in zip(texts, begins, strict=True) if begin] if all(begins) else texts


def _place(choices: Choices, value: Any, field: str) -> int:
    given = text_of(value, field)
    bare = given.strip("(). :")
    if bare in choices.labels:
        return choices.labels.index(bare)
    by_letter = _LETTERS.find(bare.upper()) if len(bare) == 1 and bare.isalpha() else -1
    by_number = int(float(given)) if _WHOLE.fullmatch(given) else -1
    by_text = choices.texts.index(given) if choices.texts.count(given) == 1 else -1
    places = {at for at in (by_letter, by_number, by_text) if 0 <= at < len(choices.texts)}
    if isinstance(value, WrittenNumber) and 0 <= by_number < len(choices.texts):
        return by_number
    if len(places) == 1:
        return places.pop()
    why = "could mean several" if places else "is not one"
    hint = "; write its letter" if places else ""
    raise InvalidInput(
        f"`{field}` is {printable(given, 60)!r}, which {why} of the {len(choices.texts)} choices "
        f"(numbers count from 0){hint}"
    )


def _in_cell(cell: str) -> Any:
    """Parse the list or object in a CSV cell; other cells are returned unchanged."""
    if len(cell) > _MAX_CELL_CHARS or not cell.lstrip().startswith(("[", "{")):
        return cell
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(cell.strip())
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
        if isinstance(value, list | dict):
            return value
    return cell
