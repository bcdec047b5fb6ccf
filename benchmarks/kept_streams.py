"""Rewards of a run's streams as one small file, kept with the code.

With it anybody can make the figures again, and a run that takes hours goes on on another machine: a stream (an arm in
one order of the tasks) that is in the file is not worked on again.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from pydantic import BaseModel

from benchmarks.provenance import Origin, commit, machine, origins_told
from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.runner import load_results
from memento.evals.statistics.outcomes import by_arm
from memento.memory.case import POSITIVE_FROM
from memento.nodes.usage import no_usage

_OF_A_STREAM: Final = {"arms", "seeds"}
"""What kept streams may differ in; all else of their plan is the same."""
_IN_ANOTHER_FORM: Final = {"scores", "right", "commit", "machine", "date"}
_LETTERS: Final[dict[float | None, str]] = {0.0: "0", 1.0: "1", None: "?"}
"""Of scores that are all or nothing, a letter for each task in place of a list."""


class Stream(BaseModel):
    """An arm, or a control beside it, in one order of the tasks."""

    arm: str
    seed: int
    worked: float
    """Cases shown that had worked, per task."""
    right: float | None = None
    """Share of those whose plan was the right one here; None where that cannot be told."""
    seconds: float
    """Per task, waiting included."""
    commit: str = ""
    """Of the code when it was kept; with the machine and the day empty for a stream that is not kept."""
    machine: str = ""
    date: str = ""
    scores: dict[str, float | None]
    """By task, in the order of the stream, in [0, 1]; None where the outcome is unknown."""

    @property
    def name(self) -> tuple[str, int]:
        """What it is told by within its run."""
        return self.arm, self.seed

    @property
    def origin(self) -> Origin:
        """Where it was made."""
        return Origin(self.commit, self.machine, self.date)

    def results(self, source: Callable[[str], str] = lambda task: "") -> list[TaskResult]:
        """As results, for the statistics of evaluations.

        Args:
            source: of a task, by its id.
        """
        return [
            TaskResult(
                arm=self.arm,
                seed=self.seed,
                phase="learn",
                iteration=1,
                position=position,
                round=position,
                task_id=task,
                source=source(task),
                reward=score,
                usage=no_usage(),
                seconds=self.seconds,
            )
            for position, (task, score) in enumerate(self.scores.items())
        ]


class KeptRun(BaseModel):
    """Finished streams of one plan."""

    run: dict[str, Any]
    """The plan without its arms and orders."""
    streams: list[Stream] = []

    @classmethod
    def load(cls, file: Path | None, plan: RunPlan) -> Self:
        """What a file keeps of a plan's streams; nothing where there is no file. Blocking.

        Raises:
            SystemExit: it is of another plan.
        """
        mine = cls(run=json.loads(plan.model_dump_json(exclude=_OF_A_STREAM)))
        if file is None or not file.exists():
            return mine
        kept = cls.read(file)
        if different := [name for name in mine.run if mine.run[name] != kept.run.get(name)]:
            raise SystemExit(f"{file} keeps a run with other {', '.join(different)}")
        return kept

    @classmethod
    def read(cls, file: Path) -> Self:
        """All that a file keeps. Blocking."""
        kept = json.loads(file.read_text(encoding="utf-8"))
        orders = {int(seed): [kept["tasks"][place] for place in order] for seed, order in kept["orders"].items()}
        streams = []
        for row in kept["streams"]:
            score_of = dict(zip(kept["tasks"], _scores(row.pop("scores")), strict=True))
            origin = kept["origins"][row.pop("origin")]
            streams.append(Stream(**row, **origin, scores={task: score_of[task] for task in orders[row["seed"]]}))
        return cls(run=kept["run"], streams=streams)

    def plan(self, arms: Iterable[str]) -> RunPlan:
        """The plan of these arms, in all orders that are kept."""
        seeds = sorted({one.seed for one in self.streams})
        return RunPlan(**self.run, arms=[parse_arm(name) for name in arms], seeds=seeds)

    def save(self, file: Path) -> None:
        """Write the file, a line for each order and each stream. Blocking."""
        tasks = sorted({task for one in self.streams for task in one.scores})
        place = {task: index for index, task in enumerate(tasks)}
        orders = {one.seed: [place[task] for task in one.scores] for one in self.streams}
        lines = [f"{_json(str(seed))}:{_json(order)}" for seed, order in sorted(orders.items())]
        origins = list(dict.fromkeys(one.origin for one in sorted(self.streams, key=lambda one: one.date)))
        rows = [
            _json(_row(one, tasks) | {"origin": origins.index(one.origin)})
            for one in sorted(self.streams, key=lambda one: one.name)
        ]
        parts = [f'{{"run": {json.dumps(self.run)}', f'"tasks": {_json(tasks)}']
        parts += [f'"origins": {_json([one._asdict() for one in origins])}']
        parts += ['"orders": {\n' + ",\n".join(lines) + "}", '"streams": [\n' + ",\n".join(rows) + "\n]}\n"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(",\n".join(parts), encoding="utf-8")

    def add(self, streams: Iterable[Stream]) -> int:
        """Take up those that are finished and new; their number."""
        known = {one.name for one in self.streams}
        new = [one for one in streams if len(one.scores) == self.run["n_tasks"] and one.name not in known]
        today = datetime.now(UTC).date().isoformat()
        origin = Origin(commit(), machine(), today)._asdict() if new else {}
        self.streams += [one.model_copy(update=origin) for one in new]
        return len(new)

    def with_those(self, streams: Sequence[Stream]) -> list[Stream]:
        """The kept ones and, of others, those that are not kept."""
        known = {one.name for one in self.streams}
        return [*self.streams, *(one for one in streams if one.name not in known)]

    def origins(self) -> str:
        """When, of which code and on which machine they were kept, in words."""
        return origins_told(one.origin for one in self.streams)


class Keeping(NamedTuple):
    """What a command's options say of streams that are kept."""

    file: Path | None
    """None: every stream is worked on, whatever is kept with the code."""
    adds: bool

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Add `--kept` and `--keep` to a command."""
        about = "file of streams that count and are not worked on again; that of this run in kept/ where none is named"
        parser.add_argument("--kept", type=Path, nargs="?", const=Path(), help=about)
        parser.add_argument("--keep", action="store_true", help="add the finished streams to it")

    @classmethod
    def of(cls, options: argparse.Namespace, default: Path) -> Self:
        """What was asked for.

        Args:
            options: of the command line.
            default: the file of this run in kept/.

        Raises:
            SystemExit: a file is named that is not there, and nothing is to be added to it.
        """
        named: Path | None = options.kept
        if named is None and not options.keep:
            return cls(None, adds=False)
        if named is None or named == Path():
            return cls(default, adds=options.keep)
        if not named.exists() and not options.keep:
            raise SystemExit(f"--kept: there is no file {named}")
        return cls(named, adds=options.keep)

    def take(self, kept: KeptRun, streams: Iterable[Stream]) -> None:
        """Add finished streams to the file, if asked to. Blocking."""
        if self.adds and self.file is not None and (n_new := kept.add(streams)):
            kept.save(self.file)
            print(f"{n_new} streams added to {self.file}")


def streams_of(folder: Path, plan: RunPlan) -> list[Stream]:
    """What a folder has of a plan's streams, finished or not. Blocking."""
    arms = by_arm(load_results(folder, plan))
    return [
        stream_of([one for one in mine if one.seed == seed])
        for mine in arms.values()
        for seed in sorted({one.seed for one in mine})
    ]


def stream_of(results: Sequence[TaskResult]) -> Stream:
    """The stream that results of one arm and seed are of; at least one."""
    worked = sum(case.reward >= POSITIVE_FROM for one in results for case in one.cases)
    ordered = sorted(results, key=lambda one: one.position)
    return Stream(
        arm=ordered[0].arm,
        seed=ordered[0].seed,
        worked=round(worked / len(ordered), 3),
        seconds=round(sum(one.seconds for one in ordered) / len(ordered), 3),
        scores={one.task_id: one.reward for one in ordered},
    )


def _row(one: Stream, tasks: Sequence[str]) -> dict[str, Any]:
    right = {} if one.right is None else {"right": one.right}
    return one.model_dump(exclude=_IN_ANOTHER_FORM) | right | {"scores": _told([one.scores[task] for task in tasks])}


def _told(scores: Sequence[float | None]) -> str | list[float | None]:
    if all(score in _LETTERS for score in scores):
        return "".join(_LETTERS[score] for score in scores)
    return [int(score) if score is not None and score == int(score) else score for score in scores]


def _scores(told: str | list[float | None]) -> list[float | None]:
    meant = {letter: score for score, letter in _LETTERS.items()}
    return [meant[letter] for letter in told] if isinstance(told, str) else told


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
