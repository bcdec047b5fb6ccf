"""`memento eval`: measures whether memory helps, on a data set."""

from pathlib import Path
from typing import Annotated

import typer

from memento.cli.eval_options import PresetOptions, RunOptions
from memento.cli.options import Json
from memento.cli.running import ExitCode, run_async
from memento.cli.streams import print_json, tell

evaluation = typer.Typer(
    help="Measure on your own tasks whether memory helps, by how much, and with what certainty.", no_args_is_help=True
)


@evaluation.command("run")
@run_async
async def run(options: RunOptions) -> ExitCode:
    """Run each arm on every task. After an interruption, the same command resumes."""
    from memento.cli.eval_run import run_eval

    return await run_eval(options)


@evaluation.command("report")
@run_async
async def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a run, finished or not.")],
    *,
    is_opened: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
    as_json: Json = False,
) -> ExitCode:
    """Write an offline HTML report of a run, with its figures as PNG files beside it."""
    import asyncio
    import webbrowser

    from memento.evals.report.report import write_report

    written = await write_report(folder)
    if as_json:
        print_json(
            {
                "event": "report",
                "page": str(written.page),
                "pictures": [str(path) for path in written.pictures],
                "is_complete": written.is_complete,
                "n_results": written.n_results,
            }
        )
    else:
        print(written.page)  # noqa: T201  the command's product
        if not written.is_complete:
            tell(f"the run is not finished: the page shows its {written.n_results:,} results so far, and says so")
    if is_opened and not await asyncio.to_thread(webbrowser.open, written.page.resolve().as_uri()):
        tell("there is no browser to show it in")
    return ExitCode.OK


@evaluation.command("compare")
@run_async
async def compare(
    first: Annotated[Path, typer.Argument(help="Folder of the first run.")],
    second: Annotated[Path, typer.Argument(help="Folder of the second run.")],
    *,
    as_json: Json = False,
) -> ExitCode:
    """Compare the same arms of two runs, paired by question where both asked the same ones."""
    from memento.cli.eval_compare import print_comparison

    await print_comparison(first, second, as_json=as_json)
    return ExitCode.OK


@evaluation.command("preset")
@run_async
async def preset(options: PresetOptions) -> ExitCode:
    """Run a preset: an ablation of the paper with its figures beside ours, or a protocol. The same command resumes."""
    from memento.cli.eval_preset import run_preset, show_preset

    return await (show_preset(options) if options.show else run_preset(options))
