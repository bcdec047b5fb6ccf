"""`memento learn`: what its commands are; what they do is imported when one of them is called."""

from typing import Annotated

import typer

from memento.cli.options import Json, Namespace
from memento.cli.running import finish, run_command

learn = typer.Typer(help="Learn from all outcomes, judge what was learned, and keep its versions.")

Policy = Annotated[
    str | None, typer.Option("--policy", "-p", help="Whose estimates; MEMENTO_POLICY or the default policy.")
]


@learn.callback(invoke_without_command=True)
def judge(
    context: typer.Context,
    *,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Only rebuild all estimates from the ledger and compare.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of folds, permutations, probes and intervals.", min=0)] = 0,
    policy: Policy = None,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Judge other settings on held-out outcomes; promote them only if they are better and honest."""
    if context.invoked_subcommand is not None:
        return
    from memento.cli.learn_commands import judge_command, rebuild_command

    if from_scratch:
        finish(run_command(rebuild_command(policy, namespace, as_json=as_json), as_json=as_json))
    command = judge_command(policy, namespace, seed, as_json=as_json)
    finish(run_command(command, as_json=as_json))


@learn.command()
def history(*, policy: Policy = None, namespace: Namespace = None, as_json: Json = False) -> None:
    """Show every version: promoted, refused or rolled back, with its figures."""
    from memento.cli.learn_commands import history_command

    finish(run_command(history_command(policy, namespace, as_json=as_json), as_json=as_json))


@learn.command()
def rollback(
    version: Annotated[
        int | None, typer.Argument(help="Which version; by default the one before the serving one.", min=0)
    ] = None,
    *,
    policy: Policy = None,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Serve an earlier version's estimates again, as it last had them. A later number takes that back."""
    from memento.cli.learn_commands import rollback_command

    finish(run_command(rollback_command(version, policy, namespace, as_json=as_json), as_json=as_json))
