"""`memento eval preset`: what the command takes; what it does is imported when it is called."""

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
    dataset: Annotated[Path | None, DATASET] = None,
    data_format: DataFormat = "auto",
    field: Fields = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(help="How the arms with a memory choose cases, instead of the preset's own choice; several."),
    ] = None,
    held_out: Annotated[
        list[str] | None, typer.Option(help="With ood: a source to hold out, instead of the paper's; several.")
    ] = None,
    seeds: Seeds = 1,
    limit: Limit = None,
    round_size: RoundSize = 1,
    concurrency: Concurrency = 8,
    processes: Processes = 1,
    budget_usd: BudgetUsd = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; out/eval/DATASET-PRESET by default.")] = None,
    feedback: FeedbackName = "reward",
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
    """Repeat an ablation of the paper, and print its figures beside ours. Stopped, the same command goes on."""
    from memento.cli.eval_preset_run import PresetOptions, run_preset, show_preset

    settings = given_settings(
        model=model,
        planner=planner,
        executor=executor,
        judge=judge,
        second_judge=second_judge,
        max_cycles=max_cycles,
    )
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
        settings=settings,
        concurrency=concurrency,
        processes=processes,
        budget_usd=budget_usd,
        out=out,
        as_json=as_json,
    )
    finish(run_command(show_preset(options) if show else run_preset(options), as_json=as_json))
