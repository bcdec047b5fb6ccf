"""Progress of an evaluation: a bar on a terminal, lines in a log, JSON for programs."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from memento.cli.printing import StderrConsole
from memento.cli.streams import print_json
from memento.evals.runs.result import TaskResult, is_first_encounter

_RECENT = 200
"""Number of recent tasks to estimate the speed from: it changes as memories grow."""
_LINE_EVERY_S = 10.0
_LINE_EVERY_SHARE = 0.05


class _Tally:
    """Running totals of one arm."""

    def __init__(self) -> None:
        self.n_known = 0
        self.n_unknown = 0
        self.reward = 0.0

    def count(self, result: TaskResult) -> None:
        if result.reward is None:
            self.n_unknown += 1
        elif is_first_encounter(result) or result.phase == "test":
            self.n_known += 1
            self.reward += result.reward

    def __str__(self) -> str:
        shown = f"{self.reward / self.n_known:.1%}" if self.n_known else "-"
        unknown = f", {self.n_unknown} unknown" if self.n_unknown else ""
        return f"{shown} (n {self.n_known}{unknown})"


class EvalProgress:
    """Counts results and shows them on stderr; as JSON, each new one on stdout."""

    def __init__(
        self,
        *,
        arms: Sequence[str],
        n_tasks: int,
        n_earlier: int,
        budget_usd: float | None = None,
        as_json: bool = False,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            arms: their names.
            n_tasks: of all streams.
            n_earlier: how many of the first results are of earlier sessions.
            budget_usd: what the run may cost.
            as_json: print results instead.
            console: stderr by default.
            clock: in seconds.
        """
        self.n_done = 0
        self.cost_usd = 0.0
        self._n_unpriced = 0
        self._tallies = {arm: _Tally() for arm in arms}
        self._n_tasks, self._n_earlier, self._budget_usd = n_tasks, n_earlier, budget_usd
        self._as_json = as_json
        self._console = console or StderrConsole(stderr=True, highlight=False)
        self._clock = clock
        self._ended: deque[float] = deque([clock()], maxlen=_RECENT)
        self._said_at, self._said_done = clock(), n_earlier
        self._live = Live(get_renderable=self._picture, console=self._console, refresh_per_second=4)

    def __enter__(self) -> Self:
        """Start showing."""
        if self._is_live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last picture standing."""
        if self._is_live:
            self._live.stop()
        elif not self._as_json and self._said_done < self.n_done:
            self._say_line()

    @property
    def _is_live(self) -> bool:
        return self._console.is_terminal and not self._as_json

    def show(self, result: TaskResult) -> None:
        """Count and show one more result."""
        self.n_done += 1
        self.cost_usd += result.usage["cost_usd"]
        self._tallies[result.arm].count(result)
        if result.usage["unpriced_calls"]:
            self._tell_unpriced()
            self._n_unpriced += result.usage["unpriced_calls"]
        if self.n_done <= self._n_earlier:
            return
        self._ended.append(self._clock())
        if self._as_json:
            counted = {"done": self.n_done, "tasks": self._n_tasks}
            print_json({"event": "task", **counted, **result.model_dump(mode="json", exclude={"held"})})
        elif not self._is_live and self._is_line_due():
            self._say_line()

    def _is_line_due(self) -> bool:
        n_new = self.n_done - self._said_done
        is_late = self._clock() - self._said_at >= _LINE_EVERY_S
        return is_late or n_new >= _LINE_EVERY_SHARE * self._n_tasks

    def _say_line(self) -> None:
        self._said_at, self._said_done = self._clock(), self.n_done
        arms = "; ".join(f"{escape(arm)} {tally}" for arm, tally in self._tallies.items())
        self._console.print(f"{self._counts()}: {arms}", soft_wrap=True)

    def _tell_unpriced(self) -> None:
        if self._n_unpriced or self._budget_usd is None or self._as_json:
            return
        self._console.print(
            "[yellow]note:[/yellow] the price of some model calls is not known, so the budget cannot hold "
            "(MEMENTO_PRICES says what models cost)",
            soft_wrap=True,
        )

    def _picture(self) -> RenderableType:
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(total=max(1, self._n_tasks), completed=self.n_done, width=40), self._counts())
        arms = Table.grid(padding=(0, 2))
        for arm, tally in self._tallies.items():
            arms.add_row(escape(arm), str(tally))
        return Group(arms, bar)

    def _counts(self) -> str:
        share = self.n_done / max(1, self._n_tasks)
        parts = [f"{self.n_done:,} of {self._n_tasks:,} ({share:.0%})", *self._speed(), self._cost()]
        return ", ".join(filter(None, parts))

    def _speed(self) -> list[str]:
        n_ended, took_s = len(self._ended) - 1, self._ended[-1] - self._ended[0]
        if n_ended < 1 or took_s <= 0:
            return []
        rate = n_ended / took_s
        shown = f"{rate:.1f} a second" if rate >= 1 else f"{1 / rate:.1f} s each"
        n_left = self._n_tasks - self.n_done
        return [shown, f"{duration(n_left / rate)} left"] if n_left else [shown]

    def _cost(self) -> str:
        if not self.cost_usd and self._n_unpriced:
            return "cost not known"
        of = f" of ${self._budget_usd:g}" if self._budget_usd is not None else ""
        some = ", some calls without a price" if self._n_unpriced else ""
        return f"{dollars(self.cost_usd)}{of}{some}"


def dollars(amount: float) -> str:
    """`$0.0018`, `$0.42`, `$12.30`."""
    return f"${amount:.2g}" if 0 < amount < 0.1 else f"${amount:.2f}"


def duration(seconds: float) -> str:
    """`0.4 s`, `45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
