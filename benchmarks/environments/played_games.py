"""Scores of a run's games as one small file, kept with the code.

With it anybody can make the figures again, and a run that takes hours goes on on another machine: a stream (an arm in
one order of the tasks) that is in the file is not played again.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel

from benchmarks.provenance import commit, machine
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import load_results
from memento.evals.statistics.outcomes import by_arm
from memento.memory.case import POSITIVE_FROM
from memento.nodes.usage import no_usage

FOLDER: Final = Path(__file__).parent / "played"
_OF_A_STREAM: Final = {"arms", "seeds"}
"""What kept streams may differ in; all else of their plan is the same."""


class Stream(BaseModel):
    """An arm's games in one order of the tasks."""

    arm: str
    seed: int
    worked: float
    """Cases shown that had worked, per game."""
    seconds: float
    """Per game, waiting included."""
    commit: str = ""
    """Of the code when the games were kept; with the machine and the day empty for a stream that is not kept."""
    machine: str = ""
    date: str = ""
    scores: dict[str, float | None]
    """By task, in [0, 1]; None where an environment broke."""

    @property
    def name(self) -> tuple[str, int]:
        """What it is told by within its run."""
        return self.arm, self.seed

    def results(self) -> list[TaskResult]:
        """As results, for the statistics of evaluations."""
        return [
            TaskResult(
                arm=self.arm,
                seed=self.seed,
                phase="learn",
                iteration=1,
                position=position,
                round=position,
                task_id=task,
                source=task.partition("/")[0],
                reward=score,
                usage=no_usage(),
                seconds=self.seconds,
            )
            for position, (task, score) in enumerate(self.scores.items())
        ]


class PlayedRun(BaseModel):
    """Finished streams of one plan."""

    run: dict[str, Any]
    """The plan without its arms and orders."""
    streams: list[Stream] = []

    @classmethod
    def load(cls, file: Path, plan: RunPlan) -> Self:
        """What a file keeps of a plan's streams; nothing where there is no file. Blocking.

        Raises:
            SystemExit: it is of another plan.
        """
        mine = cls(run=_shared(plan))
        if not file.exists():
            return mine
        kept = json.loads(file.read_text(encoding="utf-8"))
        if different := [name for name in mine.run if mine.run[name] != kept["run"].get(name)]:
            raise SystemExit(f"{file} has games of a run with other {', '.join(different)}")
        for row in kept["streams"]:
            scores = dict(zip(kept["tasks"], row.pop("scores"), strict=True))
            mine.streams.append(Stream(**row, scores=scores))
        return mine

    def save(self, file: Path) -> None:
        """Write the file, a line for each stream. Blocking."""
        tasks = sorted({task for one in self.streams for task in one.scores})
        rows = [
            one.model_dump(exclude={"scores"}) | {"scores": [one.scores[task] for task in tasks]}
            for one in sorted(self.streams, key=lambda one: one.name)
        ]
        head = f'{{"run": {json.dumps(self.run)},\n"tasks": {json.dumps(tasks)},\n"streams": [\n'
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(head + ",\n".join(map(json.dumps, rows)) + "\n]}\n", encoding="utf-8")

    def add(self, streams: Iterable[Stream], *, n_tasks: int) -> int:
        """Take up those that are finished and new; their number."""
        known = {one.name for one in self.streams}
        new = [one for one in streams if len(one.scores) == n_tasks and one.name not in known]
        today = datetime.now(UTC).date().isoformat()
        origin = {"commit": commit(), "machine": machine(), "date": today} if new else {}
        self.streams += [one.model_copy(update=origin) for one in new]
        return len(new)

    def with_those(self, streams: Sequence[Stream]) -> list[Stream]:
        """The kept ones and, of others, those that are not kept."""
        known = {one.name for one in self.streams}
        return [*self.streams, *(one for one in streams if one.name not in known)]


def streams_of(folder: Path, plan: RunPlan) -> list[Stream]:
    """What a folder has of a plan's streams, finished or not. Blocking."""
    found = []
    for arm, mine in by_arm(load_results(folder, plan)).items():
        for seed in sorted({one.seed for one in mine}):
            games = [one for one in mine if one.seed == seed]
            worked = sum(case.reward >= POSITIVE_FROM for one in games for case in one.cases)
            found.append(
                Stream(
                    arm=arm,
                    seed=seed,
                    worked=round(worked / len(games), 3),
                    seconds=round(sum(one.seconds for one in games) / len(games), 3),
                    scores={one.task_id: one.reward for one in games},
                )
            )
    return found


def _shared(plan: RunPlan) -> dict[str, Any]:
    return json.loads(plan.model_dump_json(exclude=_OF_A_STREAM))  # type: ignore[no-any-return]
