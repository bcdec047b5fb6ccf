"""`memento demo`: the learning demonstration, live."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from memento.cli.running import ExitCode, print_json
from memento.evals.learning_demo import SERIES, LearningDemo, Shown, TaskScore, accuracy, paired_difference
from memento.evals.picture import moving_accuracy, save_learning_curves, series_of
from memento.graph.models import ChatModels

_BARS = "▁▂▃▄▅▆▇█"
_STYLES = ("bright_black", "bold blue", "yellow")
_NEXT = """Put a real model to work:
  export OPENAI_API_KEY=sk-...        or OPENAI_BASE_URL=http://host:port/v1 for any server of that protocol
  memento doctor                      what is configured, reachable, missing
  memento ask 'What is the capital of Columbia County?' --reference Bloomsburg"""


async def demo_command(n_tasks: int, seed: int, out: Path, *, as_json: bool) -> ExitCode:
    """Run the demonstration; the picture and the figures are left in `out`."""
    console = Console(stderr=as_json, quiet=as_json)
    models = ChatModels(planner="local")
    console.print("A real frozen 135M model (SmolLM2), no key, no network. It is a demonstration, not a brain.")
    try:
        demo = LearningDemo(models=models, folder=out, n_tasks=n_tasks, seed=seed)
        async with demo.opened() as running:
            if running.scores:
                console.print(f"going on after task {len(running.scores)} of an interrupted demonstration")
            with Live(_curves(running.scores, n_tasks), console=console, refresh_per_second=4) as live:
                async for score in running.run():
                    live.update(_curves(running.scores, n_tasks))
                    if as_json:
                        print_json({"event": "task", **score._asdict()})
            pictures = out / "learning.png"
            save_learning_curves(running.scores, pictures)
            figures = _figures(running.scores)
            first, related = await running.show()
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)  # noqa: T201
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


def _figures(scores: Sequence[TaskScore]) -> dict[str, object]:
    """First and last third of every series, and the paired differences, each with its interval."""
    third = max(1, len(scores) // 3)
    parts = {"first third": scores[:third], "last third": scores[-third:]}
    figures: dict[str, object] = {
        part: {name: str(accuracy(values)) for name, values in zip(SERIES, series_of(rows), strict=True)}
        for part, rows in parts.items()
    }
    off, on, voted = series_of(parts["last third"])
    figures["on - off, last third, paired"] = str(paired_difference(on, off))
    figures["on - vote, last third, paired"] = str(paired_difference(on, voted))
    return figures


def _curves(scores: Sequence[TaskScore], n_tasks: int) -> Panel:
    lines = []
    for name, style, values in zip(SERIES, _STYLES, series_of(scores), strict=True):
        moving = moving_accuracy(values)
        bars = "".join(_BARS[round(value * (len(_BARS) - 1))] for value in moving)
        line = Text(f"{name:>15} ")
        line.append(bars.ljust(n_tasks), style=style)
        line.append(f" {moving[-1]:.0%}" if moving else "")
        lines.append(line)
    return Panel(Group(*lines), title=f"solved, of the last 15: task {len(scores)} of {n_tasks}", title_align="left")


def _table(figures: dict[str, object]) -> Table:
    table = Table("", *SERIES, box=None, pad_edge=False)
    for part in ("first third", "last third"):
        row = figures[part]
        assert isinstance(row, dict)  # noqa: S101  made above
        table.add_row(part, *row.values())
    table.add_row("on - off", "", str(figures["on - off, last third, paired"]), "")
    table.add_row("on - vote", "", "", str(figures["on - vote, last third, paired"]))
    table.caption = "share solved [95 % interval]; differences are paired, over the last third"
    return table


def _closer_look(first: Shown, related: Shown) -> Panel:
    lines = [
        f"task      {first.task}",
        f"plan      {first.plan}   answer {first.answer}   reward {first.reward}",
        f"written   case {first.case_id}",
        "",
        f"related   {related.task}",
        *(f"  case    {case['similarity']:.2f} {case['state']} -> {case['action']}" for case in related.cases),
        f"plan      {related.plan}   (made with the cases above, best first)",
    ]
    return Panel(Text("\n".join(lines)), title="what the planner was shown", title_align="left")
