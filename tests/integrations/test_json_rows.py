"""JSON files of any size as rows: lines, arrays, documents; and files that are damaged or hostile."""

import json
import random
from pathlib import Path

import pytest

from memento.integrations.importers import json_rows as module
from memento.integrations.importers.json_rows import JsonRow, files_of, json_rows, rows_within
from memento.memory.errors import InvalidInput


def rows(path: Path, content: bytes | str) -> list[JsonRow]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(json_rows(path))


def told(found: list[JsonRow]) -> list[tuple[int, object, str]]:
    return [(row.number, row.value, row.problem[:9]) for row in found]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\n\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_lines_are_rows_whatever_ends_them(ending: str, bom: bytes, tmp_path: Path) -> None:
    content = bom + ending.join(['{"a": 1}', '{"a": "ü"}']).encode()
    assert [row.value for row in rows(tmp_path / "f", content)] == [{"a": 1}, {"a": "ü"}]


def test_bad_lines_are_named_and_the_others_read(tmp_path: Path) -> None:
    deep = "[" * 100_000
    found = rows(
        tmp_path / "f",
        b'{"a": 1}\n{bad\n\xff\n' + b'{"a": ' + b"9" * 5000 + b"}\n" + b'{"a":' + deep.encode() + b"\n{}",
    )
    assert told(found) == [
        (1, {"a": 1}, ""),
        (2, None, "not JSON:"),
        (3, None, "not UTF-8"),
        (4, None, "JSON that"),
        (5, None, "JSON that"),
        (6, {}, ""),
    ]


def test_the_first_line_may_be_the_bad_one(tmp_path: Path) -> None:
    assert told(rows(tmp_path / "f", '{"cut": \n{"a": 1}\n{"a": 2}\n'))[1:] == [(2, {"a": 1}, ""), (3, {"a": 2}, "")]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_elements_of_an_array_are_rows(indent: int | None, bom: str, tmp_path: Path) -> None:
    values = [{"a": n, "text": "ü€😀" * n} for n in range(50)]
    assert [
        row.value for row in rows(tmp_path / "f", bom + json.dumps(values, indent=indent, ensure_ascii=False))
    ] == values


def test_an_array_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(0)
    values = [{"n": n, "text": "é" * chance.randrange(50)} for n in range(200)] + [12345, 1.5, None, True, "x"]
    content = json.dumps(values, ensure_ascii=False).encode()
    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr(module, "_CHUNK", size)
        found = rows(tmp_path / "f", content)
        assert [row.value for row in found] == values
        assert sum(row.n_bytes for row in found) <= len(content)


@pytest.mark.parametrize("content", ['[{"a": 1}, {"b": ', '[{"a": 1}', '[{"a": 1}, oops, {"c": 1}]'])
def test_an_array_that_is_cut_off_or_broken_says_where(content: str, tmp_path: Path) -> None:
    first, last = rows(tmp_path / "f", content)
    assert first.value == {"a": 1}
    assert (last.number, bool(last.problem)) == (2, True)


def test_bytes_that_are_no_text_in_an_array_cost_one_element(tmp_path: Path) -> None:
    found = rows(tmp_path / "f", b'[{"a": 1}, {"b": "\xff"}, {"c": 1}]')
    assert [(row.value, row.problem[:9]) for row in found] == [({"a": 1}, ""), ({}, "not UTF-8"), ({"c": 1}, "")]


def test_a_document_is_one_row_and_its_array_is_taken_out_of_it(tmp_path: Path) -> None:
    file = tmp_path / "f"
    assert [row.value for row in rows(file, json.dumps({"data": [1, 2]}, indent=2))] == [{"data": [1, 2]}]
    assert [(row.number, row.value) for row in rows_within(file, "data")] == [(1, 1), (2, 2)]
    file.write_text('{"data": [1, 2]}\n{"data": [3]}\n')
    assert [(row.number, row.value) for row in rows_within(file, "data")] == [(1, 1), (2, 2), (3, 3)]


def test_what_is_too_large_is_refused_and_the_rest_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROW_BYTES", 100)
    monkeypatch.setattr(module, "_CHUNK", 32)
    found = rows(tmp_path / "f", '{"a": 1}\n{"b": "' + "x" * 500 + '"}\n{"c": 1}\n')
    assert [(row.number, row.value) for row in found] == [(1, {"a": 1}), (2, None), (3, {"c": 1})]
    found = rows(tmp_path / "f", '[{"a": 1}, {"b": "' + "x" * 500 + '"}]')
    assert found[1].value is None or len(found[1].value["b"]) == 500
    monkeypatch.setattr(module, "MAX_DOCUMENT_BYTES", 50)
    with pytest.raises(InvalidInput, match="jq"):
        rows(tmp_path / "f", json.dumps({"data": ["x" * 60]}, indent=2))


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file_has_no_rows(content: bytes, tmp_path: Path) -> None:
    assert rows(tmp_path / "f", content) == []


def test_utf16_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="UTF-16"):
        rows(tmp_path / "f", '{"a": 1}'.encode("utf-16"))


def test_a_folder_is_walked_without_links_and_other_files(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/2.jsonl", "a.json", "notes.txt", "c.JSONL"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "link.jsonl").symlink_to("/etc/hostname")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert [str(one.relative_to(tmp_path)) for one in files_of(tmp_path)] == ["a.json", "c.JSONL", "b/2.jsonl"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no file that ends in"):
        files_of(tmp_path / "empty")
    with pytest.raises(InvalidInput, match="there is no file"):
        files_of(tmp_path / "none.jsonl")
