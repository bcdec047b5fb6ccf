"""Published data sets and any other rows as tasks."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from memento.evals.datasets.generic import field_mapping
from memento.evals.datasets.loading import load_dataset
from memento.evals.task import Dataset, EvalTask
from memento.memory.errors import InvalidInput

HLE = {"id": "6", "question": "Which one?", "image": "", "answer": "B", "answer_type": "multipleChoice"}


def loaded(folder: Path, *rows: dict[str, Any], name: str = "set.jsonl", **options: Any) -> Dataset:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_dataset(path, **options)


def only(dataset: Dataset) -> EvalTask:
    assert dataset.bad_rows == []
    (task,) = dataset.tasks
    return task


def cells(folder: Path, *rows: list[str], **options: Any) -> Dataset:
    with (folder / "set.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return load_dataset(folder / "set.csv", **options)


def gaia(n: int, **more: Any) -> dict[str, Any]:
    row = {"task_id": f"id-{n}", "Question": f"What is {n}?", "Level": 1, "Final answer": f"{n}", "file_name": ""}
    return {**row, "Annotator Metadata": {"Steps": "1. Count.", "Number of steps": "1", "Tools": None}, **more}


# DeepResearcher


def test_alternatives_are_references_when_a_row_is_deepresearchers(tmp_path: Path) -> None:
    row = {
        "question": " Who? ",
        "ground_truth": "A<|answer_split|> B <|answer_split|>A<|answer_split|>",
        "data_source": "nq",
    }
    dataset = loaded(tmp_path, row, {**row, "question": "Whom?", "ground_truth": " <|answer_split|>"})
    assert dataset.format == "deepresearcher"
    assert dataset.tasks == [EvalTask(id="line-1", question="Who?", references=["A", "B"], source="nq")]
    assert dataset.bad_rows == [(2, "`ground_truth` is missing or empty")]


# GAIA


@pytest.mark.parametrize("is_folder", [True, False])
def test_gaia_is_read_with_its_files(tmp_path: Path, is_folder: bool) -> None:
    folder = tmp_path / "validation"
    folder.mkdir()
    (folder / "a.xlsx").write_bytes(b"x")
    rows = [
        gaia(1, file_name="a.xlsx"),
        gaia(2, file_name="b.pdf"),
        gaia(3, **{"Final answer": "?"}),
        gaia(4, Level="3"),
    ]
    path = folder / "metadata.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = load_dataset(folder if is_folder else path)
    assert (dataset.name, dataset.format) == ("validation", "gaia")
    assert dataset.bad_rows == [(2, "attachment 'b.pdf' is not in the data set's folder")]
    assert dataset.tasks[0] == EvalTask(
        id="id-1",
        question="What is 1?",
        references=["1"],
        source="GAIA",
        level="1",
        attachments=[(folder / "a.xlsx").resolve()],
        metadata={"Steps": "1. Count.", "Number of steps": "1"},
    )
    assert [(task.id, task.references, task.level) for task in dataset.tasks[1:]] == [
        ("id-3", [], "1"),
        ("id-4", ["4"], "3"),
    ]


def test_gaias_answer_is_not_split(tmp_path: Path) -> None:
    assert only(loaded(tmp_path, gaia(1, **{"Final answer": "b, e; a"}))).references == ["b, e; a"]


def test_error_names_folders_below_when_gaia_is_not_in_this_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"without metadata.jsonl.*; name a file"):
        load_dataset(tmp_path)
    below = tmp_path / "2023" / "test"
    below.mkdir(parents=True)
    (below / "metadata.parquet").write_bytes(b"")
    with pytest.raises(InvalidInput, match=r"save metadata.parquet as JSON lines"):
        load_dataset(below)
    (below / "metadata.jsonl").write_text("")
    with pytest.raises(InvalidInput, match=r"give one of: .*2023/test"):
        load_dataset(tmp_path)


# SimpleQA


def test_simpleqa_is_read_with_its_topics(tmp_path: Path) -> None:
    metadata = repr({"topic": "Science, and\ntechnology", "answer_type": "Person", "urls": ["https://a.b"]})
    dataset = cells(
        tmp_path,
        ["metadata", "problem", "answer"],
        [metadata, "Who?", "Michio"],
        ["", "Whom?", "[1, 2]"],
        ["{'topic': ", "Whose?", "x"],
        ["['topic']", "When?", "x"],
        ["{[]: 1}", "Why?", "x"],
        [metadata, "Where?", " "],
    )
    assert dataset.format == "simpleqa"
    assert dataset.tasks == [
        EvalTask(
            id="line-2",
            question="Who?",
            references=["Michio"],
            source="Science, and technology",
            metadata={"answer_type": "Person"},
        ),
        EvalTask(id="line-3", question="Whom?", references=["[1, 2]"]),
    ]
    why = "`metadata` is not a Python dictionary, so the topic is not known"
    assert dataset.bad_rows == [(4, why), (5, why), (6, why), (7, "`answer` is missing or empty")]


# HLE


def test_hle_is_read_with_its_subjects(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(b"x")
    dataset = loaded(
        tmp_path,
        {**HLE, "category": "Math", "raw_subject": "Topology", "rationale": "long", "canary": "c"},
        {**HLE, "id": "7", "question": "And now?", "raw_subject": "Trivia", "image": "p.png", "answer": 5},
    )
    assert dataset.format == "hle"
    one, two = dataset.tasks
    assert (one.id, one.references, one.source) == ("6", ["B"], "Math")
    assert one.metadata == {"answer_type": "multipleChoice", "raw_subject": "Topology"}
    assert (two.references, two.source, two.attachments) == (["5"], "Trivia", [(tmp_path / "p.png").resolve()])


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("data:image/png;base64,AAAA", "its picture is embedded in the row"),
        ({"bytes": "AAAA"}, "its picture is embedded in the row"),
        ("https://a.b/c.png", "its picture is a web address"),
        ("none.png", "attachment 'none.png' is not in the data set's folder"),
    ],
)
def test_hles_row_is_bad_when_its_picture_is_no_file(tmp_path: Path, image: Any, reason: str) -> None:
    dataset = loaded(tmp_path, HLE, {**HLE, "question": "Which picture?", "image": image})
    assert [task.id for task in dataset.tasks] == ["6"]
    assert dataset.bad_rows[0].line == 2
    assert dataset.bad_rows[0].reason.startswith(reason)


# Any rows


@pytest.mark.parametrize("question", ["question", "Prompt", "INPUT", "problem", "task"])
@pytest.mark.parametrize("gold", ["answer", "answers", "reference", "references", "Target", "gold", "golden_answers"])
def test_usual_names_are_known(tmp_path: Path, question: str, gold: str) -> None:
    row = {"extra": 3, question: "Who?", gold: "A", "id": 4, "Category": "nq", "level": 2, "nested": {}, "flag": True}
    dataset = loaded(tmp_path, row)
    assert dataset.format == "generic"
    metadata = {"extra": "3", "flag": "true"}
    assert dataset.tasks == [
        EvalTask(id="4", question="Who?", references=["A"], source="nq", level="2", metadata=metadata)
    ]


def test_first_usual_name_that_says_anything_counts(tmp_path: Path) -> None:
    row = {"input": "not this", "question": "Who?", "answers": ["A"], "answer": None, "source": "", "data_source": "nq"}
    task = only(loaded(tmp_path, row))
    assert (task.question, task.references, task.source) == ("Who?", ["A"], "nq")


@pytest.mark.parametrize(
    ("given", "references"),
    [
        ("A", ["A"]),
        (3.10, ["3.1"]),
        (0, ["0"]),
        (True, ["true"]),
        (["A", 5, " A ", "", None], ["A", "5"]),
        ("A<|answer_split|>B", ["A", "B"]),
        (["A<|answer_split|>B", "C"], ["A", "B", "C"]),
        ('["A", "B"]', ['["A", "B"]']),
        (None, []),
        ([], []),
    ],
)
def test_references_are_texts_numbers_or_lists(tmp_path: Path, given: Any, references: list[str]) -> None:
    assert only(loaded(tmp_path, {"question": "Who?", "answer": given})).references == references


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"value": "A", "aliases": []}, "name what is inside of it: answer.value, answer.aliases"),
        ([["A"]], "`answer` is a list; a text or a number is needed"),
    ],
)
def test_row_is_bad_when_its_answer_is_an_object(tmp_path: Path, given: Any, reason: str) -> None:
    dataset = loaded(tmp_path, {"question": "Who?", "answer": given}, {"question": "Whom?"})
    assert dataset.bad_rows[0].line == 1
    assert reason in dataset.bad_rows[0].reason


@pytest.mark.parametrize(
    ("cell", "references"),
    [
        ('["A, B", "C"]', ["A, B", "C"]),
        ("A<|answer_split|>C", ["A", "C"]),
        ("[1, 2]", ["[1, 2]"]),
        ("[A", ["[A"]),
        ("", []),
    ],
)
def test_cell_of_a_csv_file_holds_alternatives(tmp_path: Path, cell: str, references: list[str]) -> None:
    assert only(cells(tmp_path, ["prompt", "gold"], ["Who?", cell])).references == references


def test_fields_are_found_when_mapped_by_paths(tmp_path: Path) -> None:
    row = {
        "item": {"text": "Who?", "hints": [{"by": "x"}, {"by": "y"}, 3]},
        "gold": {"answers": [{"text": "A"}, {"text": "B"}]},
        "a.b": "dotted",
        "answer": "not this",
        "question": "nor this",
    }
    mapping = field_mapping(
        ["question = item.text", "references=gold.answers.text", "source=a.b", "id=item.hints.1.by"]
    )
    task = only(loaded(tmp_path, row, fields=mapping))
    assert (task.question, task.references, task.source, task.id) == ("Who?", ["A", "B"], "dotted", "y")
    assert task.metadata == {"answer": "not this", "question": "nor this"}


def test_mapping_makes_the_format_generic(tmp_path: Path) -> None:
    row = {"question": "Who?", "ground_truth": "A", "data_source": "nq"}
    assert loaded(tmp_path, row, fields={"source": "data_source"}).format == "generic"
    assert loaded(tmp_path, row, format="generic").tasks[0].references == ["A"]
    assert loaded(tmp_path, {"q": "Who?", "references": "A"}, fields={"question": "q"}).tasks[0].references == ["A"]


@pytest.mark.parametrize("pairs", [["question"], ["question="], ["question=a", "question=b"], ["answer=a"]])
def test_mapping_is_refused_when_it_is_not_one_field_for_one_part(pairs: list[str]) -> None:
    with pytest.raises(InvalidInput, match=r"as in question=prompt|fields can be mapped for"):
        field_mapping(pairs)


def test_named_format_is_used_when_fields_alone_would_not_tell_it(tmp_path: Path) -> None:
    row = {"Question": "Who?", "Final answer": "b<|answer_split|>c", "Annotator Metadata": "none"}
    dataset = loaded(tmp_path, row, format="gaia")
    assert (dataset.format, only(dataset).references) == ("gaia", ["b<|answer_split|>c"])
    assert loaded(tmp_path, row).format == "generic"


def test_row_has_no_source_when_its_path_ends_early(tmp_path: Path) -> None:
    rows = [{"question": f"Who is {n}?", "a": inner} for n, inner in enumerate(({"b": "x"}, "y", ["z"], [{"b": "w"}]))]
    dataset = loaded(tmp_path, *rows, fields={"source": "a.b", "level": "a.0.b"})
    assert [(task.source, task.level) for task in dataset.tasks] == [("x", ""), ("", ""), ("", "")]
    assert dataset.bad_rows == [(4, "`a.b` is a list; a text or a number is needed")]


def test_files_are_attached_when_they_lie_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.txt", "in/b.txt"):
        (tmp_path / name).write_text("x")
    files = [(tmp_path / name).resolve() for name in ("a.txt", "in/b.txt")]
    assert only(loaded(tmp_path, {"question": "Who?", "files": ["a.txt", "in/b.txt"]})).attachments == files
    both = json.dumps(["a.txt", "in/../in/b.txt"])
    assert only(cells(tmp_path, ["question", "attachments"], ["Who?", both])).attachments == files
    assert only(cells(tmp_path, ["question", "attachments"], ["Who?", "a.txt"])).attachments == files[:1]


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "link", "folder/../../secret", ".", "x\0", "x" * 5000])
def test_row_is_bad_when_its_file_is_missing_or_outside(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (tmp_path / "secret").write_text("x")
    (folder / "link").symlink_to(tmp_path / "secret")
    dataset = loaded(folder, {"question": "Who?"}, {"question": "Whom?", "files": name})
    assert len(dataset.tasks) == 1
    assert dataset.bad_rows[0].line == 2
    assert dataset.bad_rows[0].reason.startswith("attachment '")


def test_formats_are_known_whichever_way_rows_are_written(tmp_path: Path) -> None:
    (tmp_path / "set.json").write_text(json.dumps([gaia(1)]))
    assert load_dataset(tmp_path / "set.json").format == "gaia"
    columns = [["question", "ground_truth", "data_source"], ["Who?", "A<|answer_split|>B", "nq"]]
    dataset = cells(tmp_path, *columns)
    assert (dataset.format, dataset.tasks[0].references) == ("deepresearcher", ["A", "B"])
    (tmp_path / "q.json").write_text(
        json.dumps({"data": [{"metadata": {"topic": "Art"}, "problem": "Q", "answer": 1}]})
    )
    assert load_dataset(tmp_path / "q.json").tasks[0].source == "Art"
