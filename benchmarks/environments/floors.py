"""Measures each environment: tasks, speed, memory, length of its observations, and two agents that read nothing.

Random actions are the floor that an agent has to beat; walkthroughs are the ceiling, and show that an episode can be
won within its limit with actions that are offered. Where any text is taken there are no random actions, and an agent
that always hands over stands in their place. Intervals are 95 %: Wilson's for shares, a bootstrap over tasks for
scores.

    python -m benchmarks.environments.floors --episodes 50 --split train
"""

import argparse
import asyncio
import random
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from memento.evals.environments.port import SPLITS, EnvironmentSpec, OpenEnvironment, TaskSplit
from memento.evals.environments.registry import environment_names, find_environment
from memento.evals.environments.remote import RemoteEnvironment

CHARACTERS_PER_TOKEN = 4
IDLE = "end_turn()"
"""Taken where no actions are offered."""


@dataclass
class Measured:
    """What the episodes of one agent came to."""

    won: list[bool] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    n_steps: int = 0
    n_offered: int = 0
    """Actions of the agent that were offered."""
    step_s: float = 0.0
    reset_s: list[float] = field(default_factory=list)
    first_tokens: list[float] = field(default_factory=list)
    step_tokens: list[float] = field(default_factory=list)
    n_valid: list[int] = field(default_factory=list)


def wilson(n_won: int, n: int) -> tuple[float, float]:
    """The interval of a share."""
    if n == 0:
        return 0.0, 1.0
    z = 1.96
    share = n_won / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * ((share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def resampled(scores: Sequence[float]) -> tuple[float, float]:
    """The interval of a mean over tasks."""
    draws = np.random.default_rng(0).choice(np.asarray(scores), (2_000, len(scores))).mean(axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)


def memory_mb(group: int) -> float:
    """Resident memory of a process group."""
    rows = subprocess.run(["ps", "-eo", "pgid,rss"], capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    return sum(int(rss) for of, rss in (row.split() for row in rows) if int(of) == group) / 1024


async def play(environment: OpenEnvironment, key: str, actions: Sequence[str] | None, into: Measured) -> None:
    """Play an episode: the actions given, or random ones."""
    draws = random.Random(key)
    began = time.perf_counter()
    seen = await environment.reset(key)
    into.reset_s.append(time.perf_counter() - began)
    into.first_tokens.append(len(seen.text) / CHARACTERS_PER_TOKEN)
    planned = iter(actions or ())
    while not seen.is_over:
        into.n_valid.append(len(seen.valid))
        action = draws.choice(seen.valid or (IDLE,)) if actions is None else next(planned, None)
        if action is None:
            break
        into.n_offered += action in seen.valid
        began = time.perf_counter()
        seen = await environment.step(action)
        into.step_s += time.perf_counter() - began
        into.n_steps += 1
        into.step_tokens.append(len(seen.text) / CHARACTERS_PER_TOKEN)
    into.won.append(seen.is_won)
    into.scores.append(seen.score)


async def measure(spec: EnvironmentSpec, split: TaskSplit, n_episodes: int) -> None:
    """Measure an environment and print it."""
    environment = spec.start()
    keys = spec.keys(split)[:n_episodes]
    began = time.perf_counter()
    await environment.reset(keys[0])
    start_s = time.perf_counter() - began
    at_random, shown = Measured(), Measured()
    n_walkthroughs, lengths, describe_s, text_tokens = 0, list[int](), list[float](), list[float]()
    for key in keys:
        await play(environment, key, None, at_random)
        began = time.perf_counter()
        task = await environment.describe(key)
        describe_s.append(time.perf_counter() - began)
        text_tokens.append(len(task.text) / CHARACTERS_PER_TOKEN)
        if task.walkthrough:
            n_walkthroughs += 1
            lengths.append(len(task.walkthrough))
            await play(environment, key, task.walkthrough, shown)
    memory = ""
    if isinstance(environment, RemoteEnvironment) and environment.pid is not None:
        memory = f"{await asyncio.to_thread(memory_mb, environment.pid):.0f} MB"
    await environment.close()
    n = len(keys)
    floor = "random actions" if any(at_random.n_valid) else f"always {IDLE}"
    low, high = wilson(sum(at_random.won), n)
    score_low, score_high = resampled(at_random.scores)
    print(
        f"{spec.name}: {' / '.join(str(len(spec.keys(one))) for one in SPLITS)} tasks (train / dev / test), "
        f"{spec.max_steps} steps at most\n"
        f"  start {start_s:.1f} s, reset {np.mean(at_random.reset_s):.3f} s, describe {np.mean(describe_s):.3f} s, "
        f"{at_random.n_steps / at_random.step_s:.0f} steps/s, {memory}\n"
        f"  tokens: task text {np.mean(text_tokens):.0f}, "
        f"observation after a step {np.mean(at_random.step_tokens):.0f} (largest {max(at_random.step_tokens):.0f}); "
        f"actions offered {np.mean(at_random.n_valid):.1f} (at most {max(at_random.n_valid)})\n"
        f"  {floor}, {n} tasks of {split}: won {sum(at_random.won) / n:.2f} [{low:.2f}, {high:.2f}], "
        f"score {np.mean(at_random.scores):.2f} [{score_low:.2f}, {score_high:.2f}]\n"
        f"  walkthroughs: {n_walkthroughs} of {n} tasks have one, {sum(shown.won)} win; "
        f"{np.mean(lengths or [0]):.1f} actions, at most {max(lengths or [0])}; "
        f"{shown.n_offered} of {shown.n_steps} of their actions are offered",
        flush=True,
    )


def main() -> None:
    """Measure the environments that are installed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="environments; all when none is named")
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--split", choices=SPLITS, default="train")
    options = parser.parse_args()
    for name in options.names or environment_names():
        spec = find_environment(name)
        if missing := spec.missing():
            print(f"{name}: {missing}")
        else:
            asyncio.run(measure(spec, options.split, options.episodes))


if __name__ == "__main__":
    main()
