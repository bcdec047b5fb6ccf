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
from typing import Any

from benchmarks.busy import busy_cores
from benchmarks.recorded import Median, cases, median, queries
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


def run(names: Sequence[str], n_queries: int, n_rounds: int) -> dict[str, dict[str, Median]]:
    """Measure; figures by model and name."""
    started = {name: [start(name) for _ in range(n_rounds)] for name in names}
    models = {name: MODELS[name]() for name in names}
    cpu: dict[str, list[float]] = {name: [] for name in names}
    wall: dict[str, list[float]] = {name: [] for name in names}
    rates: dict[str, list[float]] = {name: [] for name in names}
    order, chance = list(names), random.Random(0)
    for number, query in enumerate(queries(N_WARM + n_queries)):
        chance.shuffle(order)  # whoever comes first finds the processor's caches cold
        for name in order:
            took = timed(models[name], [query])
            if number >= N_WARM:
                cpu[name].append(1000 * took[0])
                wall[name].append(1000 * took[1])
    texts = [case.state for case in cases()]
    for number in range(n_rounds):
        batch = texts[number * BATCH : (number + 1) * BATCH]
        chance.shuffle(order)
        for name in order:
            rates[name].append(len(batch) / timed(models[name], batch)[0])
    return {
        name: {
            "query, ms of the processor": median(cpu[name]),
            "query, ms of the wall": median(wall[name]),
            "... over the packaged one": median([b / a for a, b in zip(cpu["packaged"], cpu[name], strict=True)]),
            "texts per second of the processor": median(rates[name]),
            "start to first row, s of the processor": median([one["cpu_s"] for one in started[name]]),
            "most memory, MiB": median([one["rss_mib"] for one in started[name]]),
        }
        for name in names
    }


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5, help="batches, and processes started, of each model")
    parser.add_argument("--former", action="store_true", help="measure sentence-transformers too")
    parser.add_argument("--busy", action="store_true", help="keep all cores busy with something else meanwhile")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--start", choices=MODELS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.start:
        print(json.dumps(_start_here(options.start)))
        return
    names = [name for name in MODELS if options.former or name != "sentence-transformers"]
    with busy_cores(is_wanted=options.busy):
        found = run(names, options.queries, options.rounds)
    if options.json:
        print(json.dumps(found))
        return
    for figure in found["packaged"]:
        print(f"\n{figure}")
        for name in names:
            print(f"  {name:<22} {found[name][figure]}")


if __name__ == "__main__":
    main()
