"""Runs the learning demonstration of `memento demo`, and shows it live."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from memento.cli.printing import StdoutConsole
from memento.cli.running import ExitCode
from memento.cli.streams import print_json
from memento.evals.learning_curve_plot import moving_accuracy, save_learning_curves, series_of
from memento.evals.learning_demo import SERIES, LearningDemo, OpenDemo, Shown, TaskScore, accuracy, paired_difference
from memento.graph.models import ChatModels
from memento.memory.errors import InvalidInput
from memento.nodes.state import PromptCase
from memento.nodes.worked import has_worked

_BARS = "▁▂▃▄▅▆▇█"
_STYLES = ("bright_black", "cyan", "bold blue", "yellow")
_COMPARED = tuple(name for name in SERIES if name != "advantage")
_LOG_EVERY = 5
_FRAME = 28  # what stands beside the bars
_INTRODUCTION = """\
An office has six departments: docks, kitchen, hospital, observatory, farm and
court. Each has one rule for what it does with a word. The rules have
meaningless names, and nothing in a task says which of them is right.

A real language model, SmolLM2 with 135 million weights, picks the rule. It is
frozen: nothing of it is trained. {n_tasks} tasks, each worked on in three ways:
  no memory     the model alone, which can only guess: one in six is right
  similarity    it is shown cases of the most similar tasks: what was done,
                and whether it worked
  advantage     the same, and the memory learns from outcomes which cases help
After a wrong answer, the right rule is written into memory as a case.

`vote` lets the cases decide without a model. It does as well: a model of this
size adds no reasoning. What you see is what memory adds, not a clever agent.
"""
_NEXT = """\
Three commands to go on with:
  memento doctor                    what is configured, reachable or missing
  memento ask 'What is the capital of Columbia County?' -r Bloomsburg
                                    first: export OPENAI_API_KEY=sk-... or, for
                                    any server of that protocol,
                                    OPENAI_BASE_URL=http://host:port/v1
  memento eval run --dataset FILE   whether memory helps on your own tasks"""


async def run_demo(n_tasks: int, seed: int, out: Path, *, as_json: bool) -> ExitCode:
    """Run the demonstration; write the picture and the figures to `out`."""
    if find_spec("matplotlib") is None:
        raise InvalidInput("the picture needs matplotlib: pip install 'memento-langgraph[demo]'")
    console = StdoutConsole(stderr=as_json, quiet=as_json, highlight=False)
    models = ChatModels(planner="local")
    console.print(_INTRODUCTION.format(n_tasks=n_tasks))
    try:
        demo = LearningDemo(models=models, folder=out, n_tasks=n_tasks, seed=seed)
        async with demo.opened() as running:
            if running.scores:
                console.print(f"going on after task {len(running.scores)} of an interrupted demonstration")
            async for score in _shown(running, n_tasks, console):
                if as_json:
                    print_json({"event": "task", **score._asdict()})
            pictures = out / "learning.png"
            save_learning_curves(running.scores, pictures)
            figures = _figures(running.scores)
            first, related = await running.show()
    except asyncio.CancelledError:
        print("interrupted; the same command resumes from here", file=sys.stderr)  # noqa: T201
        raise
    finally:
        await models.aclose()
    (out / "learning.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if as_json:
        print_json({"event": "done", "picture": str(pictures), "case_id": first.case_id, **figures})
        return ExitCode.OK
    console.print(_table(figures))
    console.print(_closer_look(first, related))
    console.print(f"picture: {pictures}   figures: {out / 'learning.json'}\n")
    console.print(_NEXT, highlight=False)
    return ExitCode.OK


async def _shown(running: OpenDemo, n_tasks: int, console: Console) -> AsyncIterator[TaskScore]:
    """Show scores as they arrive: growing curves on a terminal, an occasional line in a log."""
    width = console.width - _FRAME
    if not console.is_terminal:
        async for score in running.run():
            if len(running.scores) % _LOG_EVERY == 0:
                console.print(f"task {len(running.scores)} of {n_tasks}")
            yield score
        console.print(_curves(running.scores, n_tasks, width))
        return
    with Live(_curves(running.scores, n_tasks, width), console=console, refresh_per_second=4) as live:
        async for score in running.run():
            live.update(_curves(running.scores, n_tasks, width))
            yield score


def _figures(scores: Sequence[TaskScore]) -> dict[str, object]:
    """First and last third of every series, and the paired differences, each with its interval."""
    third = max(1, len(scores) // 3)
    parts = {"first third": scores[:third], "last third": scores[-third:]}
    figures: dict[str, object] = {
        part: {name: f"{accuracy(values):.2f}" for name, values in zip(SERIES, series_of(rows), strict=True)}
        for part, rows in parts.items()
    }
    last = dict(zip(SERIES, series_of(parts["last third"]), strict=True))
    for name in _COMPARED:
        figures[f"advantage - {name}, last third, paired"] = f"{paired_difference(last['advantage'], last[name]):.2f}"
    figures["intervals"] = "of this order of the tasks alone"
    return figures


def _curves(scores: Sequence[TaskScore], n_tasks: int, width: int) -> Panel:
    """One bar per task; evenly spaced tasks where the stream is wider than the terminal."""
    width = min(n_tasks, max(10, width))
    shown = [at for at in sorted({(column + 1) * n_tasks // width - 1 for column in range(width)}) if at < len(scores)]
    lines = []
    for name, style, values in zip(SERIES, _STYLES, series_of(scores), strict=True):
        moving = moving_accuracy(values)
        bars = "".join(_BARS[round(moving[at] * (len(_BARS) - 1))] for at in shown)
        line = Text(f"{name:>15} ", no_wrap=True)
        line.append(bars.ljust(width), style=style)
        line.append(f" {moving[-1]:.0%}" if moving else "")
        lines.append(line)
    return Panel(Group(*lines), title=f"solved, of the last 15: task {len(scores)} of {n_tasks}", title_align="left")


def _table(figures: dict[str, object]) -> Table:
    first, last = figures["first third"], figures["last third"]
    assert isinstance(first, dict)  # noqa: S101  made above
    assert isinstance(last, dict)  # noqa: S101
    table = Table("share solved", "first third", "last third", box=None, pad_edge=False)
    for name in SERIES:
        table.add_row(name, Text(first[name]), Text(last[name]))
    for name in _COMPARED:
        difference = f"advantage - {name}"
        table.add_row(difference, "", Text(str(figures[f"{difference}, last third, paired"])))
    table.caption, table.caption_justify = "in brackets: 95 % intervals of this one order of tasks; no verdict", "left"
    return table


def _closer_look(first: Shown, related: Shown) -> Panel:
    lines = [
        f"task      {first.task}",
        f"plan      {first.plan}   answer {first.answer}   reward {first.reward}",
        f"written   case {first.case_id}",
        "",
        f"related   {related.task}",
        *(_served(case) for case in related.cases),
        f"plan      {related.plan}   reward {related.reward}   (made with those cases that worked)",
    ]
    return Panel(Text("\n".join(lines)), title="what the planner was shown", title_align="left")


def _served(case: PromptCase) -> str:
    mark = "worked" if has_worked(case) else "failed"
    return f"  case    {case['similarity']:.2f} {mark}  {case['state']} -> {case['action'].partition('. ')[2]}"
