"""Figures of benchmarks: kept with their origin, merged by name, held against bars, told in a table."""

import json
from pathlib import Path

import pytest

from benchmarks.results import FOLDER, Figure, at_least, at_most, load, measured, rounded, save, table
from benchmarks.results_table import EMPTY, markdown

RATIO = measured("read over one forward", [1.1, 1.2, 1.15], "times", of="reads", bar=at_most(1.25))


def test_figures_are_the_same_when_loaded_again(tmp_path: Path) -> None:
    busy = Figure("lost", 0, "of 10", n=10, bar=at_most(0), is_busy=True)

    save("reads", [RATIO, busy], folder=tmp_path)

    kept = load("reads", folder=tmp_path)
    assert [one.figure for one in kept] == [RATIO, busy]
    assert all(one.provenance.machine and one.provenance.date for one in kept)


def test_figures_of_other_options_stay_when_one_run_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for options, value in ((["--busy"], 1.0), ([], 2.0), ([], 3.0)):
        monkeypatch.setattr("sys.argv", ["reads", *options])
        names = ["read"] if value == 3.0 else ["read", "former name"]
        save("reads", [Figure(name, value, "ms", is_busy=bool(options)) for name in names], folder=tmp_path)

    kept = [(one.figure.name, one.figure.value) for one in load("reads", folder=tmp_path)]

    assert kept == [("read", 1.0), ("former name", 1.0), ("read", 3.0)]


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [(1.0, 0.9, 1.1, "met"), (1.2, 1.1, 1.3, "undecided"), (1.4, 1.3, 1.5, "missed"), (1.0, None, None, "met")],
)
def test_bar_is_undecided_when_the_interval_crosses_it(
    value: float, low: float | None, high: float | None, verdict: str
) -> None:
    assert Figure("read", value, "ms", low, high, bar=at_most(1.25)).verdict == verdict


def test_bar_is_met_by_greater_values_when_it_is_a_least() -> None:
    assert [Figure("rate", value, "per s", bar=at_least(400)).verdict for value in (399, 400)] == ["missed", "met"]


def test_no_interval_is_made_up_when_nothing_was_repeated() -> None:
    one = measured("read", [3.0], "ms", of="reads")

    assert (one.value, one.low, one.high, one.interval) == (3.0, None, None, "")


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.00123, "0.00123"), (1.5, "1.5"), (17.34, "17.3"), (1234567.8, "1,234,568")]
)
def test_number_has_three_digits_when_told(value: float, text: str) -> None:
    assert rounded(value) == text


def test_table_tells_bar_and_verdict_when_printed() -> None:
    assert table([RATIO]) == "read over one forward   1.15 [1.1, 1.2] times   bar at most 1.25: met"


def test_rows_have_idle_and_busy_figures_side_by_side(tmp_path: Path) -> None:
    busy = measured("read over one forward", [1.4, 1.4], "times", of="reads", bar=at_most(1.25), is_busy=True)
    save("reads", [RATIO, busy, Figure("not told", 1.0, "ms")], folder=tmp_path)

    told = markdown(tmp_path)

    row = "| read over one forward | at most 1.25 times | 1.15 [1.1, 1.2] times | 1.4 [1.4, 1.4] times, **missed** |"
    assert row in told
    assert "not told" not in told
    assert "### reads\n\n`python -m benchmarks.reads`. Measured 20" in told


def test_the_table_says_so_when_nothing_is_kept(tmp_path: Path) -> None:
    assert markdown(tmp_path) == EMPTY


def test_kept_files_are_as_they_are_written() -> None:
    for file in FOLDER.glob("*.json"):
        kept = json.loads(file.read_text(encoding="utf-8"))
        assert kept["benchmark"] == file.stem
        assert (FOLDER.parent / f"{file.stem}.py").exists()
        assert all(one.provenance.command and one.figure.name for one in load(file.stem))
