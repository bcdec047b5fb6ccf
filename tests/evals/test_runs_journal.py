"""The journal of a stream: what was acknowledged is there, whatever happened to the file's end."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from memento.evals.runs.journal import Journal
from memento.evals.runs.result import HeldWrite, TaskResult
from memento.memory.errors import InvalidInput
from memento.nodes.usage import no_usage


def a_result(position: int, **more: Any) -> TaskResult:
    given = {
        "arm": "none",
        "seed": 0,
        "phase": "learn",
        "iteration": 1,
        "position": position,
        "round": position // 2,
        "task_id": f"t{position}",
        "answer": f"answer {position}",
        "reward": 1.0,
        "usage": no_usage(),
        "seconds": 0.5,
    }
    return TaskResult.model_validate(given | more)


def filled(path: Path, n: int = 4) -> bytes:
    journal = Journal(path)
    journal.open()
    for number in range(n):
        journal.append([a_result(number)])
    journal.mark_written(0)
    journal.close()
    return path.read_bytes()


def read(path: Path) -> Journal:
    journal = Journal(path)
    journal.read()
    return journal


def test_results_and_written_rounds_are_there_when_it_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "stream" / "journal.jsonl"
    filled(path)
    journal = read(path)
    assert journal.results == {number: a_result(number) for number in range(4)}
    assert journal.written == {0}


def test_every_torn_end_is_dropped_and_the_file_goes_on_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    whole = filled(path, n=2)
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        assert len(read(path).results) == sum(end <= cut for end in ends[:2])
        assert path.stat().st_size == cut  # who only reads changes nothing
    path.write_bytes(whole[: ends[1] - 3])
    journal = Journal(path)
    journal.open()
    journal.append([a_result(7)])
    journal.close()
    assert sorted(read(path).results) == [0, 7]


@pytest.mark.parametrize("damage", [b"{torn\n", b"\xff\xfe\n", b"3\n", b'{"arm": "none"}\n', b"\n"])
def test_the_line_is_named_when_one_in_the_middle_is_damaged(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = filled(path).splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], damage, *lines[1:]]))
    for use in (Journal(path).read, Journal(path).open):
        with pytest.raises(InvalidInput, match=r"journal\.jsonl, line 2 is damaged"):
            use()


@pytest.mark.parametrize("answer", ["a\u2028b\u2029c", "\x85\x0b\x0c\x1c", "é漢🙂\x00", "half \ud83d of it", "\r\n"])
def test_an_answer_stays_one_line_when_it_holds_anything(answer: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    arguments = {"action": answer, "models": {"planner": answer}}
    journal = Journal(path)
    journal.open()
    journal.append([a_result(0, answer=answer, held=HeldWrite(arguments=arguments)), a_result(1)])
    journal.close()
    kept = read(path).results
    shown = answer.replace("\ud83d", "?")
    assert sorted(kept) == [0, 1]
    assert kept[0].answer == shown
    assert kept[0].held is not None
    assert kept[0].held.arguments == {"action": shown, "models": {"planner": shown}}


def test_no_line_is_mixed_with_another_when_threads_append_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.open()

    def append(first: int) -> None:
        for number in range(first, first + 25):
            journal.append([a_result(number, answer="x" * 5000)])

    threads = [threading.Thread(target=append, args=(100 * one,)) for one in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert len(path.read_text().splitlines()) == 100
    assert all(json.loads(line)["answer"] == "x" * 5000 for line in path.read_text().splitlines())


def test_nothing_is_kept_when_it_is_not_open(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    with pytest.raises(RuntimeError, match="not open"):
        journal.append([a_result(0)])
    journal.open()
    journal.close()
    journal.close()
    with pytest.raises(RuntimeError, match="not open"):
        journal.mark_written(0)
    assert read(tmp_path / "journal.jsonl").results == {}


def test_there_is_nothing_when_a_stream_was_never_begun(tmp_path: Path) -> None:
    journal = read(tmp_path / "nowhere" / "journal.jsonl")
    assert (journal.results, journal.written) == ({}, set())
    assert not (tmp_path / "nowhere").exists()
