"""The simulated world: tasks of latent topics, and cases whose true effects are known.

Embeddings are unit vectors around topic centres. In a normal topic its own cases help; in a misleading one the nearest
cases hurt and those of one other topic help. Each case has a hidden quality on top, of which its own label is a noisy
sign. Where cases have actions, the recipe behind a case's action adds its own effect in each topic, and the label is
the sign of what recipe and quality do in the case's own topic. A reward is Bernoulli(sigmoid(b + sum of u over the
served set)).

Axes: T steps, N cases that ever exist, R rows of utilities, D vector dimensions, P topics, Q recipes.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.planted.actions import actions
from benchmarks.planted.draws import generator, near, unit
from benchmarks.planted.scenarios import World

CaseKind = Literal["regular", "inert", "harmful", "injected inert", "injected harmful"]
CASE_KINDS: tuple[CaseKind, ...] = get_args(CaseKind)


class Stream(NamedTuple):
    """One simulated stream, fully drawn: all policies of a seed see the same tasks, cases and draws."""

    task_TD: NDArray[np.float32]
    """Unit vectors."""
    base_T: NDArray[np.float64]
    """Logit of success without any case."""
    draw_T: NDArray[np.float64]
    """Uniform in [0, 1): a task succeeds when it is below the probability."""
    case_ND: NDArray[np.float32]
    """Unit vectors, in the order in which the cases arrive."""
    label_N: NDArray[np.float32]
    """The cases' own rewards."""
    kind_N: NDArray[np.int8]
    """Position in `CASE_KINDS`."""
    n_active_T: NDArray[np.int64]
    """The first so many cases are in the bank at this step."""
    row_T: NDArray[np.int64]
    """Which row of `utility_RN` holds the true effects for this step's task."""
    utility_RN: NDArray[np.float64]
    """True u in logits, of each case in one of the K slots."""
    action_ND: NDArray[np.float32] | None = None
    """Unit vectors of the cases' actions; None where they have none."""
    lines_N: tuple[tuple[str, ...], ...] = ()
    """Lines of the cases' actions; empty where they have none."""

    def utility(self, step: int) -> NDArray[np.float64]:
        """True u of every case for this step's task, shape (N,)."""
        row_N: NDArray[np.float64] = self.utility_RN[self.row_T[step]]
        return row_N

    def probability(self, step: int, served: list[int]) -> float:
        """Of success, given the cases served."""
        logit = float(self.base_T[step]) + float(self.utility(step)[served].sum())
        return 1.0 / (1.0 + math.exp(-logit))


Generator = Callable[[World, int, int, int], Stream]
"""Makes a stream of (world, seed, steps, k)."""


def planted(world: World, seed: int, steps: int, k: int) -> Stream:
    """Draw a stream.

    Args:
        world: its parameters.
        seed: of everything random. What one parameter governs is drawn apart from the rest, so that worlds of the same
            seed share tasks and cases as far as their parameters agree.
        steps: T.
        k: slots per task; a case in one of them has 1 / k of its effect.
    """
    centre_PD = unit(generator(seed, "centres").normal(size=(world.n_topics, world.dim)))
    difficulty_P = world.difficulty_mean + world.difficulty_sd * generator(seed, "difficulty").normal(
        size=world.n_topics
    )
    topic_T = generator(seed, "tasks").integers(world.n_topics, size=steps)
    cases = _cases(world, seed, steps, centre_PD)
    before_PP, after_PP = _affinities(world, seed)
    drifts_at = round(world.drift_at * steps)
    utility_RN = np.concatenate([_utilities(world, affinity_PP, cases) for affinity_PP in (before_PP, after_PP)])
    return Stream(
        task_TD=near(centre_PD[topic_T], world.noise, generator(seed, "task noise")),
        base_T=difficulty_P[topic_T],
        draw_T=generator(seed, "rewards").random(steps),
        case_ND=cases.vector_ND,
        label_N=cases.label_N,
        kind_N=cases.kind_N,
        n_active_T=np.searchsorted(cases.added_N, np.arange(steps), side="right"),
        row_T=topic_T + np.where(np.arange(steps) < drifts_at, 0, world.n_topics),
        utility_RN=utility_RN * world.beta / k,
        action_ND=None if world.action_kind == "none" else cases.action_ND,
        lines_N=() if world.action_kind == "none" else tuple(_lines(cases.line_NM)),
    )


def _lines(line_NM: NDArray[np.int64]) -> list[tuple[str, ...]]:
    return [tuple(f"line {number}" for number in line_M) for line_M in line_NM.tolist()]


class _Cases(NamedTuple):
    topic_N: NDArray[np.int64]
    quality_N: NDArray[np.float64]
    kind_N: NDArray[np.int8]
    label_N: NDArray[np.float32]
    vector_ND: NDArray[np.float32]
    added_N: NDArray[np.int64]
    effect_NP: NDArray[np.float64]
    """What each case's action adds to its effect on a task of each topic."""
    action_ND: NDArray[np.float32]
    line_NM: NDArray[np.int64]


def _cases(world: World, seed: int, steps: int, centre_PD: NDArray[np.float64]) -> _Cases:
    n = world.bank_end
    topic_N = generator(seed, "cases").integers(world.n_topics, size=n)
    quality_N = world.quality_sd * generator(seed, "quality").normal(size=n)
    share = generator(seed, "kinds").random(n)
    kind_N = np.where(share < world.inert_share, 1, np.where(share < world.inert_share + world.harmful_share, 2, 0))
    quality_N = np.select([kind_N == 1, kind_N == 2], [0.0, world.harmful_effect], quality_N)
    luck = generator(seed, "inert labels").random(n) < 0.5  # 0 has no sign
    is_wrong = generator(seed, "labels").random(n) < world.label_noise
    acted = actions(world, seed, n, of="cases")
    merit_N = quality_N + np.where(kind_N == 0, acted.effect_NP[np.arange(n), topic_N], 0.0)
    label_N = np.where(merit_N == 0, luck, (merit_N > 0) ^ is_wrong)
    late_N = np.arange(1, n - world.bank_start + 1) * steps // max(1, n - world.bank_start + 1)
    added_N = np.concatenate([np.zeros(world.bank_start, np.int64), late_N])
    regular = _Cases(
        topic_N,
        quality_N,
        kind_N.astype(np.int8),
        label_N.astype(np.float32),
        near(centre_PD[topic_N], world.noise, generator(seed, "case noise")),
        added_N,
        *acted,
    )
    if world.poison_kind == "none":
        return regular
    injected = _poison(world, seed, steps, added_N, centre_PD)
    order_N = np.argsort(np.concatenate([regular.added_N, injected.added_N]), kind="stable")
    columns = [[getattr(of, part) for of in (regular, injected)] for part in _Cases._fields]
    return _Cases(*(np.concatenate(column)[order_N] for column in columns))


def _poison(world: World, seed: int, steps: int, added_N: NDArray[np.int64], centre_PD: NDArray[np.float64]) -> _Cases:
    """What is injected: all at once what the share asks for, then along with every so many other cases."""
    beside = (1 - world.poison_share) / max(world.poison_share, 1e-9)  # regular cases per injected one
    n = int(len(added_N) / beside)
    topic_N = generator(seed, "poison").integers(world.n_topics, size=n)
    is_harmful = np.full(n, world.poison_kind == "harmful")
    if world.poison_kind == "mixed":
        is_harmful = np.arange(n) % 2 == 0
    of_N = np.minimum((np.arange(n) * beside).astype(np.int64), len(added_N) - 1)
    return _Cases(
        topic_N,
        np.where(is_harmful, world.harmful_effect, 0.0),
        np.where(is_harmful, 4, 3).astype(np.int8),
        np.ones(n, np.float32),
        near(centre_PD[topic_N], world.poison_noise, generator(seed, "poison noise")),
        np.maximum(added_N[of_N], round(world.poison_from * steps)),
        *actions(world, seed, n, of="poison"),
    )


def _affinities(world: World, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Effect of a case of one topic (column) on a task of another (row), before and after the drift."""
    rng, n = generator(seed, "misleading"), world.n_topics
    helpers: list[NDArray[np.int64]] = []
    affinities: list[NDArray[np.float64]] = []
    for share in (world.misleading_share, world.drift_misleading_share):
        affinity_PP = np.full((n, n), world.other_effect)
        np.fill_diagonal(affinity_PP, world.own_effect)
        misleading = rng.permutation(n)[: round(share * n)]
        helper_P = _others(rng, n, helpers[-1] if helpers else np.arange(n))
        affinity_PP[misleading, misleading] = world.misleading_effect
        affinity_PP[misleading, helper_P[misleading]] = world.helper_effect
        helpers.append(helper_P)
        affinities.append(affinity_PP)
    return affinities[0], affinities[1]


def _others(rng: np.random.Generator, n: int, not_P: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each topic another one, which is not that of `not_P` either."""
    allowed = [[other for other in range(n) if other not in (topic, not_P[topic])] for topic in range(n)]
    return np.array([rng.choice(others) for others in allowed])


def _utilities(world: World, affinity_PP: NDArray[np.float64], cases: _Cases) -> NDArray[np.float64]:
    """U / beta * K of each case for tasks of each topic, shape (P, N)."""
    utility_PN: NDArray[np.float64] = affinity_PP[:, cases.topic_N] + cases.quality_N + cases.effect_NP.T
    is_planted = cases.kind_N != 0
    utility_PN[:, is_planted] = cases.quality_N[is_planted]
    return utility_PN
