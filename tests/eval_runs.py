"""Evaluation runs made by hand: what a runner would leave in its folder, from a seeded simulation without any model.

Every task has a difficulty; every case helps or harms by a hidden amount, which an arm profits from by its `skill`.
The same draws decide a task in all arms, so that arms differ only where their cases do, as with a deterministic model.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from memento.evals.runs.arm import parse_arm
from memento.evals.runs.plan import FeedbackKind, RunPlan
from memento.evals.task import EvalTask, fingerprint
from tests.eval_stream import MadeStream

SOURCES = ("rivers", "operas", "chess")


class MadeRun(NamedTuple):
    """What was made."""

    folder: Path
    plan: RunPlan
    tasks: list[EvalTask]


def made_tasks(
    n: int, *, sources: Sequence[str] = SOURCES, ask: str = "What is item {number} of {source}?"
) -> list[EvalTask]:
    """Tasks with one reference each, their sources in turn."""
    return [
        EvalTask(
            id=f"t{number}",
            question=ask.format(number=number, source=sources[number % len(sources)]),
            references=[f"answer {number}"],
            source=sources[number % len(sources)],
        )
        for number in range(n)
    ]


def make_run(
    folder: Path,
    *,
    arms: Sequence[str] = ("none", "random", "similarity", "advantage"),
    n_tasks: int = 60,
    seeds: Sequence[int] = (0, 1, 2),
    tasks: Sequence[EvalTask] | None = None,
    held_out: Sequence[str] = (),
    iterations: int = 1,
    per_round: int = 5,
    feedback: FeedbackKind = "correction",
    base: float = 0.3,
    effect: float = 1.0,
    share_done: float = 1.0,
    share_unknown: float = 0.02,
    usd_per_task: float | None = 0.002,
    evaluator: str = "exact",
    leak: bool = False,
    **more: Any,
) -> MadeRun:
    """Write a run folder: the plan, and the journal of every stream.

    Args:
        folder: of the run; made where it is missing.
        arms: as `parse_arm` reads them.
        n_tasks: when `tasks` are not given.
        seeds: one stream per arm and seed.
        tasks: of the data set.
        held_out: sources that come last, with a frozen bank.
        iterations: how often the stream goes through its tasks.
        per_round: tasks that see the same bank.
        feedback: whether wrong answers are corrected.
        base: chance of solving a task without cases, on average.
        effect: of memory; 0 makes a run in which no arm differs but by the cases shown.
        share_done: of every stream; less than 1 is a run that still goes on.
        share_unknown: of tasks whose reward is not known.
        usd_per_task: None: the price of the model is not known.
        evaluator: who gave the rewards; a judge is as often right as it is sure, anyone else always.
        leak: a case of the very question is shown at the first encounter.
        more: further fields of the plan.
    """
    tasks = list(tasks) if tasks is not None else made_tasks(n_tasks)
    plan = RunPlan.model_validate(
        {
            "dataset": "made-questions",
            "tasks": fingerprint(tasks),
            "n_tasks": len(tasks),
            "subject": "scripted",
            "scorer": "exact",
            "arms": [parse_arm(arm) for arm in arms],
            "seeds": list(seeds),
            "iterations": iterations,
            "round": per_round,
            "feedback": feedback,
            "held_out": list(held_out),
            "settings": {"evaluator": "exact", "max_cycles": 1},
        }
        | more
    )
    plan.save(folder)
    for key in plan.streams():
        visits = list(plan.visits(tasks, key.seed))
        stream = MadeStream(key, plan, base, effect, share_unknown, usd_per_task, evaluator, leak=leak)
        lines = [stream.result(visit).model_dump_json() for visit in visits[: int(share_done * len(visits))]]
        path = folder / "streams" / key.name / "journal.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return MadeRun(folder, plan, tasks)
