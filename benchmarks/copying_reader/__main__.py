"""What policies gain on house rules and routing with a reader that copies: a SIMULATION.

Real texts and vectors, the product's policies and estimators, a rule in the place of the language model. Prints mean
success with Student's intervals over orders of the tasks, by thirds of the stream, and differences to the policy of
--against on the same orders. Streams are kept under --out as they are done, so that a run that was cut off resumes.

    python -m benchmarks.copying_reader house --feedback reward --policies advantage similarity_reward --orders 48
    python -m benchmarks.copying_reader house --policies advantage --k 8 4 --orders 48
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.copying_reader.cells import OUT, KeptStream, OrderTask, load_stream
from benchmarks.copying_reader.reader import FAILURES
from benchmarks.copying_reader.stream import FEEDBACK, Rules
from benchmarks.copying_reader.texts import kept_texts
from benchmarks.frozen_model.families import FAMILIES, house, routing
from benchmarks.planted.figures import mean
from benchmarks.planted.jobs import run_all
from benchmarks.planted.options import seeds_of
from benchmarks.planted.report import table
from benchmarks.recorded import RECORDED
from benchmarks.worlds.contestants import make_contestant
from memento.memory.errors import MementoError

ARMS = ("none", "similarity", "similarity_reward", "advantage")

THIRDS = ((0.0, 1.0), (0.0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1.0))


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    options = _options(arguments)
    if options.family == "house":
        family = house(options.tasks, seed=options.draw)
    else:
        family = routing(options.tasks, file=options.file, seed=options.draw)
    texts = kept_texts(family, options.out, seed=options.draw)
    tasks = {
        (arm, order): OrderTask(texts, policy, order, Rules(feedback=options.feedback, failures=options.failures, k=k))
        for order in options.orders
        for arm, (policy, k) in options.arms.items()
    }
    run_all(list(tasks.values()), options.out, jobs=options.jobs)
    kept = [
        one._replace(policy=arm)
        for (arm, _), task in tasks.items()
        if (one := load_stream(task, options.out)) is not None
    ]
    print(order_tables(kept, list(options.arms), options.against or list(options.arms)[-1]))


def order_tables(kept: Sequence[KeptStream], policies: Sequence[str], against: str) -> str:
    """Success of each policy, and differences on the same orders."""
    by_key = {(one.policy, one.order): one for one in kept}
    orders = sorted({one.order for one in kept if all((policy, one.order) in by_key for policy in policies)})

    def success(policy: str, begin: float, end: float) -> NDArray[np.float64]:
        chance_ST = np.array([by_key[policy, order].chance for order in orders])
        steps = chance_ST.shape[1]
        part_S: NDArray[np.float64] = chance_ST[:, round(begin * steps) : round(end * steps)].mean(axis=1)
        return part_S

    heads = ["policy", "success", "third 1", "third 2", "third 3", "sd of orders", "s a stream"]
    rows = []
    for policy in policies:
        parts = [str(mean(success(policy, *part))) for part in THIRDS]
        spread = success(policy, 0.0, 1.0).std(ddof=1) if len(orders) > 1 else float("nan")
        seconds = np.mean([by_key[policy, order].seconds for order in orders])
        rows.append([policy, *parts, f"{spread:.3f}", f"{seconds:.2f}"])
    gains = [
        [f"{policy} - {against}", *(str(mean(success(policy, *part) - success(against, *part))) for part in THIRDS)]
        for policy in policies
        if policy != against
    ]
    title = f"A reader that copies: a simulation. {len(orders)} orders; intervals of 95 %, Student's over orders."
    return "\n\n".join([title, table(heads, rows), table(["difference", *heads[1:5]], gains) if gains else ""])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("--feedback", choices=FEEDBACK, default="reward")
    parser.add_argument("--failures", choices=FAILURES, default="hidden", help="whether the reader sees failed cases")
    parser.add_argument("--policies", nargs="+", default=list(ARMS), metavar="NAME", help="as for benchmarks.worlds")
    parser.add_argument("--against", metavar="NAME", help="what the others are compared with; by default the last one; "
                        "with several --k, a name such as 'advantage k=4'")  # fmt: skip
    parser.add_argument("--orders", type=_orders, default=_orders("48"), metavar="48", help="how many; or which: 16-47")
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--k", type=int, nargs="+", default=[4], help="cases shown at most; of several, each is an arm")
    parser.add_argument("--draw", type=int, default=0, help="seed of the tasks that are drawn, and of habits")
    parser.add_argument("--file", type=Path, default=RECORDED / "deepresearcher.jsonl", help="questions, for routing")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        if len(options.k) == 1 and options.against and options.against not in options.policies:
            options.policies.append(options.against)
        for policy in options.policies:
            make_contestant(policy, dim=2, seed=0)
    except (ValueError, ImportError, AttributeError, MementoError) as error:
        parser.error(str(error))
    options.arms = {
        policy if len(options.k) == 1 else f"{policy} k={k}": (policy, k)
        for policy in options.policies
        for k in options.k
    }
    if options.against and options.against not in options.arms:
        parser.error(f"--against {options.against!r} is none of the arms: {', '.join(options.arms)}")
    return options


def _orders(text: str) -> list[int]:
    return list(range(int(text))) if text.isdigit() else seeds_of(text)


if __name__ == "__main__":
    main()
