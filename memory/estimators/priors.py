"""Priors and built-in settings of the `advantage` estimator."""

from collections.abc import Mapping
from typing import Final

from memento.memory.estimators.positions import BASE, EASE, FIXED, WEIGHTS
from memento.memory.estimators.posterior import Posterior

BUILT_IN: Final = {
    "landmarks": 32.0,
    "nearness": 0.35,
    "actions": 16.0,
    "action_landmarks": 24.0,
    "action_nearness": 0.35,
    "lines": 32.0,
    "capacity": 1024.0,
    "tasks": 4096.0,
    "base_sd": 1.0,
    "ease_prior": 0.5,
    "ease_sd": 0.5,
    "topic_sd": 1.0,
    "similarity_prior": 0.4,
    "reward_prior": 0.2,
    "support_prior": 0.6,
    "constant_sd": 0.05,
    "similarity_sd": 0.35,
    "reward_sd": 0.2,
    "support_sd": 0.35,
    "pair_sd": 0.25,
    "action_pair_sd": 0.4,
    "line_pair_sd": 0.4,
    "case_sd": 0.22,
    "memory": 0.998,
    "mixed_from": 0.5,
    "sites": 16_384.0,
}
"""Standard deviations and prior means in logits; `memory` is the share of evidence that survives one outcome for the
expert who forgets (the other does not); `mixed_from` is the share of served cases with a repeated action above which
the other prior means count; `sites` counts the outcomes that can still be corrected."""

_SHIFTS: Final = ((0.0, 0.0, 0.0, 0.0), (-0.4, 0.4, -0.1, 0.0), (0.0, 0.4, -0.1, 0.0))
"""What each of the prior means of (constant, cosine, own reward, support) differs by from the standard ones.

With the second a case has to be near, or its action supported, to be worth serving at all: where few have succeeded
yet, far successes with the wrong action would be copied.
"""

_FAMILIES = ("topic", "pair", "case", "action_pair", "line_pair")
"""Names of the families of coefficients in `BUILT_IN`, in their order."""


def prior_beliefs(settings: Mapping[str, float]) -> Posterior:
    """Prior of two experts for each of the prior means, one of which forgets; with the coefficients that always exist.

    Args:
        settings: all of `BUILT_IN`, some perhaps changed.
    """
    beliefs = Posterior(
        capacity=int(settings["capacity"]),
        family_variances=[0.0, *(settings[f"{family}_sd"] ** 2 for family in _FAMILIES)],
        memories=[1.0, settings["memory"]],
        n_priors=len(_SHIFTS),
    )
    beliefs.place(BASE, family=FIXED, variance=settings["base_sd"] ** 2)
    beliefs.place(EASE, family=FIXED, means=[settings["ease_prior"]] * len(_SHIFTS), variance=settings["ease_sd"] ** 2)
    standard = 0.0, settings["similarity_prior"], settings["reward_prior"], settings["support_prior"]
    for number, (position, weight) in enumerate(
        zip(WEIGHTS, ("constant", "similarity", "reward", "support"), strict=True)
    ):
        means = [standard[number] + shift[number] for shift in _SHIFTS]
        beliefs.place(position, family=FIXED, means=means, variance=settings[f"{weight}_sd"] ** 2)
    return beliefs
