"""`memento eval`: what its commands are; what they do is imported when one of them is called."""

from pathlib import Path
from typing import Annotated

import typer

from memento.cli.eval_preset import presets
from memento.cli.options import Json
from memento.cli.running import finish, run_command

evaluation = typer.Typer(
    help="Measure on your own tasks whether memory helps, by how much, and how sure that is.", no_args_is_help=True
)
evaluation.add_typer(presets)


@evaluation.command("run")
def run(
    *,
    dataset: Annotated[Path, typer.Option("--dataset", "-d", help="JSON lines, JSON, csv, or the folder of GAIA.")],
    data_format: Annotated[
        str, typer.Option("--format", help="deepresearcher, gaia, simpleqa, hle or generic; auto looks at the rows.")
    ] = "auto",
    field: Annotated[
        list[str] | None,
        typer.Option(help="Where a part of a task stands, such as question=problem.text.", metavar="PART=PATH"),
    ] = None,
    arm: Annotated[
        list[str] | None,
        typer.Option(
            help="A policy, with settings of its own: similarity:k=8. Compared with none, or the first. None and "
            "advantage by default.",
            metavar="POLICY[:NAME=VALUE,...]",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="How many orders of the tasks; each arm sees the same.", min=1)] = 1,
    limit: Annotated[int | None, typer.Option(help="At most so many tasks, drawn always alike.", min=1)] = None,
    iterations: Annotated[int, typer.Option(help="How often all tasks are gone through.", min=1, max=100)] = 1,
    round_size: Annotated[
        int,
        typer.Option("--round", help="Tasks of a stream that see the same memory, and can be at work at once.", min=1),
    ] = 1,
    concurrency: Annotated[int, typer.Option(help="Tasks at work at once, in all streams.", min=1)] = 8,
    budget_usd: Annotated[
        float | None, typer.Option(help="What the run may cost in US dollars, earlier sessions included.", min=0)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; out/eval/DATASET by default.")] = None,
    feedback: Annotated[
        str, typer.Option(help="What the memory is told: the reward, or after a wrong answer also the correction.")
    ] = "reward",
    held_out: Annotated[
        list[str] | None, typer.Option(help="A source that is asked last, with a memory that learns nothing; several.")
    ] = None,
    scorer: Annotated[
        str, typer.Option(help="exact, f1, gaia, judge, judges, rubric, auto, or your own package.module:function.")
    ] = "auto",
    subject: Annotated[
        str | None, typer.Option(help="package.module:function that returns a Subject; the configured agent otherwise.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="provider:model for every role.")] = None,
    planner: Annotated[str | None, typer.Option(help="provider:model of the planner.")] = None,
    executor: Annotated[str | None, typer.Option(help="provider:model of the executor.")] = None,
    judge: Annotated[str | None, typer.Option(help="provider:model of the judge.")] = None,
    second_judge: Annotated[str | None, typer.Option(help="provider:model of the second one, with judges.")] = None,
    max_cycles: Annotated[int | None, typer.Option(help="How many times to plan.", min=1, max=10)] = None,
    as_json: Json = False,
) -> None:
    """Put every task to every arm. Stopped in any way, the same command goes on where it was."""
    from memento.cli.eval_options import EvalOptions
    from memento.cli.eval_run import run_eval

    settings = {
        "planner": planner or model,
        "executor": executor or model,
        "judge": judge or model,
        "second_judge": second_judge,
        "max_cycles": max_cycles,
    }
    options = EvalOptions(
        dataset=dataset,
        data_format=data_format,
        fields=field or [],
        limit=limit,
        arms=arm or ["none", "advantage"],
        n_seeds=seeds,
        iterations=iterations,
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
    finish(run_command(run_eval(options), as_json=as_json))
