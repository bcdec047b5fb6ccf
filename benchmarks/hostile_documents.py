"""What hostile documents do to their readers: `python -m benchmarks.hostile_documents [--only WORD]`.

Every case is read, or unpacked, by the real tool in a process of its own, which tells the largest memory of the
parser's child. Bars: every case ends as it must (a clear error, or text) within its limit, with less than 512 MiB, and
nothing is written outside the workspace.
"""

import argparse
import asyncio
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks.hostile.case import Case, is_touched, tried
from memento.tools.documents.read_document import TIMEOUT_S
from memento.tools.workspace import Workspace

MAX_S = 2 * TIMEOUT_S + 5
"""Two children at most, one after the other, and their start."""
MAX_MIB = 512


@dataclass(frozen=True)
class Outcome:
    """What came of a case."""

    name: str
    said: str
    is_right: bool
    seconds: float
    child_mib: float
    """Largest memory of a parser."""
    own_mib: float
    """Largest memory of the process that calls the tool."""
    is_outside: bool
    """Whether anything outside the workspace has changed."""

    @property
    def is_safe(self) -> bool:
        """Whether it ended as it must, touched nothing outside and stayed small."""
        is_small = max(self.child_mib, self.own_mib) < MAX_MIB
        return self.is_right and not self.is_outside and is_small

    @property
    def is_good(self) -> bool:
        """Whether all bars are met, that of time included: a busy machine may miss it."""
        return self.is_safe and self.seconds < MAX_S


def cases() -> Iterator[Case]:
    """Make the cases one by one: some are large."""
    from benchmarks.hostile.archives import archives
    from benchmarks.hostile.office import office
    from benchmarks.hostile.pdfs import pdfs
    from benchmarks.hostile.texts import texts

    yield from chain(archives(), office(), pdfs(), texts())


def run(only: str = "") -> Iterator[Outcome]:
    """Try the cases whose names contain a word."""
    for case in cases():
        if only in case.name:
            with tempfile.TemporaryDirectory() as folder:
                found = _tried(case.lay_out(Path(folder)), case)
                is_outside = is_touched(Path(folder))
            is_right = case.is_right(found["said"], is_error=found.pop("is_error"))
            yield Outcome(name=case.name, is_right=is_right, is_outside=is_outside, **found)


def _tried(folder: Path, case: Case) -> dict[str, Any]:
    """Try a case in a process of its own, whose memory is that of nothing else."""
    command = [sys.executable, "-m", "benchmarks.hostile_documents", "--one", str(folder), case.path, case.tool]
    done = subprocess.run(command, capture_output=True, text=True, timeout=4 * MAX_S, check=False)
    if done.returncode:
        return {"said": done.stderr[-300:], "is_error": None, "seconds": 0.0, "child_mib": 0.0, "own_mib": 0.0}
    return dict(json.loads(done.stdout))


def _one(folder: Path, path: str, tool: str) -> dict[str, object]:
    """Try a case in this process."""
    began = time.perf_counter()
    said, is_error = asyncio.run(tried(path, tool, Workspace(folder)))
    return {
        "said": said[:20_000],
        "is_error": is_error,
        "seconds": time.perf_counter() - began,
        "child_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "own_mib": _own_mib(),
    }


def _own_mib() -> float:
    # Not from getrusage, which also knows what the process that started this one had.
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose names contain this")
    parser.add_argument("--json", action="store_true", help="one JSON object per case instead of a table")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        folder, path, tool = options.one
        print(json.dumps(_one(Path(folder), path, tool)))
        return
    outcomes = []
    for outcome in run(options.only):
        outcomes.append(outcome)
        print(
            json.dumps(asdict(outcome) | {"is_good": outcome.is_good}) if options.json else _line(outcome), flush=True
        )
    n_bad = sum(not outcome.is_good for outcome in outcomes)
    if not options.json:
        largest = max(outcomes, key=lambda outcome: max(outcome.child_mib, outcome.own_mib))
        longest = max(outcomes, key=lambda outcome: outcome.seconds)
        n_outside = sum(outcome.is_outside for outcome in outcomes)
        print(f"\n{len(outcomes)} cases, {n_bad} bad (bar 0); {n_outside} wrote outside (bar 0)")
        print(f"most memory {max(largest.child_mib, largest.own_mib):.0f} MiB: {largest.name} (bar {MAX_MIB})")
        print(f"longest {longest.seconds:.1f} s: {longest.name} (bar {MAX_S:.0f})")
    sys.exit(n_bad > 0)


def _line(outcome: Outcome) -> str:
    said = re.sub(r"\s+", " ", outcome.said)[:100]
    mark = "ok " if outcome.is_good else "BAD"
    return f"{mark} {outcome.name:45} {outcome.seconds:5.1f} s {outcome.child_mib:4.0f} MiB  {said}"


if __name__ == "__main__":
    main()
