"""Environments as subjects of an evaluation: their tasks, corrections by walkthrough, and demonstrations."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import numpy as np

from memento.evals.environments.pool import EnvironmentPool
from memento.evals.environments.port import EnvironmentSpec, TaskSplit
from memento.evals.environments.registry import find_environment
from memento.evals.subject import Correction, Subject
from memento.evals.task import EvalTask
from memento.graph.deps import Deps
from memento.memory.errors import InvalidInput
from memento.memory.experience import Experience
from memento.nodes.acting.environment import EnvironmentFailed
from memento.nodes.acting.trajectory import trajectory_text
from memento.nodes.sources import MemorySource

WALKTHROUGH: Final = "walkthrough"
"""Of a task's metadata: actions that win, one a line; left out where the environment gives none."""
N_TASKS: Final = 150
WON_FROM: Final = 1.0
"""A game whose score is lower was not won, and gets its walkthrough as correction."""
_TASKS, _DEMONSTRATIONS = 0, 1


def specs_of(names: Sequence[str]) -> list[EnvironmentSpec]:
    """Find environments that can be started.

    Raises:
        InvalidInput: one is unknown, named twice, or needs something that is not installed.
    """
    if len(set(names)) < len(names):
        raise InvalidInput(f"an environment is named twice ({', '.join(names)}); name each once")
    specs = [find_environment(name) for name in names]
    for spec in specs:
        if lacks := spec.missing():
            raise InvalidInput(f"the environment {spec.name} cannot be started: {lacks}")
    return specs


async def environment_tasks(
    pool: EnvironmentPool, specs: Sequence[EnvironmentSpec], *, split: TaskSplit, n: int
) -> list[EvalTask]:
    """Describe tasks of environments, as many of each as of any other, or one more; always the same sample.

    Args:
        pool: starts them.
        specs: of the environments.
        split: train, dev or test.
        n: how many tasks, of all environments together.

    Raises:
        EnvironmentFailed: one cannot be started.
    """
    keys: list[str] = []
    for place, spec in enumerate(specs):
        share = n // len(specs) + (place < n % len(specs))
        keys += _draw(spec.keys(split), share, seed=[_TASKS])
    return list(await asyncio.gather(*(_task(pool, key) for key in keys)))


def environment_subject(base: Subject, pool: EnvironmentPool, specs: Sequence[EnvironmentSpec]) -> Subject:
    """Put a subject's agent into environments: it acts there, and the episode's score is its reward.

    Args:
        base: gives models and memories.
        pool: of the environments; whoever opened it closes it after the run.
        specs: of the environments.
    """

    def make_deps(memory: MemorySource) -> Deps:
        return replace(base.make_deps(memory), environment=pool.source)

    async def demonstrations(n: int, seed: int) -> list[Experience]:
        return await _demonstrations(pool, specs, n, seed=seed)

    max_steps = max(spec.max_steps for spec in specs)
    return replace(
        base,
        name=f"{base.name} in {', '.join(spec.name for spec in specs)}",
        make_deps=make_deps,
        correction=walkthrough,
        corrected_below=WON_FROM,
        demonstrations=demonstrations,
        settings={"evaluator": "environment", "max_steps": max_steps, "positive_from": WON_FROM} | base.settings,
    )


def walkthrough(task: EvalTask) -> Correction | None:
    """Return a task's walkthrough as the correct action; None where there is none."""
    actions = task.metadata.get(WALKTHROUGH)
    return Correction(actions, "") if actions else None


async def _task(pool: EnvironmentPool, key: str) -> EvalTask:
    found = await pool.describe(key)
    actions = trajectory_text(found.walkthrough)
    return EvalTask(
        id=key,
        key=key,
        question=found.text,
        source=key.partition("/")[0],
        metadata={WALKTHROUGH: actions} if actions else {},
    )


async def _demonstrations(
    pool: EnvironmentPool, specs: Sequence[EnvironmentSpec], n: int, *, seed: int
) -> list[Experience]:
    """Return walkthroughs of the train split, of as many environments as possible.

    Raises:
        InvalidInput: there are fewer.
    """
    order = np.random.default_rng([seed, _DEMONSTRATIONS]).permutation(len(specs))
    queues = [_draw(specs[place].keys("train"), 4 * n, seed=[seed, _DEMONSTRATIONS]) for place in order]
    found: list[Experience] = []
    for key in (key for row in zip(*queues, strict=False) for key in row):
        with suppress(EnvironmentFailed):
            task = await _task(pool, key)
            if actions := walkthrough(task):
                found.append(
                    Experience(
                        state=task.question,
                        action=actions.action,
                        reward=1.0,
                        evaluator="demonstration",
                        key=key,
                    )
                )
        if len(found) == n:
            return found
    raise InvalidInput(
        f"the train split of {', '.join(spec.name for spec in specs)} has fewer than {n} walkthroughs; ask for fewer"
    )


def _draw(keys: Sequence[str], n: int, *, seed: Sequence[int]) -> list[str]:
    return [keys[place] for place in np.random.default_rng(list(seed)).permutation(len(keys))[:n]]
