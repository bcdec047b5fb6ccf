"""What the packaged encoder costs beside the same model in torch: `python -m benchmarks.encoder_cost`.

The processor's time of one query, each with the other models on the same query beside it, in an order that changes;
texts per second of the processor in an import's batches; and in processes of their own, the processor's time from the
start to the first row, and the most memory. With `--former` also as release 0.1 did it, by sentence-transformers, which
must be installed. With `--busy` every core has other work meanwhile.
"""

import argparse
import importlib
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.busy import busy_cores
from benchmarks.recorded import cases, queries
from benchmarks.results import Figure, argument_parser, measured, report
from memento.memory.minilm.model import MiniLm, packaged_folder

N_WARM = 5
BATCH = 64
Rows = Callable[[Sequence[str]], Any]


def packaged() -> Rows:
    """As it is served."""
    return MiniLm(packaged_folder()).rows


def in_torch() -> Rows:
    """The model in plain torch operations, on as many cores as torch takes by itself."""
    from tests.torch_minilm import TorchMiniLm

    return TorchMiniLm(packaged_folder()).rows


def in_torch_alone() -> Rows:
    """The same on one core: cores that wait for each other in a loop cost nothing here."""
    rows = in_torch()
    import torch

    def on_one(texts: Sequence[str]) -> Any:
        hosts = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return rows(texts)
        finally:
            torch.set_num_threads(hosts)

    return on_one


def former() -> Rows:
    """As in release 0.1."""
    library = importlib.import_module("sentence_transformers")  # by name: no dependency of ours
    model = library.SentenceTransformer(str(packaged_folder()), device="cpu", local_files_only=True)
    return lambda texts: model.encode(list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False)


MODELS: dict[str, Callable[[], Rows]] = {
    "packaged": packaged,
    "torch": in_torch,
    "torch, one core": in_torch_alone,
    "sentence-transformers": former,
}


class Costs(NamedTuple):
    """Of one model."""

    cpu: list[float]
    """Milliseconds of the processor of each query."""
    wall: list[float]
    rates: list[float]
    """Texts per second of the processor, of each batch."""
    started: list[dict[str, float]]


def run(names: Sequence[str], n_queries: int, n_rounds: int) -> dict[str, Costs]:
    """Measure; costs by model."""
    found = {name: Costs([], [], [], [start(name) for _ in range(n_rounds)]) for name in names}
    models = {name: MODELS[name]() for name in names}
    order, chance = list(names), random.Random(0)
    for number, query in enumerate(queries(N_WARM + n_queries)):
        chance.shuffle(order)  # whoever comes first finds the processor's caches cold
        for name in order:
            took = timed(models[name], [query])
            if number >= N_WARM:
                found[name].cpu.append(1000 * took[0])
                found[name].wall.append(1000 * took[1])
    texts = [case.state for case in cases()]
    for number in range(n_rounds):
        batch = texts[number * BATCH : (number + 1) * BATCH]
        chance.shuffle(order)
        for name in order:
            found[name].rates.append(len(batch) / timed(models[name], batch)[0])
    return found


def told(found: dict[str, Costs], *, is_busy: bool) -> list[Figure]:
    """Figures of every model, and of the others over the packaged one on the same queries."""
    figures, own = [], found["packaged"]
    for name, costs in found.items():
        what = f"encoder ({name})"
        parts = {
            ("one query", "ms", "queries"): costs.cpu,
            ("one query, wall", "ms", "queries"): costs.wall,
            ("batches", "texts per CPU s", "batches"): costs.rates,
            ("start to first row", "CPU s", "processes"): [one["cpu_s"] for one in costs.started],
            ("most memory", "MiB", "processes"): [one["rss_mib"] for one in costs.started],
        }
        for (title, unit, of), values in parts.items():
            is_shown = costs is own and "wall" not in title
            figures.append(measured(f"{what}, {title}", values, unit, of=of, is_busy=is_busy, is_shown=is_shown))
        if costs is not own:
            ratios = np.array(costs.cpu) / own.cpu
            title = f"one query, {name} over packaged"
            figures.append(measured(title, ratios, "times", of="queries", is_busy=is_busy, is_shown=True))
    return figures


def timed(model: Rows, texts: Sequence[str]) -> tuple[float, float]:
    """Seconds of the processor and of the wall."""
    cpu, wall = time.process_time(), time.perf_counter()
    model(texts)
    return time.process_time() - cpu, time.perf_counter() - wall


def start(name: str) -> dict[str, float]:
    """Import, load and encode one text in a new process."""
    command = [sys.executable, "-m", "benchmarks.encoder_cost", "--start", name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _start_here(name: str) -> dict[str, float]:
    MODELS[name]()(["how do you do"])
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu_s": used.ru_utime + used.ru_stime, "rss_mib": used.ru_maxrss / 1024}


def main() -> None:
    """Command line."""
    parser = argument_parser(__doc__)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5, help="batches, and processes started, of each model")
    parser.add_argument("--former", action="store_true", help="measure sentence-transformers too")
    parser.add_argument("--start", choices=MODELS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.start:
        print(json.dumps(_start_here(options.start)))
        return
    names = [name for name in MODELS if options.former or name != "sentence-transformers"]
    with busy_cores(is_wanted=options.busy):
        found = run(names, options.queries, options.rounds)
    sys.exit(report("encoder_cost", told(found, is_busy=options.busy), options))


if __name__ == "__main__":
    main()
