"""A stream of a world, fully drawn: all policies of a seed meet the same tasks, guesses and luck.

Axes: T tasks (and the cases they become), P topics, V lines of the vocabulary, L lines of an action, D dimensions.
"""

import math
import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.worlds.settings import WrittenWorld

N_QUARTERS = 4
"""Parts of which a graded reward is the mean."""


class Drawn(NamedTuple):
    """Everything random of a stream but the policy's own draws."""

    world: WrittenWorld
    topic_T: NDArray[np.int64]
    task_TD: NDArray[np.float32]
    """Unit vectors."""
    base_T: NDArray[np.float64]
    """Logit of success without any case and any action."""
    quality_T: NDArray[np.float64]
    """How well the attempt is made, in logits; its case has it too."""
    affinity_PP: NDArray[np.float64]
    """Effect of reading a case of one topic (column) on a task of another (row)."""
    fit_PV: NDArray[np.float64]
    """What a line adds to an attempt at a topic, in logits."""
    line_VD: NDArray[np.float64]
    """Unit vectors of the lines' texts."""
    guess_TL: NDArray[np.int64]
    """The action that an attempt takes by itself."""
    is_rewritten_TL: NDArray[np.bool_]
    rewrite_TL: NDArray[np.int64]
    """What a line becomes where it is exchanged."""
    shown_TL: NDArray[np.int64]
    """Where texts mislead, whose vector a line's text has: 0 its own, 1 that of the opposite line, -1 nobody's."""
    text_noise_TD: NDArray[np.float64]
    follow_T: NDArray[np.float64]
    """Uniform: which of the served cases is followed, if any."""
    luck_TQ: NDArray[np.float64]
    """Uniform: below the probability is success; of a graded reward, each of its quarters."""
    is_known_T: NDArray[np.bool_]
    is_wrong_T: NDArray[np.bool_]
    """Told the wrong way round at first."""
    settled_T: NDArray[np.int64]
    """The step at which that is corrected or withdrawn."""
    is_withdrawn_T: NDArray[np.bool_]
    is_flipped_T: NDArray[np.bool_]
    """Told the wrong way round for good."""
    confidence_T: NDArray[np.float64]

    def attempted(self, step: int, followed_ML: NDArray[np.int64]) -> NDArray[np.int64]:
        """The actions that come of following these at a step, shape (M, L)."""
        return np.where(self.is_rewritten_TL[step], self.rewrite_TL[step], followed_ML)

    def chance(self, step: int, read: float, action_ML: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probability of success of each action, shape (M,).

        Args:
            step: whose task.
            read: what reading the served cases adds.
            action_ML: what is attempted.
        """
        fit_M = self.fit_PV[self.topic_T[step]][action_ML].sum(axis=1)
        chance_M: NDArray[np.float64] = 1 / (1 + np.exp(-(self.base_T[step] + self.quality_T[step] + read + fit_M)))
        return chance_M

    def action_vector(self, step: int, action_L: NDArray[np.int64]) -> NDArray[np.float32]:
        """Embedding of the text of the action attempted at a step: a unit vector."""
        if self.world.action_text == "misleading":
            turn_L = self.shown_TL[step]
            near_D = self.line_VD[action_L[turn_L >= 0] ^ turn_L[turn_L >= 0]].sum(axis=0)
        else:
            near_D = self.line_VD[action_L].sum(axis=0) / math.sqrt(len(action_L))
        if self.world.action_text != "shared":
            near_D = near_D + self.text_noise_TD[step]
        return (near_D / np.linalg.norm(near_D)).astype(np.float32)

    def action_text(self, step: int, action_L: NDArray[np.int64]) -> tuple[str, ...]:
        """Lines of the text of the action attempted at a step."""
        wording = "" if self.world.action_text == "shared" else f", in the words of task {step}"
        return tuple(f"step {line}{wording}" for line in action_L)


def draw(world: WrittenWorld, seed: int, steps: int) -> Drawn:
    """Draw a stream.

    Args:
        world: its parameters.
        seed: of everything random. What one parameter governs is drawn apart from the rest, so that worlds of the same
            seed share what they can.
        steps: T.
    """
    n, topic_T = world.n_topics, _topics(world, seed, steps)
    centre_PD = _unit(_rng(seed, "centres").normal(size=(n, world.dim)))
    base_P = world.base_mean + world.base_sd * _rng(seed, "difficulty").normal(size=n)
    shape = (steps, world.n_lines)
    text_noise = world.text_noise / math.sqrt(world.dim)
    wrong = _rng(seed, "corrections").random((3, steps))
    is_known_T = _rng(seed, "known").random(steps) >= world.unknown_share
    is_wrong_T = is_known_T & (wrong[0] < world.wrong_share)
    is_flipped_T = _rng(seed, "flips").random(steps) < world.flip_share
    sure_T = _rng(seed, "confidence").random(steps) * 0.15
    return Drawn(
        world=world,
        topic_T=topic_T,
        task_TD=_near(centre_PD[topic_T], world.noise, _rng(seed, "task noise")),
        base_T=base_P[topic_T],
        quality_T=world.quality_sd * _rng(seed, "quality").normal(size=steps),
        affinity_PP=_affinity(world, seed),
        fit_PV=_fit(world, seed),
        line_VD=_unit(_rng(seed, "lines").normal(size=(world.vocabulary, world.dim))),
        guess_TL=_rng(seed, "guesses").integers(world.vocabulary, size=shape),
        is_rewritten_TL=_rng(seed, "rewritten").random(shape) < world.rewrite,
        rewrite_TL=_rng(seed, "rewrites").integers(world.vocabulary, size=shape),
        shown_TL=_rng(seed, "shown").integers(-1, 2, size=shape),
        text_noise_TD=text_noise * _rng(seed, "text noise").normal(size=(steps, world.dim)),
        follow_T=_rng(seed, "following").random(steps),
        luck_TQ=_rng(seed, "luck").random((steps, N_QUARTERS if world.is_graded else 1)),
        is_known_T=is_known_T,
        is_wrong_T=is_wrong_T,
        settled_T=np.arange(steps) + 1 + (wrong[1] * world.correction_delay).astype(np.int64),
        is_withdrawn_T=is_wrong_T & (wrong[2] < world.withdrawn_share),
        is_flipped_T=is_flipped_T,
        confidence_T=np.where(is_flipped_T, 0.5, 0.85) + sure_T if world.flip_share else np.ones(steps),
    )


def _topics(world: WrittenWorld, seed: int, steps: int) -> NDArray[np.int64]:
    """The topic of each task: by its frequency, among those that have arrived."""
    rng, n = _rng(seed, "topics"), world.n_topics
    weight_P = rng.permutation((1.0 + np.arange(n)) ** -world.zipf)
    n_first = n - round(world.arrival_share * n)
    arrival_P = np.concatenate([np.zeros(n_first), np.arange(1, n - n_first + 1) / (n - n_first + 1) * steps])
    topics = []
    for step in range(steps):
        n_here = int(np.searchsorted(arrival_P, step, side="right"))
        here_P = weight_P[:n_here].copy()
        if n_here > n_first:
            here_P[-6:] *= 4.0  # what has just come up is asked about most
        topics.append(rng.choice(n_here, p=here_P / here_P.sum()))
    return np.array(topics, np.int64)


def _affinity(world: WrittenWorld, seed: int) -> NDArray[np.float64]:
    rng, n = _rng(seed, "misleading"), world.n_topics
    affinity_PP = np.eye(n) * world.own_effect
    for topic in rng.permutation(n)[: round(world.misleading_share * n)]:
        helper = rng.choice([other for other in range(n) if other != topic])
        affinity_PP[topic, topic], affinity_PP[topic, helper] = world.misleading_effect, world.helper_effect
    return affinity_PP


def _fit(world: WrittenWorld, seed: int) -> NDArray[np.float64]:
    """What each line adds by topic; in pairs of opposites where texts mislead."""
    rng, share = _rng(seed, "fit"), world.line_topic_share
    shape = (world.n_topics, world.vocabulary)
    fit_PV = math.sqrt(share) * rng.normal(size=shape) + math.sqrt(1 - share) * rng.normal(size=shape[1])
    if world.action_text == "misleading":
        fit_PV[:, 1::2] = -fit_PV[:, ::2]
    scaled_PV: NDArray[np.float64] = fit_PV * world.line_sd / math.sqrt(world.n_lines)
    return scaled_PV


def _near(centre_TD: NDArray[np.float64], noise: float, rng: np.random.Generator) -> NDArray[np.float32]:
    scale = noise / math.sqrt(centre_TD.shape[1])
    return _unit(centre_TD + scale * rng.normal(size=centre_TD.shape)).astype(np.float32)


def _unit(rows_ND: NDArray[np.float64]) -> NDArray[np.float64]:
    unit_ND: NDArray[np.float64] = rows_ND / np.linalg.norm(rows_ND, axis=1, keepdims=True)
    return unit_ND


def _rng(seed: int, what: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(what.encode())])
