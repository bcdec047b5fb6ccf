"""Plays a policy on a simulated stream with the product's own policies and estimators, one task after another.

What `memory/retrieval.py` does around them is done here without a ledger: the nearest cases and what the estimator
suggests are the candidates, the policy chooses, the reward is drawn, the estimator learns at once.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.planted.scenarios import World
from benchmarks.planted.world import Generator, Stream, planted
from memento.memory.estimators.port import CaseRows, Estimates, Estimator, Example
from memento.memory.estimators.registry import make_estimator
from memento.memory.policies.port import Candidates, RetrievalPolicy, choose
from memento.memory.policies.registry import POLICY_NAMES, policy_named
from memento.memory.recalling import N_CANDIDATES, N_SUGGESTED

ORACLE = "oracle"
"""Serves the K truly best cases; exists in the simulation only."""

POLICIES: tuple[str, ...] = (*POLICY_NAMES, ORACLE)


class Served(NamedTuple):
    """What was served for one task. Axes: N cases, without null slots."""

    cases: list[int]
    value_N: NDArray[np.float32] | None = None
    """What the estimator took them to be worth."""
    sd_N: NDArray[np.float32] | None = None


class Player(Protocol):
    """Serves cases and hears what came of it."""

    estimator: Estimator | None

    def serve(self, step: int) -> Served:
        """Choose cases for a step's task."""
        ...

    def learn(self, step: int, reward: float) -> None:
        """Take in the reward of the step served last."""
        ...


class Trace(NamedTuple):
    """What happened on a stream. Axes: T steps, K slots."""

    stream: Stream
    probability_T: NDArray[np.float64]
    """Of success, given the cases that were served: the score with less noise than `reward_T`."""
    reward_T: NDArray[np.float64]
    served_TK: NDArray[np.int32]
    """Cases, best first; -1 where a slot stayed empty."""
    value_TK: NDArray[np.float32]
    """What the estimator took them to be worth; nan where it did not say."""
    sd_TK: NDArray[np.float32]
    estimator: Estimator | None
    """As it was at the end."""

    @property
    def number(self) -> dict[str, int]:
        """Number of a case in the stream, by the id that the estimator knows it under."""
        return {case_id: number for number, case_id in enumerate(_ids(self.stream))}


def play(
    world: World, policy: str, *, seed: int, steps: int = 3000, k: int = 4, generator: Generator = planted
) -> Trace:
    """Draw a stream and play a policy on it.

    Args:
        world: parameters of the generator.
        policy: of the product, or the oracle; with `@OTHER` behind it the estimator of that other policy learns from
            what this one serves.
        seed: of the stream, the policy's draws and the estimator.
        steps: T.
        k: slots per task.
        generator: draws the stream.

    Raises:
        UnknownPolicy: no policy of the product has this name, nor is it the oracle's.
    """
    stream = generator(world, seed, steps, k)
    if policy == ORACLE:
        return play_on(stream, OraclePlayer(stream, k=k), k=k)
    chooser, _, learner = policy.partition("@")
    name = policy_named(learner or chooser).estimator
    estimator = None if name is None else make_estimator(name, dim=stream.task_TD.shape[1], seed=seed)
    return play_on(stream, PolicyPlayer(stream, policy_named(chooser), estimator, k=k, seed=seed), k=k)


def play_on(stream: Stream, player: Player, *, k: int) -> Trace:
    """Play on a stream that is already drawn."""
    steps = len(stream.base_T)
    probability_T, reward_T = np.empty(steps), np.empty(steps)
    served_TK = np.full((steps, k), -1, np.int32)
    value_TK, sd_TK = np.full((steps, k), np.nan, np.float32), np.full((steps, k), np.nan, np.float32)
    for step in range(steps):
        served = player.serve(step)
        n = len(served.cases)
        served_TK[step, :n] = served.cases
        if served.value_N is not None:
            value_TK[step, :n] = served.value_N
        if served.sd_N is not None:
            sd_TK[step, :n] = served.sd_N
        probability_T[step] = stream.probability(step, served.cases)
        reward_T[step] = float(stream.draw_T[step] < probability_T[step])
        player.learn(step, reward_T[step])
    return Trace(stream, probability_T, reward_T, served_TK, value_TK, sd_TK, player.estimator)


class OraclePlayer:
    """Serves the cases of the highest true effect, and none that does not help."""

    estimator: Estimator | None = None

    def __init__(self, stream: Stream, *, k: int) -> None:
        """Look into the stream."""
        self._stream = stream
        self._k = k

    def serve(self, step: int) -> Served:
        """The best there are."""
        utility_A = self._stream.utility(step)[: self._stream.n_active_T[step]]
        best = np.argsort(-utility_A)[: self._k]
        return Served([int(case) for case in best if utility_A[case] > 0])

    def learn(self, step: int, reward: float) -> None:
        """Nothing is left to be learned."""


class PolicyPlayer:
    """Serves what a policy of the product chooses; its estimator learns from every reward."""

    def __init__(
        self, stream: Stream, policy: RetrievalPolicy, estimator: Estimator | None, *, k: int, seed: int
    ) -> None:
        """Wire a policy to its estimator, which may be of any make.

        Args:
            stream: what is played on.
            policy: chooses.
            estimator: values the candidates, and learns; None for a policy that needs none.
            k: slots.
            seed: of the policy's own draws.
        """
        self.estimator = estimator
        self._stream = stream
        self._policy = policy
        self._k = k
        self._rng = np.random.default_rng([seed, k])
        self._ids = _ids(stream)
        self._number = {case_id: number for number, case_id in enumerate(self._ids)}
        self._example: Example | None = None

    def serve(self, step: int) -> Served:
        """Recall, estimate, choose."""
        stream, state_D = self._stream, self._stream.task_TD[step]
        n_active = int(stream.n_active_T[step])
        pool_size = n_active if self._policy.pool == "uniform" else 0
        similarity_A = stream.case_ND[:n_active] @ state_D
        recalled_C = self._recall(state_D, similarity_A)
        similarity_C = similarity_A[recalled_C]
        label_C = stream.label_N[recalled_C]
        estimates: Estimates | None = None
        rows = self._rows(recalled_C, similarity_C)
        if self.estimator is not None:
            estimates = self.estimator.estimate(state_D, rows)
            if estimates is not None and estimates.support_C is not None:
                rows = rows.supported(estimates.support_C)  # logged with what is served
        candidates = Candidates(similarity_C, label_C, estimates, pool_size or len(recalled_C))
        choices = choose(self._policy, candidates, k=self._k, rng=self._rng)
        slots = [choice for choice in choices if choice.candidate is not None]
        place_N = np.array([choice.candidate for choice in slots], np.int64)
        served_N = recalled_C[place_N]
        if self.estimator is not None:
            self._example = Example(
                offset=step + 1,
                event_id=f"e{step}",
                follows=None,
                question=f"q{step}",
                state_D=state_D,
                cases=rows.only(place_N),
                is_randomised_N=np.array([choice.is_randomised for choice in slots], np.bool_),
                propensity_N=np.array([choice.propensity for choice in slots], np.float64),
                reward=0.0,
                confidence=1.0,
            )
        value_N = None if estimates is None else estimates.value_C[place_N]
        sd_N = None if estimates is None or estimates.sd_C is None else estimates.sd_C[place_N]
        return Served(served_N.tolist(), value_N, sd_N)

    def learn(self, step: int, reward: float) -> None:
        """Hand the outcome to the estimator."""
        if self.estimator is not None and self._example is not None:
            self.estimator.learn(self._example._replace(reward=reward))

    def _recall(self, state_D: NDArray[np.float32], similarity_A: NDArray[np.float32]) -> NDArray[np.int64]:
        """Candidates, nearest first, then what the estimator suggests beside them."""
        if self._policy.pool == "empty":
            return np.empty(0, np.int64)
        if self._policy.pool == "uniform":
            n = len(similarity_A)
            return self._rng.choice(n, size=min(N_CANDIDATES, n), replace=False)
        nearest = _nearest(similarity_A, N_CANDIDATES)
        if self.estimator is None:
            return nearest
        suggestions = self.estimator.suggest(state_D)
        if not suggestions.ids and not len(suggestions.direction_MD):
            return nearest
        found = [self._number[case_id] for case_id in suggestions.ids]
        case_AD = self._stream.case_ND[: len(similarity_A)]
        for direction_D in suggestions.direction_MD:
            found += _nearest(case_AD @ direction_D, N_SUGGESTED).tolist()
        known = set(nearest.tolist())
        fresh = [number for number in dict.fromkeys(found) if number not in known]
        return np.concatenate([nearest, np.array(fresh, np.int64)])

    def _rows(self, case_C: NDArray[np.int64], similarity_C: NDArray[np.float32]) -> CaseRows:
        stream = self._stream
        vector_CD = stream.case_ND[case_C]
        lines = tuple([stream.lines_N[number] for number in case_C]) if stream.lines_N else ()
        return CaseRows(
            ids=tuple([self._ids[number] for number in case_C]),
            similarity_N=similarity_C,
            reward_N=stream.label_N[case_C],
            vectors={
                "state": vector_CD,
                "action": vector_CD if stream.action_ND is None else stream.action_ND[case_C],
                "text": vector_CD,
            },
            actions=tuple(["\n".join(one) for one in lines]),
            lines=lines,
        )


def _ids(stream: Stream) -> list[str]:
    return [f"case {number}" for number in range(len(stream.case_ND))]


def _nearest(similarity_A: NDArray[np.float32], n: int) -> NDArray[np.int64]:
    """Positions of the `n` highest, in order."""
    if len(similarity_A) <= n:
        return np.argsort(-similarity_A, kind="stable")
    top = np.argpartition(-similarity_A, n)[:n]
    return top[np.argsort(-similarity_A[top], kind="stable")]
