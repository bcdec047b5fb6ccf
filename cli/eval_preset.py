"""`memento eval preset`: what the command takes; what it does is imported when it is called."""

from pathlib import Path
from typing import Annotated

import typer

from memento.cli.options import Json
from memento.cli.running import finish, run_command

presets = typer.Typer()


@presets.command("preset")
def preset(
    name: Annotated[str, typer.Argument(help="k-sweep, continual, ood or components.")],
    *,
    show: Annotated[
        bool, typer.Option("--show", help="Print the plan and the paper's figures; run nothing. No model is needed.")
    ] = False,
    by_source: Annotated[bool, typer.Option("--by-source", help="Print the rows of each source, too.")] = False,
    dataset: Annotated[
        Path | None, typer.Option("--dataset", "-d", help="JSON lines, JSON, csv, or the folder of GAIA.")
    ] = None,
    data_format: Annotated[
        str, typer.Option("--format", help="deepresearcher, gaia, simpleqa, hle or generic; auto looks at the rows.")
    ] = "auto",
    field: Annotated[
        list[str] | None,
        typer.Option(
            help="Where a part of a task stands, such as question=problem.text; several.", metavar="PART=PATH"
        ),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(help="How the arms with a memory choose cases, instead of the preset's own choice; several."),
    ] = None,
    held_out: Annotated[
        list[str] | None, typer.Option(help="With ood: a source to hold out, instead of the paper's; several.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="How many orders of the tasks; each arm sees the same.", min=1)] = 1,
    limit: Annotated[int | None, typer.Option(help="At most so many tasks, drawn always alike.", min=1)] = None,
    round_size: Annotated[
        int,
        typer.Option("--round", help="Tasks of a stream that see the same memory, and can be at work at once.", min=1),
    ] = 1,
    concurrency: Annotated[int, typer.Option(help="Tasks at work at once, in all streams.", min=1)] = 8,
    budget_usd: Annotated[
        float | None, typer.Option(help="What the run may cost in US dollars, earlier sessions included.", min=0)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; out/eval/DATASET-PRESET by default.")] = None,
    feedback: Annotated[
        str, typer.Option(help="What the memory is told: the reward, or after a wrong answer also the correction.")
    ] = "reward",
    scorer: Annotated[
        str, typer.Option(help="exact, f1, gaia, judge, judges, auto, or your own package.module:function.")
    ] = "auto",
    subject: Annotated[
        str | None, typer.Option(help="package.module:function that returns a Subject; the configured agent otherwise.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="provider:model for every role.")] = None,
    planner: Annotated[str | None, typer.Option(help="provider:model of the planner.")] = None,
    executor: Annotated[str | None, typer.Option(help="provider:model of the executor.")] = None,
    judge: Annotated[str | None, typer.Option(help="provider:model of the judge.")] = None,
    max_cycles: Annotated[int | None, typer.Option(help="How many times to plan.", min=1, max=10)] = None,
    as_json: Json = False,
) -> None:
    """Repeat an ablation of the paper, and print its figures beside ours. Stopped, the same command goes on."""
    from memento.cli.eval_preset_run import PresetOptions, run_preset, show_preset

    settings = {
        "planner": planner or model,
        "executor": executor or model,
        "judge": judge or model,
        "max_cycles": max_cycles,
    }
    options = PresetOptions(
        name=name,
        policies=policy or [],
        by_source=by_source,
        dataset=dataset,
        data_format=data_format,
        fields=field or [],
        limit=limit,
        n_seeds=seeds,
        round_size=round_size,
        feedback=feedback,
        held_out=held_out or [],
        scorer=scorer,
        subject=subject,
        settings={name: value for name, value in settings.items() if value is not None},
        concurrency=concurrency,
        budget_usd=budget_usd,
        out=out,
        as_json=as_json,
    )
    finish(run_command(show_preset(options) if show else run_preset(options), as_json=as_json))
