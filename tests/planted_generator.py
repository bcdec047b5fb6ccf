"""A generator of simulated streams that is not the benchmark's own: one case helps everybody, one hurts everybody."""

import numpy as np

from benchmarks.planted.scenarios import World
from benchmarks.planted.world import Stream


def two_cases(world: World, seed: int, steps: int, k: int) -> Stream:
    rng = np.random.default_rng(seed)
    task_TD = rng.normal(size=(steps, world.dim)).astype(np.float32)
    return Stream(
        task_TD=task_TD / np.linalg.norm(task_TD, axis=1, keepdims=True),
        base_T=np.zeros(steps),
        draw_T=rng.random(steps),
        case_ND=np.eye(2, world.dim, dtype=np.float32),
        label_N=np.array([1.0, 0.0], np.float32),
        kind_N=np.zeros(2, np.int8),
        n_active_T=np.full(steps, 2),
        row_T=np.zeros(steps, np.int64),
        utility_RN=np.array([[2.0, -2.0]]) * world.beta / k,
    )
