"""Runs a preset for `memento eval preset`, and prints its table or its figures."""

import asyncio
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from memento.cli.eval_options import EvalOptions, PresetOptions, RunOptions, tasks_name
from memento.cli.eval_run import run_eval
from memento.cli.paper_table import print_paper_table
from memento.cli.protocol_figures import print_protocol
from memento.cli.running import ExitCode
from memento.cli.streams import print_json, tell
from memento.evals.datasets.generic import field_mapping
from memento.evals.datasets.loading import load_dataset
from memento.evals.presets import Asked, Preset, Shape, blank_table, paper_table, preset_named
from memento.evals.runs.plan import PLAN, RunPlan
from memento.evals.runs.runner import load_results
from memento.memory.errors import InvalidInput


async def run_preset(options: PresetOptions) -> ExitCode:
    """Run or resume a preset and print its table or figures; exit code 1 when the budget ended it.

    Raises:
        InvalidInput: no data set, or something that was asked for makes no sense.
        MementoError: no model answers any more; what was finished is kept.
    """
    preset = preset_named(options.name)
    run = await asyncio.to_thread(_evaluation, options, preset)
    code = await run_eval(run, preset=preset.name)
    await asyncio.to_thread(_print_results, run.folder, preset, options)
    return code


async def show_preset(options: PresetOptions) -> ExitCode:
    """Print the plan, and the paper's figures where it has some; with `--out`, those of the run in that folder so far.

    Raises:
        InvalidInput: something that was asked for makes no sense.
    """
    preset = preset_named(options.name)
    if options.out is not None and await asyncio.to_thread((options.out / PLAN).exists):
        await asyncio.to_thread(_print_results, options.out, preset, options)
        return ExitCode.OK
    shape = await asyncio.to_thread(_shape, options, preset)
    _tell_plan(preset, shape, options)
    if preset.paper is not None:
        print_paper_table(blank_table(preset, shape), by_source=options.by_source, as_json=options.as_json)
    return ExitCode.OK


def _print_results(folder: Path, preset: Preset, options: PresetOptions) -> None:
    """Print what the run in a folder has found so far: the paper's table, or the figures of the protocol.

    Raises:
        InvalidInput: the folder holds another run.
    """
    plan = RunPlan.load(folder)
    if plan.preset != preset.name:
        raise InvalidInput(f"{folder} holds {_kind(plan)}, not {preset.name}")
    results = list(load_results(folder, plan))
    if preset.paper is not None:
        table = paper_table(plan, results)
        print_paper_table(table, by_source=options.by_source, as_json=options.as_json)
    else:
        print_protocol(folder, plan, results, as_json=options.as_json)


def _shape(options: PresetOptions, preset: Preset) -> Shape:
    """Shape of the preset for these options, and for the data set where there is one.

    Raises:
        InvalidInput: questions are to be held out where the preset holds none out, or there are no such sources.
    """
    sources = None if options.dataset is None else _sources(options, options.dataset)
    return preset.shape(Asked(tuple(options.policies), tuple(options.held_out), options.held_out_share, sources))


def _with_environments(options: PresetOptions, preset: Preset) -> PresetOptions:
    """The options with the preset's own environments, tasks and feedback, where it has some and none are asked for."""
    if not preset.environments or options.dataset is not None:
        return options
    return replace(
        options,
        environments=options.environments or ",".join(preset.environments),
        limit=options.limit or preset.n_tasks,
        feedback=preset.feedback or options.feedback,
    )


def _sources(options: PresetOptions, dataset: Path) -> tuple[str, ...]:
    """Sources of the data set, as far as they are run."""
    wanted = field_mapping(options.fields) or None
    tasks = load_dataset(dataset, format=options.data_format, fields=wanted, limit=options.limit).tasks
    return tuple(dict.fromkeys(task.source for task in tasks))


def _evaluation(options: PresetOptions, preset: Preset) -> RunOptions:
    options = _with_environments(options, preset)
    if options.dataset is None and not options.environment_names:
        raise InvalidInput("say which questions with --dataset FILE; --show prints the paper's figures without any")
    shape = _shape(options, preset)
    return RunOptions(
        **{field.name: getattr(options, field.name) for field in fields(EvalOptions)},
        dataset=options.dataset,
        arms=[arm.name for arm in shape.arms],
        iterations=shape.iterations,
        held_out=list(shape.held_out),
        held_out_share=shape.held_out_share,
        out=options.out or Path("out", "eval", f"{tasks_name(options)}-{preset.name}"),
    )


def _kind(plan: RunPlan) -> str:
    return f"the preset {plan.preset}" if plan.preset else "a run that is not a preset"


def _tell_plan(preset: Preset, shape: Shape, options: PresetOptions) -> None:
    arms = [arm.name for arm in shape.arms]
    if options.as_json:
        plan: dict[str, Any] = {"arms": arms, "iterations": shape.iterations, "held_out": list(shape.held_out)}
        plan |= {"held_out_share": shape.held_out_share} if shape.held_out_share else {}
        plan |= {"purpose": preset.purpose} if preset.purpose else {}
        print_json({"event": "plan", **plan})
        return
    if preset.purpose:
        tell(f"{preset.title}. {preset.purpose}")
    tell(f"arms: {', '.join(arms)}")
    if preset.environments:
        tell(f"environments: {', '.join(preset.environments)}; {preset.n_tasks} tasks, feedback {preset.feedback}")
    if shape.iterations > 1:
        tell(f"iterations: {shape.iterations} over the same questions")
    if shape.held_out:
        tell(f"held out: {', '.join(shape.held_out)}; the bank learns from the other sources, and is frozen then")
    if shape.held_out_share:
        share = f"{100 * shape.held_out_share:g} % of the questions"
        tell(f"held out: {share}; the bank learns from the others, and is frozen then")
