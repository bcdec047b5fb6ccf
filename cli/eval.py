"""`memento eval`: what its commands are; what they do is imported when one of them is called."""

from pathlib import Path
from typing import Annotated

import typer

from memento.cli.eval_parameters import (
    DATASET,
    BudgetUsd,
    Concurrency,
    DataFormat,
    Executor,
    FeedbackName,
    Fields,
    Judge,
    Limit,
    MaxCycles,
    Model,
    Planner,
    Processes,
    RoundSize,
    Scorer,
    SecondJudge,
    Seeds,
    SubjectName,
    given_settings,
)
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
    dataset: Annotated[Path, DATASET],
    data_format: DataFormat = "auto",
    field: Fields = None,
    arm: Annotated[
        list[str] | None,
        typer.Option(
            help="A policy, with settings of its own: similarity:k=8. Compared with none, or the first. None and "
            "advantage by default.",
            metavar="POLICY[:NAME=VALUE,...]",
        ),
    ] = None,
    seeds: Seeds = 1,
    limit: Limit = None,
    iterations: Annotated[int, typer.Option(help="How often all tasks are gone through.", min=1, max=100)] = 1,
    round_size: RoundSize = 1,
    concurrency: Concurrency = 8,
    processes: Processes = 1,
    budget_usd: BudgetUsd = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; out/eval/DATASET by default.")] = None,
    feedback: FeedbackName = "reward",
    held_out: Annotated[
        list[str] | None, typer.Option(help="A source that is asked last, with a memory that learns nothing; several.")
    ] = None,
    scorer: Scorer = "auto",
    subject: SubjectName = None,
    model: Model = None,
    planner: Planner = None,
    executor: Executor = None,
    judge: Judge = None,
    second_judge: SecondJudge = None,
    max_cycles: MaxCycles = None,
    as_json: Json = False,
) -> None:
    """Put every task to every arm. Stopped in any way, the same command goes on where it was."""
    from memento.cli.eval_options import EvalOptions
    from memento.cli.eval_run import run_eval

    settings = given_settings(
        model=model,
        planner=planner,
        executor=executor,
        judge=judge,
        second_judge=second_judge,
        max_cycles=max_cycles,
    )
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
        settings=settings,
        concurrency=concurrency,
        processes=processes,
        budget_usd=budget_usd,
        out=out,
        as_json=as_json,
    )
    finish(run_command(run_eval(options), as_json=as_json))


@evaluation.command("report")
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a run, finished or not.")],
    *,
    is_opened: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """Write one page about a run, which needs no network, and its figures as PNG beside it."""
    from memento.cli.eval_report import report_command

    finish(run_command(report_command(folder, is_opened=is_opened, as_json=as_json), as_json=as_json))


@evaluation.command("compare")
def compare(
    first: Annotated[Path, typer.Argument(help="Folder of a run.")],
    second: Annotated[Path, typer.Argument(help="Folder of another.")],
    *,
    as_json: Json = False,
) -> None:
    """Compare the same arms in two runs, question by question where both asked the same."""
    from memento.cli.eval_compare import compare_command

    finish(run_command(compare_command(first, second, as_json=as_json), as_json=as_json))
