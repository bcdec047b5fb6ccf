"""How fast exports of other systems become cases: `python -m benchmarks.import_sources`.

For each of the four formats with transcripts or scores, a file of 10,000 records in its published shape is imported
into a new folder by the packaged encoder: parsing, redaction, encoding, ledger with every commit on the disk, index.
The coding agents' transcripts are imported twice over: with a reward given for the file (cases, which are encoded),
and without (attempts of unknown outcome, which wait). Then the file is imported again, which must add nothing. And
`memento import` is killed (SIGKILL) again and again while it imports, and repeated, which must double nothing. Bar:
40 records/s of the wall.
"""

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.results import Figure, argument_parser, at_least, at_most, measured, report
from memento.integrations.importers.door import import_records
from memento.integrations.importers.record import ImportOptions
from memento.memory.case_memory import CaseMemory
from memento.memory.minilm.encoder import MiniLmEncoder
from tests.commands import environment, started
from tests.export_files import (
    claude_session,
    codex_session,
    langfuse_score,
    langfuse_trace,
    langsmith_feedback,
    langsmith_run,
    langsmith_tool,
    written,
)


class Rate(NamedTuple):
    """One import."""

    per_s: float
    """Records per second of the wall."""
    per_cpu_s: float
    """Records per second of the processor's time."""
    n_kept: int
    """New cases and attempts."""
    n_again: int
    """New ones when the same file was imported again."""


def claude_code(n: int) -> Iterator[Any]:
    """Sessions of one prompt each, none of which follows another."""
    for number in range(n):
        yield from claude_session(1, first=number, task=f"Repair what the nightly build says about module {number * 7}")


def codex(n: int) -> Iterator[Any]:
    """One rollout; later prompts are told with those before them."""
    return iter(codex_session(n))


def langsmith(n: int) -> Iterator[Any]:
    """Root runs with two tool runs and feedback each."""
    for number in range(n):
        yield langsmith_run(number)
        yield langsmith_tool(number, 1)
        yield langsmith_tool(number, 2)
        yield langsmith_feedback(number, number % 2, comment=f"as expected of {number}")


def langfuse(n: int) -> Iterator[Any]:
    """Traces with a score each."""
    for number in range(n):
        yield langfuse_trace(number)
        yield langfuse_score(number, (number % 5) / 4)


FORMATS: dict[str, tuple[Callable[[int], Iterator[Any]], tuple[float | None, ...]]] = {
    "claude-code": (claude_code, (1.0, None)),
    "codex": (codex, (1.0, None)),
    "langsmith": (langsmith, (None,)),
    "langfuse": (langfuse, (None,)),
}
"""Kind to its rows, and the rewards that it is imported with."""


async def imported(kind: str, file: Path, reward: float | None, encoder: MiniLmEncoder) -> Rate:
    """Import a file into a new folder, and again."""
    options = ImportOptions(reward=reward)
    with tempfile.TemporaryDirectory() as folder:
        began, cpu = time.perf_counter(), time.process_time()
        async with CaseMemory.open(folder, encoder=encoder) as memory:
            first = await import_records(memory, kind, file, options=options)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        async with CaseMemory.open(folder, encoder=encoder) as memory:
            again = await import_records(memory, kind, file, options=options)
    assert (first.n_bad, again.n_bad) == (0, 0)
    n = first.n_records
    return Rate(n / took, n / cpu, first.n_cases + first.n_waiting, again.n_cases + again.n_waiting)


async def rates(n: int, n_rounds: int) -> list[Figure]:
    """Each format's rate."""
    encoder, figures = MiniLmEncoder(), []
    await encoder.encode(["loads the weights"])
    with tempfile.TemporaryDirectory() as folder:
        for kind, (rows, rewards) in FORMATS.items():
            file = await asyncio.to_thread(written, Path(folder) / f"{kind}.jsonl", rows(n))
            for reward in rewards:
                found = [await imported(kind, file, reward, encoder) for _ in range(n_rounds)]
                outcome = "unknown outcomes" if len(rewards) > 1 and reward is None else "known outcomes"
                assert {one.n_kept for one in found} == {n}
                what = f"import of {n:,} {kind} records, {outcome}"
                per_s, per_cpu_s = [one.per_s for one in found], [one.per_cpu_s for one in found]
                figures.append(measured(what, per_s, "records/s", of="imports", bar=at_least(40)))
                figures.append(measured(f"{what}, CPU", per_cpu_s, "records/CPU s", of="imports"))
                n_again = sum(one.n_again for one in found)
                what = f"{kind} records added by importing again, {outcome}"
                figures.append(Figure(what, n_again, f"of {n * n_rounds:,}", n=n * n_rounds, bar=at_most(0)))
                print(what, *figures[-3:], sep="\n", flush=True)
    return figures


async def doubled(kind: str, n: int, n_kills: int) -> Figure:
    """Kill imports of one format while they write; what is there more than once, or missing, at the end."""
    chance, rows = random.Random(0), FORMATS[kind][0]
    with tempfile.TemporaryDirectory() as folder:
        file = await asyncio.to_thread(written, Path(folder) / "export.jsonl", rows(n))
        env, ledger = environment(Path(folder) / "home"), Path(folder) / "home" / "ledger.sqlite"
        n_killed = 0
        for _ in range(n_kills):
            process = await started("import", kind, str(file), env=env)
            before = counted(ledger)[0]
            while process.returncode is None and counted(ledger)[0] <= before:  # noqa: ASYNC110  another's file
                await asyncio.sleep(0.02)
            await asyncio.sleep(chance.random())
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            n_killed += await process.wait() == -signal.SIGKILL
        process = await started("import", kind, str(file), "--json", env=env)
        out, _ = await process.communicate()
        n_there, n_distinct = counted(ledger)
        last = json.loads(out.splitlines()[-1])
        assert process.returncode == 0
        assert last["read"] == n
    name = f"{kind} records doubled or missing after {n_kills} kills"
    print(f"{kind}: killed {n_killed} times; {n_there} rows, {n_distinct} distinct, {n} in the file", flush=True)
    return Figure(name, (n_there - n_distinct) + abs(n - n_distinct), f"of {n:,}", n=n, bar=at_most(0))


def counted(ledger: Path) -> tuple[int, int]:
    """Rows of cases and events in a ledger, and how many ids they have."""
    if not ledger.exists():
        return 0, 0
    with sqlite3.connect(ledger) as connection:
        try:
            cases = connection.execute("SELECT count(*), count(DISTINCT case_id) FROM case_revisions").fetchone()
            events = connection.execute("SELECT count(*), count(DISTINCT event_id) FROM events").fetchone()
        except sqlite3.OperationalError:  # not made yet
            return 0, 0
    return cases[0] + events[0], cases[1] + events[1]


async def run(n: int, n_rounds: int, n_kills: int) -> list[Figure]:
    """Measure."""
    kills = [await doubled(kind, min(n, 2000), n_kills) for kind in FORMATS] if n_kills else []
    return [*await rates(n, n_rounds), *kills]


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=5)
    options = parser.parse_args()
    os.environ.pop("MEMENTO_HOME", None)
    figures = asyncio.run(run(options.records, options.rounds, options.kills))
    sys.exit(report("import_sources", figures, options))


if __name__ == "__main__":
    main()
