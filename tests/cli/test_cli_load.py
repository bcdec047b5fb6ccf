"""`memento cases load`: what it prints, what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.commands import invoke

pytestmark = pytest.mark.allow_blocking("a command has its event loop to itself")


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    cases, vectors = tmp_path / "cases.jsonl", tmp_path / "vectors.npy"
    rows = [{"state": f"Who wrote book {n}?", "action": "look", "reward": 1} for n in range(5)]
    cases.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{bad\n")
    rng = np.random.default_rng(0)
    np.save(vectors, rng.standard_normal((6, 384)).astype(np.float32))
    return str(cases), str(vectors)


def test_cases_are_loaded_once_and_bad_lines_named(files: tuple[str, str]) -> None:
    cases, vectors = files
    done = invoke("cases", "load", cases, "--vectors", vectors, "--unchecked")
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines()[-1] == "5 new cases, 0 already there, 1 bad lines skipped"
    assert "cases.jsonl:6: not JSON" in done.err
    again = invoke("cases", "load", cases, "--vectors", vectors, "--unchecked", "--json")
    assert [line["event"] for line in again.lines] == ["bad_line", "loaded"]
    assert again.lines[-1] == {"event": "loaded", "read": 6, "loaded": 0, "already_there": 5, "bad": 1}
    assert invoke("cases", "stats", "--json").lines[-1]["cases"] == 5


def test_nothing_is_loaded_when_the_vectors_are_another_models(files: tuple[str, str]) -> None:
    cases, vectors = files
    done = invoke("cases", "load", cases, "--vectors", vectors)
    assert done.code == 2
    assert "are not those of the bank's encoder" in done.err
    assert invoke("cases", "stats", "--json").lines[-1]["cases"] == 0


def test_loaded_cases_wait_when_they_go_into_quarantine(files: tuple[str, str]) -> None:
    cases, vectors = files
    done = invoke("cases", "load", cases, "--vectors", vectors, "--unchecked", "--quarantine", "--json")
    assert done.lines[-1]["quarantined"] == 5
