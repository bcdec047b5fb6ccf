"""Progress of a run: a growing tree on a terminal, lines in a log, JSON for programs."""

import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.text import Text
from rich.tree import Tree

from memento.cli.printing import StderrConsole
from memento.cli.running import ExitCode
from memento.cli.streams import print_json
from memento.nodes.events import CasesServed, PlanMade, RunEvent

_SHOWN_CHARS = 100
_NEXT_ACTIVITY = {"cases": "planning", "plan": "working", "reward": "remembering", "written": "closing"}


class RunView:
    """Shows the custom events of one run on stderr, and its answer on stdout."""

    def __init__(self, *, thread: str, folder: Path, as_json: bool, not_kept: str = "") -> None:
        """Prepare.

        Args:
            thread: the run's, by name.
            folder: its files.
            as_json: print every event as a line of JSON instead.
            not_kept: why the thread is not kept; empty when it is.
        """
        self.folder, self._thread = folder, thread
        self._not_kept = [f"{not_kept}; this conversation is not kept"] if not_kept else []
        self._as_json = as_json
        self._console = StderrConsole(stderr=True, quiet=as_json, highlight=False)
        self._tree = Tree(f"thread {self._thread}", guide_style="dim")
        self._depth: dict[int, int] = {id(self._tree): 0}
        self._plan: dict[tuple[int, str], Tree] = {}
        self._open_steps: set[str] = set()
        is_unicode = self._console.encoding.startswith("utf")
        self._tick = "✓" if is_unicode else "ok:"
        self._activity = Spinner("dots" if is_unicode else "line", Text("remembering similar tasks", style="dim"))
        self._live = Live(Group(self._tree, self._activity), console=self._console, refresh_per_second=8)

    def __enter__(self) -> Self:
        """Start showing."""
        if self._is_live:
            self._live.start()
        else:
            self._console.print(f"thread {self._thread}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last picture standing."""
        self._stop()

    @property
    def _is_live(self) -> bool:
        return self._console.is_terminal and not self._as_json

    def show(self, event: RunEvent) -> None:
        """Add one event."""
        if self._as_json:
            print_json(event)
            return
        match event["event"]:
            case "cases":
                self._show_cases(event)
            case "plan":
                self._show_plan(event)
            case "guides" if event["guides"]:
                kinds = " and a ".join(guide.get("kind", "guide") for guide in event["guides"])
                self._add(self._tree, f"[dim]a {kinds} beside them[/dim]")
            case "subtask_cases" if event["cases"]:
                told = f"[dim]{len(event['cases'])} cases of earlier subtasks[/dim]"
                self._add(self._step(event["cycle"], event["subtask"]), told)
            case "tool":
                args = ", ".join(f"{name}={value!r}" for name, value in event["args"].items())
                self._add(self._step(event["cycle"], event["subtask"]), f"[cyan]{event['name']}[/cyan]({_short(args)})")
            case "result":
                result = event["result"]
                self._open_steps.discard(result["id"])
                early = f"[yellow]ended early ({escape(result['ended_by'])}):[/yellow]"
                mark = f"[green]{self._tick}[/green]" if result["is_complete"] else early
                self._add(self._step(result["cycle"], result["id"]), f"{mark} {_short(result['result'])}")
            case "reward":
                reward = "unknown" if event["reward"] is None else f"{event['reward']:g}"
                self._add(self._tree, f"reward {reward} [dim]({escape(event['evaluator'])})[/dim]")
            case "written" if event["case_id"]:
                self._add(self._tree, f"remembered as case {event['case_id']}")
        self._show_activity(event["event"])

    def ask(self, question: dict[str, Any]) -> str | None:
        """Ask the person at the terminal; None when there is none."""
        if self._as_json or not sys.stdin.isatty():
            return None
        self._stop()
        if question.get("kind") == "approve_plan":
            return self._console.input("approve this plan? \\[approve / reject reason] ")
        self._console.print(f"answer: {escape(str(question.get('answer')))}")
        return self._console.input("reward? \\[0 to 1 / unknown] ")

    def refuse(self, problem: str) -> None:
        """Say what was wrong with a reply."""
        self._console.print(f"[yellow]{escape(problem)}[/yellow]")

    def go_on(self) -> None:
        """Show progress again, after a question."""
        if self._is_live:  # the whole picture again, below the question
            self._live = Live(Group(self._tree, self._activity), console=self._console, refresh_per_second=8)
            self._live.start()

    def wait_for(self, question: dict[str, Any]) -> ExitCode:
        """Say how to answer a question later."""
        self._stop()
        if self._as_json:
            print_json({"event": "waiting", "thread": self._thread, "question": question})
        hint = "approve" if question.get("kind") == "approve_plan" else "1"
        if self._not_kept:
            self._say(f"this run needs a person's reply, and cannot be resumed with one: {self._not_kept[0]}")
        else:
            self._say(f"waiting for a person; go on with: memento ask --resume {self._thread} --reply {hint}")
        return ExitCode.FAILED

    def finish(self, values: dict[str, Any], *, is_old: bool = False) -> None:
        """Print notices and the answer, or the run's last line of JSON.

        Args:
            values: the run's final state.
            is_old: the run had ended before this command.
        """
        notices = [*values.get("notices", []), *self._not_kept]
        if self._as_json:
            print_json(summary(values | {"notices": notices}, thread=self._thread, folder=self.folder))
            return
        self._stop()
        if is_old:
            self._say("this thread had finished already; its answer was:")
        for notice in notices:
            self._say(f"[yellow]note:[/yellow] {escape(' '.join(notice.split()))}")
        for path in values.get("artefacts", []):
            self._say(f"made: {escape(str(self.folder / path))}")
        if error := values.get("error"):
            self._say(f"[red]{escape(error)}[/red]")
        if values.get("event_id") and values.get("answer") and not self._not_kept:
            self._say(f"[dim]was it right? memento feedback {values['event_id']} 1 (or 0)[/dim]")
        if values.get("answer"):
            print(values["answer"], flush=True)  # noqa: T201  the answer is this command's product

    def _show_cases(self, event: CasesServed) -> None:
        served = event["cases"]
        found = {0: "no case", 1: "1 case"}.get(len(served), f"{len(served)} cases")
        branch = self._add(self._tree, f"{found} from memory [dim]({escape(event['policy'])})[/dim]")
        for case in served:
            mark = "[green]worked[/green]" if case["reward"] >= 0.5 else "[red]failed[/red]"
            self._add(branch, f"{case['similarity']:.2f} {mark} {_short(case['state'])}")

    def _show_plan(self, event: PlanMade) -> None:
        branch = self._add(self._tree, f"plan {event['cycle']}")
        self._open_steps = {step["id"] for step in event["plan"]}
        for step in event["plan"]:
            after = f" [dim]after {escape(', '.join(step['depends_on']))}[/dim]" if step["depends_on"] else ""
            line = f"{escape(step['id'])}. {_short(step['description'])}{after}"
            self._plan[event["cycle"], step["id"]] = self._add(branch, line)

    def _show_activity(self, event: str) -> None:
        is_planned = event == "result" and not self._open_steps
        activity = "planning" if is_planned else _NEXT_ACTIVITY.get(event, "working")
        self._activity.update(text=Text(activity, style="dim"))

    def _step(self, cycle: int, subtask: str) -> Tree:
        return self._plan.get((cycle, subtask), self._tree)

    def _add(self, branch: Tree, line: str) -> Tree:
        leaf = branch.add(line)
        depth = self._depth[id(leaf)] = self._depth.get(id(branch), 0) + 1
        if not self._is_live:
            self._say("  " * depth + line)
        return leaf

    def _say(self, line: str) -> None:
        self._console.print(line, soft_wrap=not self._console.is_terminal)

    def _stop(self) -> None:
        self._live.update(self._tree)
        self._live.stop()


def summary(values: dict[str, Any], *, thread: str, folder: Path) -> dict[str, Any]:
    """The last line of `ask --json`."""
    return {
        "event": "done",
        "thread": thread,
        **{name: values.get(name) for name in ("answer", "reward", "case_id", "event_id", "policy", "error")},
        "cases_used": [case["id"] for case in values.get("cases", [])],
        "cycles": values.get("cycle", 0),
        "usage": values.get("usage", {}),
        "retrieval_degraded": values.get("retrieval_degraded", False),
        "artefacts": [str(folder / path) for path in values.get("artefacts", [])],
        "notices": values.get("notices", []),
    }


def _short(text: str) -> str:
    line = " ".join(text.split())
    return escape(line if len(line) <= _SHOWN_CHARS else line[: _SHOWN_CHARS - 1] + "…")
