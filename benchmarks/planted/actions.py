"""The actions of simulated cases: which latent recipes are behind each, what it reads like, and what that does.

Axes: N cases, P topics, Q recipes, M recipes in one action, D vector dimensions.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.planted.draws import generator, near, unit
from benchmarks.planted.scenarios import World

_STEPS = 3
"""Lines of a plan."""


class Actions(NamedTuple):
    """The actions of some cases."""

    effect_NP: NDArray[np.float64]
    """What each adds to its case's effect on a task of each topic."""
    vector_ND: NDArray[np.float32]
    """Unit vectors of the texts."""
    line_NM: NDArray[np.int64]
    """Numbers of the lines; a negative one is in no other action."""


def actions(world: World, seed: int, n: int, *, of: str) -> Actions:
    """Draw the actions of `n` cases.

    Args:
        world: its parameters.
        seed: of everything random.
        n: N.
        of: which cases; others are drawn apart.
    """
    if world.action_kind == "none":
        return Actions(np.zeros((n, world.n_topics)), np.zeros((n, world.dim), np.float32), np.zeros((n, 0), np.int64))
    effect_PQ = _effects(world, seed)
    centre_QD = unit(generator(seed, "recipe centres").normal(size=(world.n_recipes, world.dim)))
    m = _STEPS if world.action_kind == "steps" else 1
    order_NQ = generator(seed, f"recipes of {of}").random((n, world.n_recipes)).argsort(axis=1)
    recipe_NM = order_NQ[:, :m]
    told_NM = order_NQ[:, -m:] if world.action_kind == "misleading" else recipe_NM
    own_text_NM = -1 - np.arange(n)[:, None]
    return Actions(
        effect_NP=effect_PQ[:, recipe_NM].sum(axis=2).T / math.sqrt(m),
        vector_ND=near(
            unit(centre_QD[told_NM].sum(axis=1)), world.action_noise, generator(seed, f"action noise of {of}")
        ),
        line_NM=recipe_NM if world.action_kind == "steps" else own_text_NM,
    )


def _effects(world: World, seed: int) -> NDArray[np.float64]:
    """Effect of each recipe in each topic, shape (P, Q): partly the same in all topics."""
    rng = generator(seed, "recipe effects")
    everywhere_Q = rng.normal(size=world.n_recipes)
    here_PQ = rng.normal(size=(world.n_topics, world.n_recipes))
    shared = world.recipe_shared
    effect_PQ: NDArray[np.float64] = math.sqrt(shared) * everywhere_Q + math.sqrt(1 - shared) * here_PQ
    return world.recipe_effect * effect_PQ
