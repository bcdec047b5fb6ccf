"""Policies by name: those that a memory or a run may choose for its cases, and the one of guides."""

from typing import Literal, get_args

from memento.memory.errors import UnknownPolicy
from memento.memory.policies.advantage import AdvantagePolicy
from memento.memory.policies.cascade import CascadePolicy
from memento.memory.policies.controls import NonePolicy, RandomPolicy
from memento.memory.policies.learned import KernelPolicy, ParametricPolicy, SoftPolicy
from memento.memory.policies.port import RetrievalPolicy
from memento.memory.policies.similarity import SimilarityPolicy, SimilarityRewardPolicy
from memento.memory.policies.trial import TrialPolicy
from memento.memory.policies.uplift import UpliftPolicy
from memento.memory.policies.utility import MemRLPolicy, RoMeRLPolicy

PolicyName = Literal[
    "none",
    "random",
    "similarity",
    "similarity_reward",
    "parametric",
    "soft",
    "kernel",
    "memrl",
    "romerl",
    "cascade",
    "uplift",
    "advantage",
]

POLICY_NAMES: tuple[str, ...] = get_args(PolicyName)

_POLICIES: tuple[RetrievalPolicy, ...] = (
    NonePolicy(),
    RandomPolicy(),
    SimilarityPolicy(),
    SimilarityRewardPolicy(),
    ParametricPolicy(),
    SoftPolicy(),
    KernelPolicy(),
    MemRLPolicy(),
    RoMeRLPolicy(),
    CascadePolicy(),
    UpliftPolicy(),
    AdvantagePolicy(),
)

_TRIAL = TrialPolicy()
"""Of guides alone, so that it is not among the names to choose from."""

LEARNING: tuple[str, ...] = tuple(policy.name for policy in _POLICIES if policy.estimator is not None)
"""Names of the policies that rank by what was learned."""


def policy_named(name: str) -> RetrievalPolicy:
    """Make the policy of this name.

    Raises:
        UnknownPolicy: there is none.
    """
    for policy in (*_POLICIES, _TRIAL):
        if policy.name == name:
            return policy
    raise UnknownPolicy(name, POLICY_NAMES)
