"""Rows of JSON lines, JSON and csv: the line on which each begins, and what cannot be read."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memento.evals.datasets.row import SourceRow
from memento.evals.datasets.rows import read_rows
from memento.memory.errors import InvalidInput
from memento.tools.csv_reader import MAX_CELL_CHARS

CELLS = st.text(st.sampled_from('ab,"\n\r;\u2028 '), min_size=1, max_size=6).map("x".__add__)
BOM = b"\xef\xbb\xbf"


def rows(folder: Path, content: bytes, name: str = "set") -> list[SourceRow]:
    (folder / name).write_bytes(content)
    return list(read_rows(folder / name))


def read(found: list[SourceRow]) -> list[tuple[int, object]]:
    """Line with fields, or with the problem."""
    return [(row.line, row.problem or row.fields) for row in found]


def test_lines_are_objects_when_they_end_like_windows_and_begin_with_a_bom(tmp_path: Path) -> None:
    found = rows(tmp_path, BOM + b'{"a": "1"}\r\n\r\n' + BOM + b'{"a": "2\\n"}\r\n{"a": "\xe2\x80\xa8"}')
    assert read(found) == [(1, {"a": "1"}), (3, {"a": "2\n"}), (4, {"a": "\u2028"})]


def test_numbers_stay_as_they_are_written(tmp_path: Path) -> None:
    digits = b"9" * 10_000
    found = rows(tmp_path, b'{"a": 3.10, "b": [1e3, NaN, -Infinity], "c": ' + digits + b', "d": true}\n')
    assert found[0].fields == {"a": "3.10", "b": ["1e3", None, None], "c": digits.decode(), "d": True}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"a": "\xff"}', "not UTF-8 at byte 8 of the line"),
        (b'{"a": 1', "not JSON: Expecting ',' delimiter (column 8)"),
        (b'{"a": ' + b"[" * 100_000, "nested too deep to be read"),
        (b"3", "not a JSON object"),
    ],
)
@pytest.mark.parametrize("name", ["set.jsonl", "set.NDJSON", "set.txt"])
def test_line_says_what_is_wrong_when_it_is_damaged(tmp_path: Path, line: bytes, problem: str, name: str) -> None:
    found = rows(tmp_path, b'{"a": "1"}\n' + line + b'\n{"a": "3"}\n', name)
    assert read(found) == [(1, {"a": "1"}), (2, problem), (3, {"a": "3"})]


@pytest.mark.parametrize("name", ["set.jsonl", "set.txt"])
def test_lines_are_read_when_the_first_is_damaged(tmp_path: Path, name: str) -> None:
    found = rows(tmp_path, b'{"a": 1\n{"a": "2"}\n', name)
    assert [(row.line, bool(row.problem)) for row in found] == [(1, True), (2, False)]


@pytest.mark.parametrize("name", ["set.json", "set.jsonl", "set"])
def test_elements_have_their_lines_when_the_file_is_a_list(tmp_path: Path, name: str) -> None:
    found = rows(tmp_path, BOM + b'\n[{"a": "1"}, {"a":\n"2"},\n\n 7,\n{"a": "3"}\n]\n', name)
    assert read(found) == [
        (2, {"a": "1"}),
        (2, {"a": "2"}),
        (5, "not a JSON object (element 3 of the list)"),
        (6, {"a": "3"}),
    ]


def test_list_is_found_when_it_lies_inside_of_an_object(tmp_path: Path) -> None:
    value = {"version": {"rows": [{"b": "no"}]}, "tags": ["x"], "rows": [{"a": "1"}, {"a": "2"}], "n": 2}
    assert read(rows(tmp_path, json.dumps(value, indent=1).encode(), "set.json")) == [
        (13, {"a": "1"}),
        (16, {"a": "2"}),
    ]
    assert read(rows(tmp_path, json.dumps(value).encode(), "set.json")) == [(1, {"a": "1"}), (1, {"a": "2"})]
    assert read(rows(tmp_path, b'{"a": "1", "b": ["x"]}', "set.json")) == [(1, {"a": "1", "b": ["x"]})]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'[{"a": 1},\n {"a" 2}]', r"line 2: not JSON: Expecting ':' delimiter .column 7."),
        (b'[{"a": 1}\n {"a": 2}]', r"line 2: not JSON: Expecting ','"),
        (b'[{"a": 1},\n]', r"line 1: not JSON: Expecting ',' and another value"),
        (b'[{"a": 1},\n {"a": 2}', r"line 2: not JSON"),
        (b'[{"a": 1}\n}', r"line 2: not JSON"),
        (b'[{"a": 1}]\n[{"a": 2}]', r"line 2: not JSON: Extra data"),
        (b'[{"a": "1"},\n{"a": "\xff"}]', r"line 2: not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b'{\n"a": [{"b": 1}], "c": [{"b": 1}]}', "it holds several: a, c"),
        (b'{\n"a": 1, "c": []}', "its fields are: a, c"),
    ],
)
def test_file_is_refused_with_its_line_when_a_list_is_damaged(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        rows(tmp_path, content)


def test_rows_have_the_line_they_begin_on_when_cells_hold_line_breaks(tmp_path: Path) -> None:
    content = BOM + b'q,"a\nb"\r\n"one\r\ntwo ""x"", y",1\r\n\r\nthree,\xe2\x80\xa8\r\n"fo\n\nur",4'
    found = rows(tmp_path, content, "set.csv")
    assert read(found) == [
        (3, {"q": 'one\r\ntwo "x", y', "a\nb": "1"}),
        (6, {"q": "three", "a\nb": "\u2028"}),
        (7, {"q": "fo\n\nur", "a\nb": "4"}),
    ]
    assert all(row.is_csv for row in found)


@pytest.mark.parametrize(("sign", "name"), [(",", "set"), (";", "set.csv"), ("\t", "set.tsv")])
def test_delimiter_is_the_one_that_the_header_has_most_of(tmp_path: Path, sign: str, name: str) -> None:
    content = f'question{sign}"a, b; c"{sign}n\n1,5{sign}"x{sign}"{sign}3\n'.replace(
        "1,5", "1.5" if sign == "," else "1,5"
    )
    (row,) = rows(tmp_path, content.encode(), name)
    assert list(row.fields.values())[1:] == [f"x{sign}", "3"]


def test_unnamed_columns_are_left_out(tmp_path: Path) -> None:
    assert read(rows(tmp_path, b',q , \n0,"a",x\n', "set.csv")) == [(2, {"q": "a"})]


def test_row_says_what_is_wrong_when_its_columns_do_not_fit(tmp_path: Path) -> None:
    found = rows(tmp_path, b"q,a\n1\n1,2,3\n\xff,2\n1,2\n", "set.csv")
    assert read(found) == [
        (2, "1 columns, but the header has 2"),
        (3, "3 columns, but the header has 2"),
        (4, "not UTF-8"),
        (5, {"q": "1", "a": "2"}),
    ]


def test_lines_are_bad_one_by_one_when_quotation_marks_do_not_match(tmp_path: Path) -> None:
    found = rows(tmp_path, b'q,a\n"x,1\ny,2\n"z",3\nw,4\n"v,5\nu,6\n', "set.csv")
    part = "part of the row that begins on line {}, which cannot be read"
    assert read(found) == [
        (2, "text after a closing quotation mark"),
        (3, part.format(2)),
        (4, part.format(2)),
        (5, {"q": "w", "a": "4"}),
        (6, "a quotation mark that is never closed"),
        (7, part.format(6)),
    ]


@pytest.mark.parametrize("n_chars", [131_072, 131_073, 3_000_000])
def test_row_is_read_when_a_cell_is_long(tmp_path: Path, n_chars: int) -> None:
    found = rows(tmp_path, b"q,a\n" + b"x" * n_chars + b",1\ny,2\n", "set.csv")
    assert read(found) == [(2, {"q": "x" * n_chars, "a": "1"}), (3, {"q": "y", "a": "2"})]


def test_rows_that_follow_are_read_when_a_cell_is_too_long(tmp_path: Path) -> None:
    found = rows(tmp_path, b"q,a\n" + b"x" * (MAX_CELL_CHARS + 1) + b",1\ny,2\n", "set.csv")
    assert found[0].problem == "a cell of more than 20,000,000 characters"
    assert read(found[1:]) == [(3, {"q": "y", "a": "2"})]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"q,a,q\n1,2,3\n", "line 1: several columns are called 'q'"),
        (b'"q,a\n1,2\n', "line 1: the header of the csv file cannot be read: a quotation mark that is never closed"),
        (b'""\n\n', "header of the csv file cannot be read: nothing stands in it"),
        (b"q,\xff\n1,2\n", "header of the csv file cannot be read: not UTF-8"),
    ],
)
def test_file_is_refused_when_its_header_cannot_be_read(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        rows(tmp_path, content, "set.csv")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(table=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_rows_and_lines_are_right_whatever_cells_hold(tmp_path: Path, table: list[tuple[str, str]]) -> None:
    path, begins = tmp_path / "set.csv", []
    with path.open("w", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(["q", "a"])
        for row in table:
            file.flush()
            begins.append(len(path.read_bytes().splitlines()) + 1)
            writer.writerow(row)
    assert read(list(read_rows(path))) == [(line, {"q": q, "a": a}) for line, (q, a) in zip(begins, table, strict=True)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    table=st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=3) | st.booleans(), max_size=2), max_size=5),
    indent=st.sampled_from([None, 0, 2]),
)
def test_elements_and_lines_are_right_however_a_list_is_laid_out(
    tmp_path: Path, table: list[dict[str, str | bool]], indent: int | None
) -> None:
    (tmp_path / "set").write_text(json.dumps(table, indent=indent))
    found = list(read_rows(tmp_path / "set"))
    assert [row.fields for row in found] == table
    lines = (tmp_path / "set").read_text().split("\n")
    assert indent is None or [line for line, text in enumerate(lines, 1) if text.strip()[:1] == "{"] == [
        row.line for row in found
    ]
