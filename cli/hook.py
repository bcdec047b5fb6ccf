"""`memento hook`: hooks of coding agents; each reads a JSON object on stdin, and never fails the agent's session."""

from pathlib import Path
from typing import Annotated

import typer

from memento.cli.options import Namespace

hook = typer.Typer(
    help="Hooks of coding agents: recall at the start of a task, capture at its end.", no_args_is_help=True
)
_PROJECT = typer.Option(help="Project folder whose namespace is used; default: the folder that the hook's input names.")


@hook.command("recall")
def recall(
    *,
    project: Annotated[Path | None, _PROJECT] = None,
    namespace: Namespace = None,
    k: Annotated[int, typer.Option("--k", help="Number of cases at most.", min=0, max=10)] = 3,
    policy: Annotated[str | None, typer.Option(help="How cases are chosen; default: MEMENTO_POLICY.")] = None,
    seconds: Annotated[float, typer.Option(help="Time after which the hook gives up.", min=0.1)] = 8.0,
) -> None:
    """Recall cases for a prompt (UserPromptSubmit); `/memento:worked` and `/memento:failed` rate the last task."""
    from memento.cli.hook_run import HookCall, run_recall

    run_recall(HookCall(project, namespace, seconds), k=k, policy=policy)


@hook.command("capture")
def capture(
    *,
    project: Annotated[Path | None, _PROJECT] = None,
    namespace: Namespace = None,
    test_command: Annotated[
        str | None,
        typer.Option(help="Command whose exit status is the outcome of a turn; default: MEMENTO_TEST_COMMAND."),
    ] = None,
    seconds: Annotated[float, typer.Option(help="Time after which the hook gives up.", min=0.1)] = 20.0,
) -> None:
    """Capture what was done for a prompt (Stop, SessionEnd); the outcome is unknown unless a test command tells it."""
    from memento.cli.hook_run import HookCall, run_capture

    run_capture(HookCall(project, namespace, seconds), test_command=test_command)
