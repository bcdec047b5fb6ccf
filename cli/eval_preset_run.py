"""What `memento eval preset` does: the plan of an ablation becomes an evaluation run, and its table is printed."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memento.cli.eval_options import EvalOptions, fields_of
from memento.cli.eval_run import run_eval
from memento.cli.paper_table import print_paper_table
from memento.cli.printing import tell
from memento.cli.running import ExitCode, print_json
from memento.evals.datasets.loading import load_dataset
from memento.evals.presets import Asked, PaperTable, Preset, Shape, blank_table, paper_table, preset_named
from memento.evals.runs.plan import PLAN, RunPlan
from memento.evals.runs.runner import load_results
from memento.memory.errors import InvalidInput


@dataclass(frozen=True, kw_only=True)
class PresetOptions:
    """What was asked for."""

    name: str
    policies: list[str]
    by_source: bool
    dataset: Path | None
    data_format: str
    fields: list[str]
    limit: int | None
    n_seeds: int
    round_size: int
    feedback: str
    held_out: list[str]
    scorer: str
    subject: str | None
    settings: dict[str, Any]
    concurrency: int
    processes: int
    budget_usd: float | None
    out: Path | None
    as_json: bool


async def run_preset(options: PresetOptions) -> ExitCode:
    """Run the ablation, or go on with it, and print its table; 1 when the budget ended it.

    Raises:
        InvalidInput: no data set, or something that was asked for makes no sense.
        MementoError: no model answers any more; what was finished is kept.
    """
    preset = preset_named(options.name)
    run = await asyncio.to_thread(_evaluation, options, preset)
    code = await run_eval(run)
    table = await asyncio.to_thread(_table_of, run.folder, preset)
    print_paper_table(table, by_source=options.by_source, as_json=options.as_json)
    return code


async def show_preset(options: PresetOptions) -> ExitCode:
    """Print the plan and the paper's figures; with `--out`, beside those of the run in that folder so far.

    Raises:
        InvalidInput: something that was asked for makes no sense.
    """
    preset = preset_named(options.name)
    if options.out is not None and await asyncio.to_thread((options.out / PLAN).exists):
        table = await asyncio.to_thread(_table_of, options.out, preset)
    else:
        shape = await asyncio.to_thread(_shape, options, preset)
        table = blank_table(preset, shape)
        _tell_plan(shape, options)
    print_paper_table(table, by_source=options.by_source, as_json=options.as_json)
    return ExitCode.OK


def _shape(options: PresetOptions, preset: Preset) -> Shape:
    """What the preset makes of what was asked, and of the data set where there is one.

    Raises:
        InvalidInput: sources are to be held out where the ablation holds none out, or there are none such.
    """
    if options.held_out and not preset.shape(Asked()).held_out:
        raise InvalidInput(f"{preset.name} holds no source out; --held-out is for `memento eval preset ood`")
    sources = None if options.dataset is None else _sources(options, options.dataset)
    return preset.shape(Asked(tuple(options.policies), tuple(options.held_out), sources))


def _sources(options: PresetOptions, dataset: Path) -> tuple[str, ...]:
    """Of the data set, as far as it is asked."""
    fields = fields_of(options.fields)
    tasks = load_dataset(dataset, format=options.data_format, fields=fields, limit=options.limit).tasks
    return tuple(dict.fromkeys(task.source for task in tasks))


def _evaluation(options: PresetOptions, preset: Preset) -> EvalOptions:
    if options.dataset is None:
        raise InvalidInput("say which questions with --dataset FILE; --show prints the paper's figures without any")
    shape = _shape(options, preset)
    return EvalOptions(
        dataset=options.dataset,
        data_format=options.data_format,
        fields=options.fields,
        limit=options.limit,
        arms=[arm.name for arm in shape.arms],
        n_seeds=options.n_seeds,
        iterations=shape.iterations,
        round_size=options.round_size,
        feedback=options.feedback,
        held_out=list(shape.held_out),
        scorer=options.scorer,
        subject=options.subject,
        settings=options.settings,
        concurrency=options.concurrency,
        processes=options.processes,
        budget_usd=options.budget_usd,
        out=options.out or Path("out", "eval", f"{options.dataset.resolve().stem}-{preset.name}"),
        as_json=options.as_json,
        preset=preset.name,
    )


def _table_of(folder: Path, preset: Preset) -> PaperTable:
    plan = RunPlan.load(folder)
    if plan.preset != preset.name:
        raise InvalidInput(f"{folder} holds {_kind(plan)}, not {preset.name}")
    return paper_table(plan, list(load_results(folder, plan)))


def _kind(plan: RunPlan) -> str:
    return f"the ablation {plan.preset}" if plan.preset else "a run that is none of the paper's ablations"


def _tell_plan(shape: Shape, options: PresetOptions) -> None:
    arms = [arm.name for arm in shape.arms]
    if options.as_json:
        held_out = list(shape.held_out)
        print_json({"event": "plan", "arms": arms, "iterations": shape.iterations, "held_out": held_out})
        return
    tell(f"arms: {', '.join(arms)}")
    if shape.iterations > 1:
        tell(f"iterations: {shape.iterations} over the same questions")
    if shape.held_out:
        tell(f"held out: {', '.join(shape.held_out)}; the bank learns from the other sources, and is frozen then")
