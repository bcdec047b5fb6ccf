"""From a file to tasks: questions asked once, unique ids, samples, and errors that say what to do."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memento.evals.datasets.describing import describe
from memento.evals.datasets.loading import load_dataset
from memento.evals.task import BadRow, Dataset
from memento.memory.errors import InvalidInput

RECORDED = Path(__file__).parents[2].parent / "shared" / "data" / "deepresearcher.jsonl"


def saved(folder: Path, *rows: Any, name: str = "set.jsonl") -> Path:
    """Rows as JSON lines; texts as they are."""
    path = folder / name
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def asked(n: int, **more: Any) -> dict[str, Any]:
    return {"question": f"What is {n}?", "answer": str(n), **more}


def test_question_is_asked_once_when_rows_repeat_it(tmp_path: Path) -> None:
    first, again = asked(1, source="a"), {"question": "what  IS 1", "answer": ["one", "1"], "source": "b"}
    dataset = load_dataset(saved(tmp_path, first, asked(2), again))
    assert [(task.question, task.references, task.source) for task in dataset.tasks] == [
        ("What is 1?", ["1", "one"], "a"),
        ("What is 2?", ["2"], ""),
    ]
    assert (dataset.n_repeated, dataset.bad_rows) == (1, [])


def test_repeated_question_is_a_bad_row_when_its_files_differ(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("1")
    dataset = load_dataset(saved(tmp_path, asked(1, files="a.txt"), asked(1, files="b.txt"), asked(1, files=["a.txt"])))
    assert [bad.line for bad in dataset.bad_rows] == [2]
    assert "line 1 with other files" in dataset.bad_rows[0].reason
    assert (len(dataset.tasks), dataset.n_repeated) == (1, 1)


def test_rows_of_one_text_stay_apart_when_they_have_keys(tmp_path: Path) -> None:
    rows = [{"question": "Cook the meal.", "key": f"cook/{n % 150}", "answer": "eaten"} for n in range(151)]
    wrong = [{"question": "Another meal.", "key": "cook/0"}, {"question": "Long.", "key": "k" * 501}]
    dataset = load_dataset(saved(tmp_path, *rows, *wrong))
    assert [task.key for task in dataset.tasks] == [f"cook/{n}" for n in range(150)]
    assert dataset.n_repeated == 1
    assert ["key of line 1 and another question" in bad.reason for bad in dataset.bad_rows] == [True, False]


def test_ids_are_unique_when_rows_share_or_lack_them(tmp_path: Path) -> None:
    ids = ["q", None, "q", "q-2", "line-2", "", 7, "q"]
    dataset = load_dataset(saved(tmp_path, *[asked(n, id=given) for n, given in enumerate(ids)]))
    assert [task.id for task in dataset.tasks] == ["q", "line-2", "q-2", "q-2-2", "line-2-2", "line-6", "7", "q-3"]


def test_ids_and_sources_print_on_one_line_when_they_hold_control_characters(tmp_path: Path) -> None:
    hostile = "a\x1b[31m\n b\u202e" + "x" * 500
    task = load_dataset(saved(tmp_path, asked(1, id=hostile, source=hostile, level="\x07"))).tasks[0]
    assert task.id == task.source == ("a?[31m b?" + "x" * 500)[:200]
    assert task.level == "?"


def test_half_a_surrogate_pair_becomes_storable(tmp_path: Path) -> None:
    row = '{"question": "What is \\ud83d here?", "answer": "\\ud83d", "note\\ud83d": "\\ud83d", "id": "\\ud83d"}'
    task = load_dataset(saved(tmp_path, row)).tasks[0]
    assert (task.question, task.references, task.metadata, task.id) == ("What is ? here?", ["?"], {"note?": "?"}, "?")


def test_sample_is_the_same_mixed_and_nested_when_limited(tmp_path: Path) -> None:
    path = saved(tmp_path, *[asked(n, source="first" if n < 100 else "second") for n in range(200)])
    whole = load_dataset(path)
    few, more = load_dataset(path, limit=20), load_dataset(path, limit=50)
    assert (len(few.tasks), len(more.tasks)) == (20, 50)
    assert few == load_dataset(path, limit=20)
    assert {task.source for task in few.tasks} == {"first", "second"}
    for part in (few, more):
        assert part.tasks == [task for task in whole.tasks if task in part.tasks], "the file's order, the file's ids"
    assert {task.id for task in few.tasks} < {task.id for task in more.tasks}
    assert load_dataset(path, limit=1000) == whole


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_is_refused_when_it_leaves_nothing(tmp_path: Path, limit: int) -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        load_dataset(saved(tmp_path, asked(1)), limit=limit)


def test_bad_rows_are_counted_with_lines_when_others_are_good(tmp_path: Path) -> None:
    rows = [asked(1), "", "{", "[1]", asked(2), {"question": " "}, {"question": "?!"}, {}, {"question": ["a"]}]
    dataset = load_dataset(saved(tmp_path, *rows))
    assert [task.id for task in dataset.tasks] == ["line-1", "line-5"]
    assert [(line, reason[:30]) for line, reason in dataset.bad_rows] == [
        (3, "not JSON: Expecting property n"),
        (4, "not a JSON object"),
        (6, "`question` is missing or empty"),
        (7, "`question` is a question witho"),
        (8, "`question` is missing or empty"),
        (9, "`question` is a list; a text o"),
    ]


def test_first_three_bad_rows_are_shown_when_there_is_no_other(tmp_path: Path) -> None:
    path = saved(tmp_path, *[{"question": "", "n": n} for n in range(5)])
    with pytest.raises(InvalidInput, match=r"none of its 5 rows is a task. line 1: .*; line 2: .*; line 3: ") as caught:
        load_dataset(path)
    assert "line 4" not in str(caught.value)
    with pytest.raises(InvalidInput, match="line 1: no fields; line 2: not JSON"):
        load_dataset(saved(tmp_path, "{}", "{,}"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n", "is empty"),
        ('{"question": "a"}'.encode("utf-16"), "not UTF-8 text"),
        (b"\x1f\x8b\x08", "not UTF-8 text"),
        (b"question,answer\n", "contains no rows"),
        (b"[]", "contains no rows"),
        (b'{"text": "a", "label": "b"}', "no known format. Its fields: text, label. Formats: deepresearcher has .*hle"),
        (b"When was it?\nWhere was it?\n", "Its fields: When was it"),
    ],
)
def test_error_says_what_is_wrong_when_a_file_holds_no_data_set(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "set"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=problem):
        load_dataset(path)


def test_error_says_what_is_wrong_when_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        load_dataset(tmp_path / "none.jsonl")


def test_error_lists_what_can_be_chosen_when_an_option_is_wrong(tmp_path: Path) -> None:
    path = saved(tmp_path, asked(1, gold=None))
    with pytest.raises(InvalidInput, match="unknown format 'gaya'; choose one of: auto, deepresearcher, gaia"):
        load_dataset(path, format="gaya")
    with pytest.raises(InvalidInput, match="goes with the format generic, not with gaia"):
        load_dataset(path, format="gaia", fields={"question": "q"})
    with pytest.raises(InvalidInput, match=r"'answer' is not a part of a task; .* for: question, references"):
        load_dataset(path, fields={"answer": "q"})
    with pytest.raises(InvalidInput, match=r"no row has anything in gold, q. Its fields: question, answer, gold"):
        load_dataset(path, fields={"question": "q", "references": "gold"})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.binary() | st.text(st.sampled_from('{}[],:"\\n\\\\1aq')).map(str.encode),
    name=st.sampled_from(["s.jsonl", "s.csv", "s"]),
)
def test_file_is_read_or_refused_whatever_it_holds(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(b'{"question": "Who is a?", "answer": 1}\n' * (name == "s.jsonl") + content)
    refusal, dataset = "", None
    try:
        dataset = load_dataset(tmp_path / name)
    except InvalidInput as error:
        refusal = str(error)
    if dataset is None:
        assert name != "s.jsonl" or "not UTF-8 text" in refusal, "its first line is a task"
    else:
        assert dataset.tasks
        assert all(row.reason.isprintable() for row in dataset.bad_rows)


def test_lines_are_exact_when_rows_of_a_long_file_are_damaged(tmp_path: Path) -> None:
    hurt = {n * 37 % 997: n % 3 for n in range(60)}
    damages = ["{", '{"question": ""}', "[]"]
    rows = [damages[hurt[n]] if n in hurt else asked(n) for n in range(997)]
    dataset = load_dataset(saved(tmp_path, *rows))
    assert [bad.line - 1 for bad in dataset.bad_rows] == sorted(hurt)
    assert [task.id for task in dataset.tasks] == [f"line-{n + 1}" for n in range(997) if n not in hurt]


def test_description_counts_parts_and_shows_some_bad_rows() -> None:
    lines = describe(Dataset("empty", "generic", [], [BadRow(n, f"why {n}") for n in range(1, 9)], 1))
    assert lines[0] == "empty (generic): 0 tasks, 1 repeated questions asked once, 8 bad rows skipped"
    assert lines[1:] == ["bad rows:", *[f"  line {n}: why {n}" for n in range(1, 6)], "  and 3 more"]


def test_description_ends_its_lists_when_sources_are_many(tmp_path: Path) -> None:
    rows = [asked(n, source=f"s{n % 30:02}", level="1") for n in range(45)]
    lines = describe(load_dataset(saved(tmp_path, *rows, {"question": "Open?", "source": ""})))
    assert lines[0] == "set (generic): 46 tasks, 1 without a reference"
    assert lines[1:3] == ["by source:", "        2  s00"]
    assert lines[16:19] == ["        2  s14", "        1  (no source)", "        1  s15"]
    assert lines[21:24] == ["        1  s18", "       11  in 11 more", "by level:"]
    assert lines[24:] == ["       45  1", "        1  (no level)"]


@pytest.mark.skipif(not RECORDED.exists(), reason="the reference's questions are not here")
def test_recorded_questions_are_all_read() -> None:
    dataset = load_dataset(RECORDED)
    assert (dataset.name, dataset.format, len(dataset.tasks)) == ("deepresearcher", "deepresearcher", 2538)
    assert (dataset.n_repeated, dataset.bad_rows) == (4, [])
    assert Counter(task.source for task in dataset.tasks) == {
        "musique": 420,
        "popqa": 411,
        "tq": 407,
        "nq": 404,
        "hotpotqa": 396,
        "2wiki": 394,
        "Bamboogle": 106,
    }
    assert all(task.references for task in dataset.tasks)
    assert not any("<|" in reference for task in dataset.tasks for reference in task.references)
    assert dataset.tasks[1].references == ["Bloomsburg", "The Only Town in Pennsylvania", "Eyersburg"]
    pilot = next(task for task in dataset.tasks if task.question == "Who was the director of Pilot?")
    assert pilot.references == ["Peter Berg", "Steve Shill", "Stephen A Shill"]
    assert {task.source for task in load_dataset(RECORDED, limit=60).tasks} == {task.source for task in dataset.tasks}
    assert "      420  musique" in describe(dataset)
