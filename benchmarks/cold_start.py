"""What a command costs that starts afresh: `python -m benchmarks.cold_start`.

Runs `memento ask` in fresh processes against a model on the loopback address, with an empty bank and with one of 1,000
cases, and beside it `import memento`, `memento --help` and `memento cases stats`. The figures are seconds of the
processor, of the process and of what it started, the start of Python included; each round runs every command once, and
the first round, which writes the bytecode that an installed package has, is not counted. Bars: `memento ask` costs at
most 3 s, `memento --help` .1 s, `import memento` .02 s beyond a Python that does nothing in the same round.

`--encoder stub` takes vectors from the loopback server, in the place of the packaged model. `--busy` gives every core
other work meanwhile.
"""

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
from typing import Any, NamedTuple

from benchmarks.busy import busy_cores
from benchmarks.recorded import cases
from benchmarks.results import Bar, Figure, argument_parser, at_most, measured, report
from memento.memory.case_memory import CaseMemory
from memento.memory.encoders import encoder_named
from tests.commands import environment, plan_of, role_of
from tests.embedding_server import vectors
from tests.provider_server import Wire, body, completion, provider

ASK_BAR = at_most(3.0)
HELP_BAR, IMPORT_BAR = at_most(0.1), at_most(0.02)
"""Seconds; the last beyond the start of Python itself."""
NOTHING = "Python alone"
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
    yield Command(NOTHING, "pass")
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


def run(n: int, *, encoder: str, is_busy: bool) -> dict[str, list[Cost]]:
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


def told(found: dict[str, list[Cost]], *, is_busy: bool) -> list[Figure]:
    """Figures of every command."""
    figures = []
    nothing = [one.cpu_s for one in found[NOTHING]]
    for name, costs in found.items():
        spent = [one.cpu_s for one in costs]
        bar: Bar | None = HELP_BAR if name == "memento --help" else None
        if name.startswith("memento ask"):
            bar = ASK_BAR
        figures.append(measured(name, spent, "CPU s", of="processes", bar=bar, is_busy=is_busy))
        if name == "import memento":
            beyond = [one - other for one, other in zip(spent, nothing, strict=True)]
            title = f"{name}, beyond Python's start"
            figures.append(measured(title, beyond, "CPU s", of="processes", bar=IMPORT_BAR, is_busy=is_busy))
        figures.append(Figure(f"{name}, modules imported", costs[0].n_modules, "", is_busy=is_busy))
    return figures


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--encoder", choices=("packaged", "stub"), default="packaged")
    options = parser.parse_args()
    found = run(options.rounds, encoder=options.encoder, is_busy=options.busy)
    sys.exit(report("cold_start", told(found, is_busy=options.busy), options))


if __name__ == "__main__":
    main()
