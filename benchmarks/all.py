"""Measures every figure of the table in docs/results.md: `make figures`, or `python -m benchmarks.all`.

Runs the commands below one after the other, each with `--save`. What was measured at this commit is not measured again,
so a stopped run resumes. A new benchmark that keeps figures is added to `COMMANDS`. Nothing else should run meanwhile.
With `--quick` fewer repetitions are measured, of smaller banks: wider intervals of the same figures.

    python -m benchmarks.all --list
    python -m benchmarks.all --only read_latency
"""

import argparse
import subprocess
import sys
import time

from benchmarks.provenance import ROOT, commit
from benchmarks.results import load

COMMANDS: dict[str, float] = {
    "read_latency --sizes 1000,10000,100000": 5,
    "read_latency --busy": 4,
    "graph_overhead": 2,
    "graph_overhead --busy": 4,
    "peers --sizes 1000,10000,100000": 10,
    "peers --sizes 1000,10000 --busy": 6,
    "concurrency": 7,
    "concurrency --busy --repetitions 3": 10,
    "import_rate": 2,
    "import_sources": 30,
    "ledger_cost": 2,
    "ledger_cost --busy": 4,
    "parallel_subtasks": 0.5,
    "encoder_cost": 2,
    "encoder_cost --busy": 4,
    "cold_start": 3,
    "cold_start --busy": 6,
    "learning_cost": 3,
    "learning_cost --busy": 5,
    "learning_cost --growth": 6,
    "served_reads": 10,
    "served_reads --sizes 100000 --busy": 14,
    "bulk_load": 12,
    "scale --real": 10,
    "scale --sizes 1000,10000,100000 --busy": 4,
    "second_process": 2,
    "second_process --busy": 3,
    "growth --sizes 1000,10000,100000,1000000": 25,
}
"""Module and options; about how many minutes it takes on two cores."""
QUICK: dict[str, float] = {
    "read_latency --reads 60": 2,
    "read_latency --reads 40 --busy": 3,
    "graph_overhead --runs 50": 1.5,
    "graph_overhead --runs 30 --busy": 2,
    "peers --reads 40 --writes 10": 3,
    "concurrency --repetitions 3": 4,
    "import_rate --rounds 3": 1,
    "import_sources --records 1000 --kills 1": 6,
    "ledger_cost --rounds 5": 1,
    "parallel_subtasks": 0.5,
    "encoder_cost --queries 40 --rounds 3": 0.7,
    "cold_start --rounds 2": 1.5,
    "learning_cost --busy": 2.5,
    "bulk_load --cases 100000 --parts 8": 1,
    "scale --sizes 1000,10000,100000": 1,
    "second_process --processes 3": 1,
    "growth --repetitions 8": 3,
}
"""The same with `--quick`."""


def is_kept(command: str) -> bool:
    """Whether its figures were measured at this commit, unchanged."""
    told = f"python -m benchmarks.{command}"
    origins = [one.provenance for one in load(command.split(maxsplit=1)[0]) if one.provenance.command == told]
    return bool(origins) and all(one.commit == commit() and not one.is_dirty for one in origins)


def measure(command: str) -> bool:
    """Run one benchmark; whether it has kept its figures. Bars that are missed are its to tell, and no failure."""
    module, *options = command.split()
    began = time.time()
    subprocess.run([sys.executable, "-m", f"benchmarks.{module}", *options, "--save"], cwd=ROOT, check=False)
    told = f"python -m benchmarks.{command}"
    file = ROOT / "benchmarks" / "results" / f"{module}.json"
    is_written = file.exists() and file.stat().st_mtime >= began - 1
    return is_written and any(one.provenance.command == told for one in load(module))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the commands and what is left, run nothing")
    parser.add_argument("--again", action="store_true", help="measure again what was measured at this commit")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, smaller banks")
    parser.add_argument("--only", metavar="NAME", help="one benchmark")
    options = parser.parse_args()
    commands = QUICK if options.quick else COMMANDS
    wanted = {name: minutes for name, minutes in commands.items() if options.only in (None, name.split()[0])}
    if not wanted:
        parser.error(
            f"no benchmark {options.only!r}; there are: {', '.join(sorted({one.split()[0] for one in COMMANDS}))}"
        )
    left = {name: minutes for name, minutes in wanted.items() if options.again or not is_kept(name)}
    print(f"{len(left)} of {len(wanted)} commands to run, about {sum(left.values()):.0f} minutes", flush=True)
    failed = []
    for name, minutes in wanted.items():
        state = f"about {minutes:g} min" if name in left else "kept"
        print(f"\npython -m benchmarks.{name}   ({state})", flush=True)
        if name in left and not options.list and not measure(name):
            failed.append(name)
    if failed:
        sys.exit(f"no figures were kept of: {', '.join(failed)}")


if __name__ == "__main__":
    main()
