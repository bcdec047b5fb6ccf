"""`memento demo`: runs the learning demonstration with the packaged 135M model."""

from pathlib import Path
from typing import Annotated

import typer

from memento.cli.options import Json
from memento.cli.running import ExitCode, run_async


@run_async
async def demo(
    *,
    tasks: Annotated[int, typer.Option(help="Number of tasks in the stream.", min=6, max=500)] = 24,
    seed: Annotated[int, typer.Option(help="Random seed of the stream.", min=0)] = 0,
    out: Annotated[Path, typer.Option(help="Output folder for the picture and the figures.")] = Path("out"),
    as_json: Json = False,
) -> ExitCode:
    """Watch a real frozen 135M model learn from memory: no key, no network."""
    from memento.cli.demo_run import run_demo

    return await run_demo(tasks, seed, out, as_json=as_json)
