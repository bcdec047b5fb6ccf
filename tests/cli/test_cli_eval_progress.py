"""What is shown of an evaluation while it runs: counts, speed, cost, and how right every arm is so far."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from memento.cli.eval_progress import EvalProgress, dollars, duration
from memento.evals.runs.result import TaskResult
from memento.nodes.usage import no_usage


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Shown:
    """A progress that writes into a text, by a clock that a test sets."""

    def __init__(self, *, is_terminal: bool = False, **options: Any) -> None:
        self.text, self.clock = io.StringIO(), Clock()
        console = Console(file=self.text, force_terminal=is_terminal, width=200, highlight=False)
        given = {"arms": ["none", "advantage"], "n_tasks": 100, "n_earlier": 0} | options
        self.progress = EvalProgress(**given, console=console, clock=self.clock)

    @property
    def lines(self) -> list[str]:
        return self.text.getvalue().splitlines()


def result(
    arm: str = "none", reward: float | None = 1.0, usd: float = 0.0, n_unpriced: int = 0, **more: Any
) -> TaskResult:
    given = {
        "arm": arm,
        "seed": 0,
        "phase": "learn",
        "iteration": 1,
        "position": 0,
        "round": 0,
        "task_id": "t",
        "reward": reward,
        "usage": no_usage() | {"cost_usd": usd, "unpriced_calls": n_unpriced},
        "seconds": 1.0,
    }
    return TaskResult.model_validate(given | more)


def test_a_line_comes_every_twentieth_or_every_ten_seconds_when_nobody_watches() -> None:
    shown = Shown()
    with shown.progress as progress:
        for _ in range(4):
            shown.clock.now += 1
            progress.show(result())
        assert shown.lines == []
        progress.show(result("advantage"))
        assert len(shown.lines) == 1
        shown.clock.now += 10
        progress.show(result())
        assert len(shown.lines) == 2
    assert len(shown.lines) == 2  # nothing new since
    assert shown.lines[0].startswith("5 of 100 (5%), ")


def test_accuracy_is_of_what_is_known_and_was_met_first() -> None:
    shown = Shown(n_tasks=7)
    with shown.progress as progress:
        progress.show(result(reward=1.0))
        progress.show(result(reward=0.0))
        progress.show(result(reward=0.0, iteration=2))
        progress.show(result(reward=None))
        progress.show(result("advantage", reward=0.5, phase="test"))
    assert shown.lines[-1].endswith(": none 50.0% (n 2, 1 unknown); advantage 50.0% (n 1)")


def test_time_left_goes_by_this_sessions_tasks_when_others_were_done_before() -> None:
    shown = Shown(n_earlier=80)
    with shown.progress as progress:
        for _ in range(80):
            progress.show(result(usd=0.01))
        assert shown.lines == []
        for _ in range(10):
            shown.clock.now += 2
            progress.show(result(usd=0.01))
    assert shown.lines[-1].startswith("90 of 100 (90%), 2.0 s each, 20 s left, $0.90: ")


def test_speed_goes_by_the_newest_tasks() -> None:
    shown = Shown(n_tasks=1000)
    with shown.progress as progress:
        for number in range(500):
            shown.clock.now += 10 if number < 100 else 0.5
            progress.show(result())
    assert shown.lines[-1].startswith("500 of 1,000 (50%), 2.0 a second, 4 min left")


def test_cost_is_shown_against_the_budget_and_it_is_said_once_when_that_cannot_hold() -> None:
    shown = Shown(budget_usd=5.0)
    with shown.progress as progress:
        for _ in range(3):
            progress.show(result(usd=0.5, n_unpriced=1))
    assert sum("budget cannot hold" in line for line in shown.lines) == 1
    assert "$1.50 of $5, some calls without a price" in shown.lines[-1]
    without = Shown()
    with without.progress as progress:
        progress.show(result(n_unpriced=1))
    assert "cost not known" in without.lines[-1]
    assert "budget" not in without.text.getvalue()


def test_every_new_result_is_a_line_of_json_when_a_program_reads(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Shown(n_earlier=1, as_json=True)
    with shown.progress as progress:
        progress.show(result())
        progress.show(result("advantage", reward=None, answer="a\nb"))
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["event"], told["done"], told["tasks"], told["arm"]) == ("task", 2, 100, "advantage")
    assert (told["reward"], told["answer"]) == (None, "a\nb")
    assert "held" not in told
    assert shown.text.getvalue() == ""


def test_a_bar_and_every_arm_are_drawn_on_a_terminal() -> None:
    shown = Shown(is_terminal=True, n_tasks=2)
    with shown.progress as progress:
        shown.clock.now += 1
        progress.show(result())
    picture = shown.text.getvalue()
    assert "━" in picture
    assert "1 of 2 (50%), 1.0 a second, 1.0 s left, $0.00" in picture
    assert "100.0% (n 1)" in picture


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.4 s"), (45, "45 s"), (100, "2 min"), (5399, "1 h 30 min"), (12000, "3 h 20 min")]
)
def test_durations_are_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("amount", "text"), [(0, "$0.00"), (0.0018, "$0.0018"), (0.42, "$0.42"), (12.3, "$12.30")])
def test_small_amounts_are_not_shown_as_nothing(amount: float, text: str) -> None:
    assert dollars(amount) == text
