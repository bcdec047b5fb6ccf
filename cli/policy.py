"""`memento policy`: names the policies, and compares them on logged events."""

from typing import Annotated

import typer

from memento.cli.options import Json, Namespace
from memento.cli.running import ExitCode, run_async
from memento.cli.streams import print_json

policy = typer.Typer(help="List retrieval policies, and compare them by off-policy evaluation.", no_args_is_help=True)


@policy.command("list")
@run_async
async def list_policies(*, as_json: Json = False) -> ExitCode:
    """List every policy with a description."""
    from memento.cli.printing import TextTable, print_table
    from memento.graph.app import Application
    from memento.memory.policies.registry import POLICY_NAMES, policy_named

    default = Application().settings.policy
    rows = [(name, (policy_named(name).__doc__ or "").partition("\n")[0], name == default) for name in POLICY_NAMES]
    if as_json:
        for name, what, is_default in rows:
            print_json({"policy": name, "what": what, "is_default": is_default})
        return ExitCode.OK
    table = TextTable(show_header=False)
    table.add_column(no_wrap=True)
    for name, what, is_default in rows:
        table.add_texts(name, f"{what} (the default here)" if is_default else what)
    print_table(table)
    return ExitCode.OK


@policy.command()
@run_async
async def evaluate(
    *,
    policy: Annotated[list[str], typer.Option("--policy", "-p", help="Policy to evaluate; repeatable.")],
    k: Annotated[
        int | None, typer.Option(help="Number of slots per policy; default: as many as each event had.", min=1, max=32)
    ] = None,
    logged_by: Annotated[
        str | None, typer.Option(help="Use only events that this policy served, such as random.", metavar="POLICY")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed of held-out folds, learning and draws.", min=0)] = 0,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Estimate from logged events (IPS, SNIPS, DM, DR) the reward that policies would have earned."""
    from memento.cli.opening import opened
    from memento.cli.policy_report import print_lines, print_report, shown
    from memento.cli.printing import progress_bar

    names = list(dict.fromkeys(policy))
    async with opened(namespace) as memory:
        with progress_bar(is_quiet=as_json, is_transient=True) as progress:
            report = await memory.evaluation(seed=seed).report(
                names, k=k, logged_by=logged_by, on_progress=shown(progress)
            )
    if as_json:
        print_lines(report)
    else:
        print_report(report)
    return ExitCode.OK
