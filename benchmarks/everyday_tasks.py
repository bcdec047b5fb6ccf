"""Everyday tasks for the packaged 135M model: `python -m benchmarks.everyday_tasks`.

Each is asked as a user would, by `memento ask --model local`, in a home of its own. Answers are poor: the model is a
demonstration; what counts is that every run ends with one, and with exit code 0. Bar: all of them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

TASKS = (
    "What is the capital of France?",
    "Write a two-line poem about rain",
    "Name three fruits",
    "How many minutes are in two hours?",
    "Translate 'good morning' into Spanish",
)
"""The bar's."""
MORE_TASKS = (
    "Who wrote Romeo and Juliet?",
    "What is the capital of Italy?",
    "How do I make pancakes?",
    "Explain photosynthesis in one sentence",
    "Plan a weekend trip",
)


class EverydayAnswer(NamedTuple):
    """What came of one task."""

    task: str
    code: int
    answer: str
    seconds: float
    said: str
    """The last line on stderr."""

    @property
    def is_answered(self) -> bool:
        """Whether it ended as it should."""
        return self.code == 0 and bool(self.answer.strip())


def ask(task: str, home: Path) -> EverydayAnswer:
    """Ask one task in a process of its own."""
    outside = ("MEMENTO_", "OPENAI_", "AZURE_", "LANGSMITH_", "LANGCHAIN_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(outside)}
    command = [str(Path(sys.executable).parent / "memento"), "ask", "--model", "local", task, "--json"]
    began = time.perf_counter()
    done = subprocess.run(
        command,
        env=env | {"MEMENTO_HOME": str(home), "PYTHON_DOTENV_DISABLED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    answer = json.loads(lines[-1]).get("answer") if done.returncode == 0 and lines else None
    said = done.stderr.strip().splitlines()
    return EverydayAnswer(task, done.returncode, answer or "", time.perf_counter() - began, said[-1] if said else "")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--more", action="store_true", help="five other tasks besides")
    parser.add_argument("--json", action="store_true", help="one JSON object a task instead of a line")
    options = parser.parse_args()
    tasks = (*TASKS, *MORE_TASKS) if options.more else TASKS
    n_answered = 0
    for task in tasks:
        with tempfile.TemporaryDirectory() as folder:
            asked = ask(task, Path(folder) / "home")
        n_answered += asked.is_answered
        if options.json:
            print(json.dumps(asked._asdict()), flush=True)
        else:
            shown = asked.answer[:60] if asked.is_answered else f"exit code {asked.code}: {asked.said[:80]}"
            print(f"{'ok ' if asked.is_answered else 'NO '} {asked.seconds:5.0f} s  {task}  ->  {shown!r}", flush=True)
    if not options.json:
        print(f"{n_answered} of {len(tasks)} tasks ended with an answer and exit code 0")
    sys.exit(n_answered < len(tasks))


if __name__ == "__main__":
    main()
