"""Multiple choice: never asked without its choices; however a data set tells the right one, it is found or refused."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from memento.evals.datasets.loading import load_dataset
from memento.evals.task import Dataset, EvalTask
from memento.memory.errors import InvalidInput
from memento.nodes.scoring import exact_match

CITIES = ["Lima", "Quito", "Bern", "Oslo"]
MMLU = {"question": "Capital of Peru?", "subject": "geography", "choices": CITIES, "answer": 0}
ASKED = "\n\nA. Lima\nB. Quito\nC. Bern\nD. Oslo\n\nAnswer with the letter of the right choice."
LIMA = ["A", "Lima", "A. Lima"]


def loaded(folder: Path, *rows: dict[str, Any], **options: Any) -> Dataset:
    path = folder / "set.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_dataset(path, **options)


def only(folder: Path, row: dict[str, Any], **options: Any) -> EvalTask:
    dataset = loaded(folder, row, **options)
    assert dataset.bad_rows == []
    (task,) = dataset.tasks
    return task


def refused(folder: Path, row: dict[str, Any], **options: Any) -> str:
    return loaded(folder, MMLU | {"question": "What else?"}, row, **options).bad_rows[0].reason


@pytest.mark.parametrize(
    "told",
    [
        {"answer": 0},
        {"answer": "0"},
        {"answer": 0.0},
        {"answer": "A"},
        {"answer": "a"},
        {"answer": "(A)"},
        {"answer": "A."},
        {"answer": "Lima"},
        {"answer": ["A"]},
        {"answer": [0]},
        {"answer": "A", "answer_index": 0},
        {"answer": "Lima", "answer_idx": "A"},
        {"answerKey": "A", "answer": None},
        {"answer": None, "label": "0"},
        {"answer": None, "correct_option": 0},
        {"answer": None, "correct": "A"},
        {"answer": None, "gold": 0},
        {"answer": "A", "choices": {"text": CITIES, "label": ["A", "B", "C", "D"]}},
        {"answer": None, "answerKey": "1", "choices": {"text": CITIES, "label": ["1", "2", "3", "4"]}},
        {"answer": None, "answerKey": 1, "choices": {"text": CITIES, "label": [1, 2, 3, 4]}},
        {"choices": dict(zip("ABCD", CITIES, strict=True)), "answer": "A"},
        {
            "choices": [{"label": letter, "text": text} for letter, text in zip("ABCD", CITIES, strict=True)],
            "answer": "A",
        },
        {"choices": [f"({letter}) {text}" for letter, text in zip("ABCD", CITIES, strict=True)], "answer": "A"},
        {"choices": None, "options": CITIES, "answer": "A"},
        {"choices": None, "Options": CITIES, "answer": 0},
    ],
)
def test_choices_are_asked_however_the_right_one_is_told(tmp_path: Path, told: dict[str, Any]) -> None:
    task = only(tmp_path, MMLU | told)
    assert task == EvalTask(
        id="line-1", question="Capital of Peru?" + ASKED, references=LIMA, source="geography", metadata=task.metadata
    )
    assert not {"answer", "answerKey", "label"} & task.metadata.keys()


def test_tenth_choice_is_j_when_there_are_as_many_as_in_mmlu_pro(tmp_path: Path) -> None:
    row = {
        "question_id": 70, "question": "Which?", "options": [f"choice {n}" for n in range(10)], "answer": "J",
        "answer_index": 9, "cot_content": "", "category": "math", "src": "x",
    }  # fmt: skip
    task = only(tmp_path, row)
    assert (task.id, task.source, task.references) == ("70", "math", ["J", "choice 9", "J. choice 9"])
    assert "\nJ. choice 9\n" in task.question


BENCHMARKS = {
    "arc": (
        {"id": "x", "question": "Q?", "choices": {"text": ["a1", "b1"], "label": ["A", "B"]}, "answerKey": "B"},
        "Q?",
        "b1",
    ),
    "hellaswag": (
        {"ind": 4, "ctx_a": "He", "ctx_b": "x", "ctx": "He ran", "endings": ["off.", "up."], "label": "1"},
        "He ran",
        "up.",
    ),
    "piqa": ({"goal": "Boil", "sol1": "heat it", "sol2": "cool it", "label": 0}, "Boil", "heat it"),
    "piqa, second": ({"goal": "Boil", "sol1": "heat it", "sol2": "cool it", "label": 1}, "Boil", "cool it"),
    "winogrande": ({"sentence": "So _ won.", "option1": "Ann", "option2": "Bob", "answer": "2"}, "So _ won.", "Bob"),
    "social iqa": (
        {
            "context": "Ann won.",
            "question": "Why?",
            "answerA": "luck",
            "answerB": "skill",
            "answerC": "rain",
            "label": "3",
        },
        "Ann won.\n\nWhy?",
        "rain",
    ),
    "copa": (
        {"premise": "It fell.", "choice1": "wind", "choice2": "sun", "question": "cause", "label": 1},
        "It fell.\n\nWhat was the cause?",
        "sun",
    ),
    "openbookqa": (
        {"question_stem": "Sun is", "choices": {"text": ["hot", "wet"], "label": ["A", "B"]}, "answerKey": "A"},
        "Sun is",
        "hot",
    ),
    "race": (
        {"article": "Ann is six.", "question": "How old?", "options": ["six", "ten"], "answer": "A"},
        "Ann is six.\n\nHow old?",
        "six",
    ),
    "logiqa": ({"context": "All.", "query": "So?", "options": ["no", "so"], "correct_option": 1}, "All.\n\nSo?", "so"),
    "c-eval": ({"question": "Q?", "A": "ha", "B": "hb", "C": "hc", "D": "hd", "answer": "C"}, "Q?", "hc"),
    "medqa": (
        {"question": "Q?", "options": {"A": "flu", "B": "gout"}, "answer_idx": "B", "answer": "gout"},
        "Q?",
        "gout",
    ),
    "sciq": (
        {"question": "Q?", "distractor1": "x1", "distractor2": "x2", "distractor3": "x3", "correct_answer": "ok"},
        "Q?",
        "ok",
    ),
    "gpqa": (
        {
            "Question": "Q?",
            "Correct Answer": "ok",
            "Incorrect Answer 1": "x1",
            "Incorrect Answer 2": "x2",
            "Incorrect Answer 3": "x3",
        },
        "Q?",
        "ok",
    ),
}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_is_asked_with_choices_when_its_fields_have_other_names(tmp_path: Path, name: str) -> None:
    row, question, right = BENCHMARKS[name]
    task = only(tmp_path, row)
    assert task.question.startswith(question + "\n\nA. ")
    assert task.references[1:] == [right, f"{task.references[0]}. {right}"]
    assert f"\n{task.references[0]}. {right}\n" in task.question
    assert right not in task.metadata.values()


def test_passage_is_asked_too_when_the_row_is_boolqs(tmp_path: Path) -> None:
    task = only(tmp_path, {"question": "is it wet", "passage": "It rains.", "answer": True})
    assert (task.question, task.references) == ("It rains.\n\nis it wet", ["yes", "true"])


def test_text_is_not_accepted_when_it_could_mean_another_choice(tmp_path: Path) -> None:
    assert only(tmp_path, MMLU | {"choices": ["B", "A"]}).references == ["A"]
    assert only(tmp_path, MMLU | {"choices": ["C++", "C", "x"]}).references == ["A"]
    assert only(tmp_path, MMLU | {"choices": ["5%", "5", "x"]}).references == ["A"]
    assert only(tmp_path, MMLU | {"choices": ["yes", "no", "yes"]}).references == ["A", "C", "yes", "A. yes"]


@pytest.mark.parametrize(
    ("answer", "is_right"),
    [("A", True), ("(A)", True), ("a.", True), ("Lima", True), ("A. Lima", True), ("A) lima", True), ("B", False),
     ("Quito", False), ("B. Quito", False), ("", False)],
)  # fmt: skip
def test_letter_and_text_are_both_right(tmp_path: Path, answer: str, is_right: bool) -> None:
    assert exact_match(answer, only(tmp_path, MMLU).references) is is_right


@pytest.mark.parametrize("told", [{"answer": -1}, {"answer": ""}, {"answer": None}, {"answer": None, "label": "-1"}])
def test_no_reference_is_known_when_the_right_choice_is_hidden(tmp_path: Path, told: dict[str, Any]) -> None:
    task = only(tmp_path, MMLU | told)
    assert (task.question, task.references) == ("Capital of Peru?" + ASKED, [])


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"answer": 4}, "`answer` is '4', which is not one of the 4 choices (numbers count from 0)"),
        ({"answer": "E"}, "`answer` is 'E', which is not one of the 4 choices (numbers count from 0)"),
        ({"answer": "Rome"}, "`answer` is 'Rome', which is not one of the 4 choices (numbers count from 0)"),
        ({"answer": "2", "choices": ["1", "2", "3"]}, "which could mean several of the 3 choices"),
        ({"answer": "A", "choices": ["B", "A"]}, "which could mean several of the 2 choices"),
        ({"answer": [0, 1]}, "`answer` is a list; a text or a number is needed"),
        (
            {"answer": "A", "answer_index": 1},
            "its fields mark different choices as right: `answer_index` says B, `answer` says A",
        ),
        ({"choices": ["one"]}, "`choices` lists 1 choices; 2 to 26 can be asked"),
        ({"choices": [f"c{n}" for n in range(27)]}, "`choices` lists 27 choices; 2 to 26 can be asked"),
        ({"choices": ["x", ""]}, "`choices` has an empty choice"),
        ({"choices": {"text": CITIES, "label": ["A", "A", "B", "C"]}}, "labels that do not name each choice once"),
        ({"choices": "a ) 38 , b ) 27"}, "`choices` should list choices, but is the text 'a ) 38 , b ) 27'"),
        ({"choices": [["x"], ["y"]]}, "`choices` is a list; a text or a number is needed"),
    ],
)
def test_row_is_refused_with_the_reason_when_its_choice_cannot_be_told(
    tmp_path: Path, row: dict[str, Any], why: str
) -> None:
    assert why in refused(tmp_path, MMLU | row)


def test_medmcqa_is_refused_because_its_editions_count_differently(tmp_path: Path) -> None:
    row = {"question": "Q?", "opa": "x", "opb": "y", "opc": "z", "opd": "w", "cop": 1}
    with pytest.raises(InvalidInput, match="`cop` counts from 0 in one edition"):
        loaded(tmp_path, row)


def test_number_is_a_place_and_text_a_text_when_choices_are_numbers(tmp_path: Path) -> None:
    assert only(tmp_path, MMLU | {"choices": ["4", "2", "3"], "answer": 2}).references[0] == "C"
    assert only(tmp_path, MMLU | {"choices": ["40", "20", "30"], "answer": "20"}).references[0] == "B"
    assert only(tmp_path, MMLU | {"choices": [40, 20, 30], "answer": 20}).references == ["B", "20", "B. 20"]


def test_known_format_refuses_choices_that_it_would_not_ask(tmp_path: Path) -> None:
    row = {"question": "Who?", "ground_truth": "A", "data_source": "nq"}
    dataset = loaded(tmp_path, row, row | {"question": "Whom?", "choices": CITIES})
    assert (
        dataset.bad_rows[0].reason
        == "it has choices in `choices`, which the format deepresearcher does not ask; use generic"
    )


def test_choices_in_columns_are_asked_or_refused_when_fields_are_mapped(tmp_path: Path) -> None:
    row = {"qid": "7", "goal": "Boil", "sol1": "heat it", "sol2": "cool it", "label": 1}
    task = only(tmp_path, row, fields={"id": "qid"})
    assert (task.id, task.references) == ("7", ["B", "cool it", "B. cool it"])
    with pytest.raises(
        InvalidInput, match=r"choices stand in columns \(goal, sol1, sol2, label\), which a mapping would omit"
    ):
        loaded(tmp_path, row, fields={"question": "goal", "references": "label"})


def test_settings_called_options_are_no_choices(tmp_path: Path) -> None:
    row = {"question": "Who?", "answer": "Ann", "options": {"temperature": 0.5}}
    assert only(tmp_path, row) == EvalTask(id="line-1", question="Who?", references=["Ann"])


def test_mapped_fields_are_asked_with_choices(tmp_path: Path) -> None:
    row = {"item": {"text": "Q?", "picks": CITIES, "key": "A"}}
    fields = {"question": "item.text", "choices": "item.picks", "references": "item.key"}
    assert only(tmp_path, row, fields=fields).references == LIMA


@pytest.mark.parametrize("cell", [json.dumps(CITIES), repr(CITIES), str(dict(zip("ABCD", CITIES, strict=True)))])
def test_choices_are_read_from_a_cell(tmp_path: Path, cell: str) -> None:
    with (tmp_path / "set.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["question", "choices", "answer"], ["Q?", cell, "A"], ["R?", "['Lima' 'Quito']", "A"]]
        )
    dataset = load_dataset(tmp_path / "set.csv")
    assert dataset.tasks[0].references == LIMA
    assert [row.reason for row in dataset.bad_rows] == ["`choices` lists 1 choices; 2 to 26 can be asked"]
