"""What a command costs that starts afresh: `python -m benchmarks.cold_start`.

Runs `memento ask` in fresh processes against a model on the loopback address, with an empty bank and with one of 1,000
cases, and beside it `import memento`, `memento --help` and `memento cases stats`. The figures are seconds of the
processor, of the process and of what it started; each round runs every command once, and the first round, which writes
the bytecode that an installed package has, is not counted. Bar: `memento ask` costs at most 3 s.

`--encoder stub` takes vectors from the loopback server, in the place of the packaged model. `--busy` gives every core
other work meanwhile.
"""

import argparse
import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.busy import busy_cores
from benchmarks.recorded import cases
from memento.memory.case_memory import CaseMemory
from memento.memory.encoders import encoder_named
from tests.commands import environment, plan_of, role_of
from tests.embedding_server import vectors
from tests.provider_server import Wire, body, completion, provider

BAR_S = 3.0
N_CASES = 1000
STUB = "openai:stub"
POLICIES = ("none", "similarity", "advantage")
_START = "from memento.cli.start import main; main()"
_COUNT = "import atexit, sys; atexit.register(lambda: open({path!r}, 'w').write(str(len(sys.modules)))); "
_ASK = ("ask", "What is six times seven?", "-r", "forty-two", "--json")


class Command(NamedTuple):
    """A command to measure."""

    name: str
    code: str
    words: tuple[str, ...] = ()
    bank: str | None = None
    """Name of the bank that it begins with; None for a command that opens none."""


class Cost(NamedTuple):
    """Of one process."""

    cpu_s: float
    n_modules: int


def commands() -> Iterator[Command]:
    """All that are measured."""
    yield Command("import memento", "import memento")
    yield Command("memento --help", _START, ("--help",))
    for bank in ("empty", f"{N_CASES} cases"):
        yield Command(f"memento cases stats, {bank}", _START, ("cases", "stats"), bank)
        for policy in POLICIES:
            yield Command(f"memento ask, {policy}, {bank}", _START, (*_ASK, "--policy", policy), bank)


def answered(request: dict[str, Any]) -> Wire:
    """The model's and the encoder's answers."""
    if "input" in request:
        said = vectors(request["input"])
        return body(said.body, said.status)
    said_by = {
        "planner": json.dumps(plan_of(request, "forty-two")),
        "executor": "it is forty-two",
        "final": json.dumps({"answer": "forty-two"}),
        "judge": json.dumps({"correct": "yes", "reason": "compared"}),
    }
    return completion(request, content=said_by[role_of(request)])


def cost(command: Command, env: Mapping[str, str]) -> Cost:
    """Run it once.

    Raises:
        RuntimeError: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/modules"
        program = [sys.executable, "-c", _COUNT.format(path=path) + command.code, *command.words]
        before = _children_s()
        done = subprocess.run(
            program, env=env, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
        spent = _children_s() - before
        if done.returncode:
            raise RuntimeError(f"{command.name} failed:\n{done.stdout}\n{done.stderr}")
        return Cost(spent, int(Path(path).read_text(encoding="utf-8")))


def measured(n: int, *, encoder: str, is_busy: bool) -> dict[str, list[Cost]]:
    """The costs of all commands, by name."""
    found: dict[str, list[Cost]] = {}
    with provider(answered) as url, tempfile.TemporaryDirectory() as folder:
        banks = {"empty": Path(folder, "empty"), f"{N_CASES} cases": Path(folder, "filled")}
        os.environ |= {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none", "NO_PROXY": "127.0.0.1"}
        asyncio.run(_fill(banks[f"{N_CASES} cases"], encoder))
        banks["empty"].mkdir()
        more = {"MEMENTO_ENCODER": STUB} if encoder == "stub" else {}
        with busy_cores(is_wanted=is_busy):
            for round_ in range(n + 1):
                for command in commands():
                    home = Path(folder, "home")
                    if command.bank is not None:
                        shutil.copytree(banks[command.bank], home)
                    env = environment(home, url, **more)
                    env.pop("PYTHONDONTWRITEBYTECODE", None)
                    spent = cost(command, env)
                    if round_:
                        found.setdefault(command.name, []).append(spent)
                    shutil.rmtree(home, ignore_errors=True)
    return found


async def _fill(folder: Path, encoder: str) -> None:
    given = encoder_named(STUB) if encoder == "stub" else None
    async with CaseMemory.open(folder, encoder=given, seed=0) as memory:
        await memory.keep(cases()[:N_CASES])
        await memory.bank.project_all()
    if given is not None:
        await given.aclose()


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print a line for each command; exit code 1 where an `ask` costs more than the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--encoder", choices=("packaged", "stub"), default="packaged")
    parser.add_argument("--busy", action="store_true", help="keep every core at work meanwhile")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    given = parser.parse_args()
    found = measured(given.rounds, encoder=given.encoder, is_busy=given.busy)
    figures = {
        name: {
            "cpu_s": round(median(one.cpu_s for one in costs), 3),
            "least_s": round(min(one.cpu_s for one in costs), 3),
            "most_s": round(max(one.cpu_s for one in costs), 3),
            "n_modules": costs[0].n_modules,
        }
        for name, costs in found.items()
    }
    if given.json:
        print(json.dumps(figures))
    else:
        for name, of in figures.items():
            spread = f"({of['least_s']:.2f} to {of['most_s']:.2f})"
            print(f"{name:40} {of['cpu_s']:6.2f} s {spread:16} {of['n_modules']:5} modules")
    sys.exit(any(of["cpu_s"] > BAR_S for name, of in figures.items() if name.startswith("memento ask")))


if __name__ == "__main__":
    main()
