"""Compares guides on trial with raw cases and with guides that are always shown: a SIMULATION.

The memory, the policy, the trial and its verdicts are real; whether a task succeeds is drawn from made-up chances. Each
family of tasks has a guide that adds a known amount to the chance of success. All arms have the same tasks and luck, so
that differences are paired; intervals are over streams (Student's t).

    python -m benchmarks.guides
"""

import argparse
import asyncio
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.encoded_once import EncodedOnce
from benchmarks.guides.stream import ARMS, Arm, StreamResult, run_stream
from benchmarks.guides.tasks import FAMILIES
from benchmarks.planted.report import table
from memento.memory.stats import t_quantile


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Guides on trial, always shown, and raw cases: a simulation.")
    parser.add_argument("--tasks", type=int, default=1_000, help="of a stream")
    parser.add_argument("--streams", type=int, default=5)
    options = parser.parse_args(arguments)
    if options.tasks < 2 or options.streams < 2:
        raise SystemExit("at least 2 tasks and 2 streams are needed")
    print(figures(asyncio.run(_all_streams(options.streams, options.tasks))))


async def _all_streams(n_streams: int, n_tasks: int) -> dict[Arm, list[StreamResult]]:
    """Run all arms and streams beside each other, each with a memory of its own."""
    began, encoder = time.monotonic(), EncodedOnce()

    async def run(arm: Arm, seed: int) -> StreamResult:
        result = await run_stream(arm, n_tasks=n_tasks, seed=seed, encoder=encoder)
        print(f"stream {seed}, {arm}: done after {time.monotonic() - began:.0f} s", flush=True)
        return result

    return {arm: await asyncio.gather(*(run(arm, seed) for seed in range(n_streams))) for arm in ARMS}


def figures(found: dict[Arm, list[StreamResult]]) -> str:
    """Tables: success by arm, differences to raw cases by halves of the streams, and verdicts by family."""
    reward = {arm: np.array([one.rewards for one in results]) for arm, results in found.items()}
    half = reward["raw cases"].shape[1] // 2
    rows = []
    for arm in ARMS:
        gain_ST = reward[arm] - reward["raw cases"]
        parts = (gain_ST, gain_ST[:, :half], gain_ST[:, half:])
        gains = [""] * 3 if arm == "raw cases" else [_interval(part.mean(axis=1)) for part in parts]
        rows.append([arm, f"{reward[arm].mean():.3f}", *gains])
    verdicts = []
    family_ST = np.array([one.families for one in found["raw cases"]])
    gain_ST = reward["on trial"] - reward["raw cases"]
    for place, family in enumerate(FAMILIES):
        gains = [_of_family(family_ST[:, part] == place, gain_ST[:, part]) for part in (slice(half), slice(half, None))]
        trials = [one.trials[place] for one in found["on trial"]]
        n_outcomes = np.mean([one.n_shown + one.n_withheld for one in trials])
        counts = [str(sum(one.status == status for one in trials)) for status in ("kept", "on trial", "retired")]
        verdicts.append([family.guide, f"{family.effect:+.2f}", *counts, f"{n_outcomes:.0f}", *gains])
    n_streams, n_tasks = reward["raw cases"].shape
    title = f"A simulation: {n_streams} streams of {n_tasks} tasks; intervals of 95 % over streams."
    heads = ["arm", "success", "minus raw cases", "first half", "second half"]
    of_guides = ["guide", "effect", "kept", "on trial", "retired", "outcomes", "first half: gain", "second half: gain"]
    return "\n\n".join([title, table(heads, rows), table(of_guides, verdicts)])


def _of_family(is_mine_ST: NDArray[np.bool_], gain_ST: NDArray[np.float64]) -> str:
    return _interval((gain_ST * is_mine_ST).sum(axis=1) / np.maximum(is_mine_ST.sum(axis=1), 1))


def _interval(gain_S: NDArray[np.float64]) -> str:
    mean, n = float(gain_S.mean()), len(gain_S)
    reach = t_quantile(n - 1) * float(gain_S.std(ddof=1)) / n**0.5
    return f"{mean:+.3f} [{mean - reach:+.3f}, {mean + reach:+.3f}]"


if __name__ == "__main__":
    main()
