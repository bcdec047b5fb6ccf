"""Maps rows of well-known benchmarks to the fields `question`, `choices` and `answer`.

Choices in columns (PIQA's sol1 and sol2) become one list; what a question is about (RACE's article, BoolQ's passage)
is put before it. Where the right choice has a column of its own, the order follows from the texts' hashes.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from memento.evals.datasets.choices import CHOICES
from memento.evals.datasets.row import SourceRow
from memento.evals.datasets.values import text_of

_Fields = Mapping[str, Any]


class _Benchmark(NamedTuple):
    question: tuple[str, ...]
    """Fields that together are the question, in this order."""
    choices: tuple[str, ...]
    """One field with a list, or one of each choice."""
    right: str
    first: int | None = None
    """What the first choice counts as, where choices are columns and the right one is told by a number."""


_BENCHMARKS = (
    _Benchmark(("ctx",), ("endings",), "label"),  # HellaSwag
    _Benchmark(("goal",), ("sol1", "sol2"), "label", 0),  # PIQA
    _Benchmark(("sentence",), ("option1", "option2"), "answer", 1),  # WinoGrande
    _Benchmark(("context", "question"), ("answerA", "answerB", "answerC"), "label", 1),  # Social IQa
    _Benchmark(("premise", "question"), ("choice1", "choice2"), "label", 0),  # COPA
    _Benchmark(("question_stem",), ("choices",), "answerKey"),  # OpenBookQA
    _Benchmark(("article", "question"), ("options",), "answer"),  # RACE
    _Benchmark(("context", "query"), ("options",), "correct_option"),  # LogiQA
    _Benchmark(("passage", "question"), ("options",), "label"),  # AGIEval
    _Benchmark(("question",), ("A", "B", "C", "D"), "answer"),  # C-Eval
    _Benchmark(("Question",), ("A", "B", "C", "D"), "Answer"),  # CMMLU, MMMLU
    _Benchmark(("question",), ("opa", "opb", "opc", "opd"), "cop"),  # MedMCQA
)
_WRONG_ONES = (
    (("question",), "correct_answer", ("distractor1", "distractor2", "distractor3")),  # SciQ
    (("Question",), "Correct Answer", ("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")),  # GPQA
)
_COPA = {"cause": "What was the cause?", "effect": "What was the effect?"}
_AMBIGUOUS = "`cop` counts from 0 in one edition of MedMCQA and from 1 in another; put the right letter into `answer`"


def recognised(row: SourceRow) -> SourceRow:
    """Map the row of a known benchmark to the usual field names; return any other unchanged."""
    if row.problem:
        return row
    for benchmark in _BENCHMARKS:
        if {*benchmark.question, *benchmark.choices, benchmark.right} <= row.fields.keys():
            return _renamed(row, benchmark)
    for question, right, wrong in _WRONG_ONES:
        if {*question, right, *wrong} <= row.fields.keys():
            texts = [row.fields[name] for name in (right, *wrong) if row.fields[name]]
            mixed = sorted(texts, key=lambda text: sha256(str(text).encode("utf-8", "replace")).digest())
            made = {"question": _joined(row.fields, question), "choices": mixed, "answer": row.fields[right]}
            return _with(row, made, {*question, right, *wrong})
    if {"question", "passage", "answer"} <= row.fields.keys() and _truth(row.fields["answer"]) is not None:  # BoolQ
        made = {"question": _joined(row.fields, ("passage", "question")), "answer": _truth(row.fields["answer"])}
        return _with(row, made, {"passage"})
    return row


def refused_without_choices(row: SourceRow) -> SourceRow:
    """Reject a row with an explicit mapping whose choices are spread over columns."""
    known = recognised(row)
    if "choices" not in known.fields or any(name.casefold() in CHOICES for name in row.fields):
        return row
    columns = ", ".join(name for name in row.fields if name not in known.fields)
    why = (
        f"its choices stand in columns ({columns}), which a mapping would omit; map no question, references or choices"
    )
    return row._replace(problem=why)


def _renamed(row: SourceRow, benchmark: _Benchmark) -> SourceRow:
    fields, columns = row.fields, benchmark.choices
    if benchmark.right == "cop":
        return row._replace(fields={}, problem=_AMBIGUOUS)
    choices = fields[columns[0]] if len(columns) == 1 else [fields[name] for name in columns if fields[name]]
    right = fields[benchmark.right]
    if benchmark.first is not None:
        right = _letter(right, benchmark.first)
    made = {"question": _joined(fields, benchmark.question), "choices": choices, "answer": right}
    return _with(row, made, {*benchmark.question, *columns, benchmark.right})


def _with(row: SourceRow, made: dict[str, Any], used: set[str]) -> SourceRow:
    return row._replace(fields=made | {name: value for name, value in row.fields.items() if name not in used | {*made}})


def _joined(fields: _Fields, names: tuple[str, ...]) -> str:
    texts = [text_of(fields[name], name) for name in names if not isinstance(fields[name], list | dict)]
    return "\n\n".join(_COPA.get(text, text) if "premise" in names else text for text in texts if text)


def _letter(value: Any, first: int) -> Any:
    """Convert a choice's index to its letter, `A` for the first; other values are returned unchanged."""
    given = value.strip() if isinstance(value, str) else value
    is_number = isinstance(given, str) and given.isascii() and given.isdecimal()
    return "ABC"[int(given) - first : int(given) - first + 1] or value if is_number else value


def _truth(value: Any) -> list[str] | None:
    if isinstance(value, bool) or value in ("True", "False"):
        return ["yes", "true"] if str(value) == "True" else ["no", "false"]
    return None
