"""What `memento demo` prints; the run itself is tested where the real model is."""

import io
from typing import Any

import pytest
from rich.console import Console

from memento.cli.demo_run import _INTRODUCTION, _NEXT, _closer_look, _curves, _figures, _table
from memento.evals.learning_demo import SERIES, Shown, TaskScore

CASE: Any = {"state": "A chef bakes 'egg'.", "action": "1. jent\nresult", "reward": 0.0, "similarity": 0.5}


def scores(n: int) -> list[TaskScore]:
    return [TaskScore(i, none=0.0, similarity=0.0, advantage=float(i > n // 2), vote=1.0) for i in range(n)]


def printed(what: Any, *, columns: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=columns).print(what)
    return out.getvalue()


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("n_tasks", [6, 12, 45, 500])
@pytest.mark.parametrize("share_done", [0, 0.5, 1])
def test_the_curves_keep_their_frame_when_stream_and_terminal_vary(
    columns: int, n_tasks: int, share_done: float
) -> None:
    panel = _curves(scores(int(n_tasks * share_done)), n_tasks, columns - 28)
    lines = printed(panel, columns=columns).splitlines()
    assert len(lines) == 6
    assert {len(line) for line in lines} == {columns}
    assert ("100%" in lines[4]) == (share_done > 0)


def test_table_and_closer_look_fit_when_the_terminal_has_80_columns() -> None:
    table = printed(_table(_figures(scores(45)))).splitlines()
    assert [line.split("  ")[0] for line in table[1:5]] == list(SERIES)
    assert table[3].split("  ")[-1].strip() == "1.00 [0.84, 1.00]"
    assert [line.split("  ")[0] for line in table[5:8]] == [
        "advantage - no memory",
        "advantage - similarity",
        "advantage - vote, no model",
    ]
    shown = Shown("a task", [CASE], "jent", "eg", 1.0, "c" * 36)
    panel = printed(_closer_look(shown, shown))
    assert "case    0.50 failed  A chef bakes 'egg'. -> jent" in panel


def test_introduction_and_next_commands_fit_when_the_terminal_has_80_columns() -> None:
    for text in (_INTRODUCTION.format(n_tasks=45), _NEXT):
        assert max(map(len, text.splitlines())) <= 80
    assert [name for name in SERIES[:3] if f"\n  {name} " not in _INTRODUCTION] == []
