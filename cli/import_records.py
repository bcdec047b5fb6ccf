"""`memento import`: imports other systems' records into the memory, in quarantine."""

from pathlib import Path
from typing import Annotated

import typer

from memento.cli.options import Json, Namespace
from memento.cli.running import ExitCode, run_async

_KIND = (
    "claude-code, codex (transcripts of coding agents); langsmith, langfuse (with their scores as outcomes); "
    "openai-chat, chatgpt; mem0, langmem, letta, zep; memento (our export), reference."
)


@run_async
async def import_records(
    kind: Annotated[str, typer.Argument(help=_KIND)],
    path: Annotated[Path, typer.Argument(help="A file, or a folder with files of this kind.")],
    *,
    score: Annotated[
        str | None, typer.Option(help="Name of the score that is the outcome, where there are several.")
    ] = None,
    score_range: Annotated[
        tuple[float, float] | None,
        typer.Option("--range", metavar="LOW HIGH", help="Worst and best value of the score; default: 0 1."),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="NAME=REWARD", help="Reward of a categorical score's label; repeatable.")
    ] = None,
    reward: Annotated[
        float | None, typer.Option(help="Reward of every record without any score, if you vouch for the file.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be imported; open no memory.")
    ] = False,
    namespace: Namespace = None,
    as_json: Json = False,
) -> ExitCode:
    """Import transcripts, traces and other records into quarantine. Repeating it adds nothing.

    A record whose outcome is unknown is no success and no failure: it waits for `memento feedback`.
    """
    from memento.cli.import_run import import_path, labels_of
    from memento.integrations.importers.record import ImportOptions

    options = ImportOptions(score=score, score_range=score_range, labels=labels_of(label or []), reward=reward)
    return await import_path(kind, path, options, namespace, is_dry_run=dry_run, as_json=as_json)
