"""Runs each arm on every task of a data set, as `memento eval run` does; what was finished is kept."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from memento.cli.eval_options import RunOptions
from memento.cli.eval_plan import arms_of, context_of, plan_of
from memento.cli.eval_progress import EvalProgress, dollars
from memento.cli.eval_summary import print_summary, summary_json, why_unknown
from memento.cli.running import ExitCode
from memento.cli.streams import print_json, tell
from memento.evals.configured import check_unseen, opened_subject
from memento.evals.datasets.describing import describe
from memento.evals.datasets.generic import field_mapping
from memento.evals.datasets.loading import load_dataset
from memento.evals.environments.pool import EnvironmentPool
from memento.evals.environments.port import SPLITS, EnvironmentSpec
from memento.evals.environments.subject import N_TASKS, environment_tasks, specs_of
from memento.evals.runs.plan import PLAN, RunPlan
from memento.evals.runs.result import TaskResult
from memento.evals.runs.run_lock import locked
from memento.evals.runs.runner import EvalRunner, RunEnd, load_results
from memento.evals.runs.workers import WorkerRunner
from memento.evals.scorer import load_scorer
from memento.evals.statistics.orders import MIN_ORDERS, lacks_orders
from memento.evals.statistics.summary import summarize
from memento.evals.subject import Subject, scored_with
from memento.evals.task import ENVIRONMENT, Dataset
from memento.graph.settings import read_settings
from memento.memory.encoder import Encoder
from memento.memory.errors import InvalidInput, MementoError
from memento.nodes.acting.environment import EnvironmentFailed

_POOL = 8
"""Processes of environments at most: each takes some hundred megabytes."""
_LONG = 200
"""Tasks of a run from which on processes of their own pay: each takes seconds to start."""


class _Work(NamedTuple):
    """A run that is about to start: its plan, tasks and options."""

    options: RunOptions
    dataset: Dataset
    plan: RunPlan
    runner: EvalRunner | WorkerRunner
    n_earlier: int

    @property
    def again(self) -> str:
        return f"{self.options.folder} keeps them; the same command resumes the run"


async def run_eval(options: RunOptions, *, preset: str = "") -> ExitCode:
    """Run or resume an evaluation; exit code 1 when the budget ended it.

    Args:
        options: of the command line.
        preset: name of the preset that this is; empty when it is none.

    Raises:
        InvalidInput: something that was asked for makes no sense, or the folder holds another run.
        MementoError: no model answers any more; what was finished is kept.
    """
    settings, arms = context_of(options), arms_of(options)
    specs = await asyncio.to_thread(specs_of, options.environment_names)
    async with (
        EnvironmentPool(specs, size=min(options.concurrency, _POOL)) as pool,
        opened_subject(
            options.subject, folder=options.folder, settings=settings, pool=pool, environments=specs, arms=arms
        ) as (given, encoder, notices),
    ):
        dataset = await _tasks(options, pool, specs)
        subject = await asyncio.to_thread(_with_scorer, given, options)
        plan = await asyncio.to_thread(lambda: plan_of(options, dataset, subject=subject.name, preset=preset))
        with ExitStack() as stack:
            await asyncio.to_thread(stack.enter_context, locked(options.folder))
            n_earlier = await asyncio.to_thread(_count_earlier, plan, options.folder)
            runner = _runner(options, dataset, plan, subject, encoder)
            work = _Work(options, dataset, plan, runner, n_earlier)
            _tell_start(work, [*notices, *(runner.notices if isinstance(runner, WorkerRunner) else [])])
            return await _run(work)


def _runner(
    options: RunOptions, dataset: Dataset, plan: RunPlan, subject: Subject, encoder: Encoder | None
) -> EvalRunner | WorkerRunner:
    processes = options.processes or _processes(plan, dataset, subject)
    if processes > 1:
        return WorkerRunner(
            plan,
            tasks=dataset.tasks,
            subject=options.subject,
            scorer=options.scorer if options.is_own_scorer else None,
            folder=options.folder,
            processes=processes,
            concurrency=options.concurrency,
            budget_usd=options.budget_usd,
        )
    return EvalRunner(
        plan,
        tasks=dataset.tasks,
        subject=subject,
        folder=options.folder,
        concurrency=options.concurrency,
        budget_usd=options.budget_usd,
        encoder=encoder,
    )


def _processes(plan: RunPlan, dataset: Dataset, subject: Subject) -> int:
    """Side by side as far as cores, streams and the subject allow; short runs are over before a process has started."""
    streams = plan.streams()
    if len(dataset.tasks) * plan.iterations * len(streams) < _LONG:
        return 1
    return min(len(streams), os.cpu_count() or 1, subject.max_processes or len(streams))


async def _run(work: _Work) -> ExitCode:
    options, runner = work.options, work.runner
    progress = EvalProgress(
        arms=[arm.name for arm in work.plan.arms],
        n_tasks=runner.n_tasks,
        n_earlier=work.n_earlier,
        budget_usd=options.budget_usd,
        as_json=options.as_json,
    )
    try:
        with progress:
            end = await runner.run(progress.show)
    except (asyncio.CancelledError, MementoError) as error:
        if options.as_json:
            print_json({"event": "interrupted", "done": progress.n_done, "tasks": runner.n_tasks})
        why = "stopped" if isinstance(error, MementoError) else "interrupted"
        tell(f"{why}: {progress.n_done:,} of {runner.n_tasks:,} tasks are done, {work.again}")
        raise
    results = await asyncio.to_thread(lambda: list(load_results(options.folder, work.plan)))
    await asyncio.to_thread(_tell_end, work, end, results)
    return ExitCode.OK if end.is_complete else ExitCode.FAILED


async def _tasks(options: RunOptions, pool: EnvironmentPool, specs: Sequence[EnvironmentSpec]) -> Dataset:
    """Load the data set, or describe the tasks of the environments.

    Raises:
        InvalidInput: a tool may read the answers, there is no such split, or an environment cannot be started.
    """
    if not specs:
        return await asyncio.to_thread(_dataset, options)
    if options.split not in SPLITS:
        raise InvalidInput(f"--split is {', '.join(SPLITS)}, not {options.split!r}")
    await asyncio.to_thread(check_unseen, [options.folder], read_settings())
    n = options.limit or N_TASKS
    try:
        tasks = await environment_tasks(pool, specs, split=options.split, n=n)
    except EnvironmentFailed as error:
        raise InvalidInput(f"the tasks cannot be described: {error}") from error
    return Dataset(name=options.name, format=ENVIRONMENT, tasks=tasks, bad_rows=[], n_repeated=0)


def _dataset(options: RunOptions) -> Dataset:
    """Load the tasks; files that no tool may read are refused before anything is opened."""
    assert options.dataset is not None  # noqa: S101  `options.name` has looked
    check_unseen([options.dataset, options.folder], read_settings())
    fields = field_mapping(options.fields) or None
    return load_dataset(options.dataset, format=options.data_format, fields=fields, limit=options.limit)


def _with_scorer(subject: Subject, options: RunOptions) -> Subject:
    return scored_with(subject, load_scorer(options.scorer)) if options.is_own_scorer else subject


def _count_earlier(plan: RunPlan, folder: Path) -> int:
    """Results of earlier sessions of the same run; another run in this folder is refused."""
    if not (folder / PLAN).exists():
        return 0
    plan.save(folder)
    return sum(1 for _ in load_results(folder, plan))


def _tell_start(work: _Work, notices: list[str]) -> None:
    plan, dataset = work.plan, work.dataset
    n_tasks, n_streams = work.runner.n_tasks, len(plan.streams())
    if work.options.as_json:
        print_json(
            {
                "event": "start",
                "dataset": dataset.name,
                "format": dataset.format,
                "questions": len(dataset.tasks),
                "bad_rows": [row._asdict() for row in dataset.bad_rows],
                "repeated": dataset.n_repeated,
                "subject": plan.subject,
                "arms": [arm.name for arm in plan.arms],
                "seeds": plan.seeds,
                "has_verdicts": not lacks_orders(plan.arms, len(plan.seeds)),
                "tasks": n_tasks,
                "done": work.n_earlier,
                "out": str(work.options.folder),
                "notices": notices,
            }
        )
        return
    for line in describe(dataset):
        tell(line)
    tell(f"{plan.subject}; scorer {plan.scorer}, feedback {plan.feedback}")
    done = f", {work.n_earlier:,} done already" if work.n_earlier else ""
    arms = f"{len(plan.arms)} arms" if len(plan.arms) > 1 else "1 arm"
    seeds = f"{len(plan.seeds)} seeds" if len(plan.seeds) > 1 else "1 seed"
    n_processes = work.runner.n_processes if isinstance(work.runner, WorkerRunner) else 1
    beside = f", in {n_processes} processes" if n_processes > 1 else ""
    streams = f"{n_streams} streams" if n_streams > 1 else "1 stream"
    tasks = f"{n_tasks:,} tasks" if n_tasks > 1 else "1 task"
    tell(f"{arms}, {seeds}: {streams}, {tasks}{done}{beside}")
    tell(_about_orders(plan))
    for notice in notices:
        tell(f"note: {notice}")


def _about_orders(plan: RunPlan) -> str:
    """What so many orders of the tasks allow, and how to ask for others."""
    n, n_per_order = len(plan.seeds), len(plan.arms)
    if lacks_orders(plan.arms, n):
        return (
            f"{'one order' if n == 1 else f'{n} orders'} of the tasks: no verdict on arms with a memory, which needs "
            f"--seeds {MIN_ORDERS}"
        )
    if n > 1 and lacks_orders(plan.arms, 1):
        streams = "1 stream" if n_per_order == 1 else f"{n_per_order} streams"
        return (
            f"each order of the tasks costs {streams}: --seeds asks for fewer, and below {MIN_ORDERS} gives no verdict"
        )
    return "no arm has a memory, so the order of the tasks does not matter"


def _tell_end(work: _Work, end: RunEnd, results: list[TaskResult]) -> None:
    has_test = any(result.phase == "test" for result in results)
    summaries = [summarize(work.plan, results)]
    if has_test:
        summaries.append(summarize(work.plan, results, part="test"))
    if work.options.as_json:
        print_json({"event": "end", **_ended(work, end, results), **summary_json(summaries)})
    else:
        for summary in summaries:
            print_summary(summary)
        for reason, n in why_unknown(results):
            tell(f"{n:,} {'result' if n == 1 else 'results'} without a reward: {reason}")
        if end.is_complete:
            tell(f"results: {work.options.folder}")
    if end.is_over_budget:
        tell(
            f"the budget of ${work.options.budget_usd:g} is spent ({dollars(end.spent_usd)}): {len(results):,} of "
            f"{work.runner.n_tasks:,} tasks are done; go on with a larger --budget-usd"
        )


def _ended(work: _Work, end: RunEnd, results: list[TaskResult]) -> dict[str, Any]:
    return {
        "done": len(results),
        "tasks": work.runner.n_tasks,
        "is_complete": end.is_complete,
        "is_over_budget": end.is_over_budget,
        "cost_usd": end.spent_usd,
        "unpriced_calls": sum(result.usage["unpriced_calls"] for result in results),
        "out": str(work.options.folder),
    }
