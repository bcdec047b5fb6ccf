"""Options that the commands of `memento eval` share."""

from typing import Annotated, Any

import typer

DATASET = typer.Option("--dataset", "-d", help="JSON lines, JSON, csv, or the folder of GAIA.")

DataFormat = Annotated[
    str, typer.Option("--format", help="deepresearcher, gaia, simpleqa, hle or generic; auto looks at the rows.")
]
Fields = Annotated[
    list[str] | None,
    typer.Option("--field", help="Where a part of a task stands, such as question=problem.text.", metavar="PART=PATH"),
]
Seeds = Annotated[int, typer.Option(help="How many orders of the tasks; each arm sees the same.", min=1)]
Limit = Annotated[int | None, typer.Option(help="At most so many tasks, drawn always alike.", min=1)]
RoundSize = Annotated[
    int, typer.Option("--round", help="Tasks of a stream that see the same memory, and can be at work at once.", min=1)
]
Concurrency = Annotated[int, typer.Option(help="Tasks at work at once, in all streams.", min=1)]
Processes = Annotated[
    int, typer.Option(help="In how many processes; each works on one stream at a time. Results stay the same.", min=1)
]
BudgetUsd = Annotated[
    float | None, typer.Option(help="What the run may cost in US dollars, earlier sessions included.", min=0)
]
FeedbackName = Annotated[
    str, typer.Option(help="What the memory is told: the reward, or after a wrong answer also the correction.")
]
Scorer = Annotated[
    str, typer.Option(help="exact, f1, gaia, judge, judges, rubric, auto, or your own package.module:function.")
]
SubjectName = Annotated[
    str | None, typer.Option(help="package.module:function that returns a Subject; the configured agent otherwise.")
]
Model = Annotated[str | None, typer.Option(help="provider:model for every role.")]
Planner = Annotated[str | None, typer.Option(help="provider:model of the planner.")]
Executor = Annotated[str | None, typer.Option(help="provider:model of the executor.")]
Judge = Annotated[str | None, typer.Option(help="provider:model of the judge.")]
SecondJudge = Annotated[str | None, typer.Option(help="provider:model of the second one, with judges.")]
MaxCycles = Annotated[int | None, typer.Option(help="How many times to plan.", min=1, max=10)]


def given_settings(*, model: str | None, **fields: Any) -> dict[str, Any]:
    """The fields of `Context` that were given; `model` stands for every role that was not."""
    roles = {role: fields.get(role) or model for role in ("planner", "executor", "judge")}
    return {name: value for name, value in (fields | roles).items() if value is not None}
