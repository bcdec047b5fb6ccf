"""`memento policy`: what its commands are; what they do is imported when one of them is called."""

from typing import Annotated

import typer

from memento.cli.options import Json, Namespace
from memento.cli.running import finish, run_command

policy = typer.Typer(help="Compare the ways of choosing cases, from what was logged.", no_args_is_help=True)


@policy.command("list")
def list_policies(*, as_json: Json = False) -> None:
    """Name every policy and say what it is."""
    from memento.cli.policy_commands import list_command

    finish(run_command(list_command(as_json=as_json), as_json=as_json))


@policy.command()
def evaluate(
    *,
    policy: Annotated[list[str], typer.Option("--policy", "-p", help="Which policy; may be given several times.")],
    k: Annotated[
        int | None, typer.Option(help="Slots each policy gets; by default as many as each event had.", min=1, max=32)
    ] = None,
    logged_by: Annotated[
        str | None, typer.Option(help="Use only what this policy served, such as random.", metavar="POLICY")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the held-out folds, of learning and of draws.", min=0)] = 0,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Say what policies would have earned on the logged tasks (IPS, SNIPS, DM, DR), or that it cannot be told."""
    from memento.cli.policy_commands import evaluate_command

    finish(run_command(evaluate_command(policy, namespace, k, logged_by, seed, as_json=as_json), as_json=as_json))
