"""Priors and built-in settings of the `advantage` estimator."""

from collections.abc import Mapping
from typing import Final

from memento.memory.estimators.coefficients import BASE, EASE, FIXED, WEIGHTS
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
    "sites": 16_384.0,
}
"""Standard deviations and prior means in logits; `memory` is the share of evidence that survives one outcome for the
expert who forgets (the other does not); `sites` counts the outcomes that can still be corrected."""

_FAMILIES = ("topic", "pair", "case", "action_pair", "line_pair")
"""Names of the families of coefficients in `BUILT_IN`, in their order."""


def prior_beliefs(settings: Mapping[str, float]) -> Posterior:
    """Prior of two experts, one of which forgets, with only the coefficients that always exist.

    Args:
        settings: all of `BUILT_IN`, some perhaps changed.
    """
    beliefs = Posterior(
        capacity=int(settings["capacity"]),
        family_variances=[0.0, *(settings[f"{family}_sd"] ** 2 for family in _FAMILIES)],
        memories=[1.0, settings["memory"]],
    )
    beliefs.place(BASE, family=FIXED, variance=settings["base_sd"] ** 2)
    beliefs.place(EASE, family=FIXED, mean=settings["ease_prior"], variance=settings["ease_sd"] ** 2)
    for position, weight, mean in zip(
        WEIGHTS,
        ("constant", "similarity", "reward", "support"),
        (0.0, settings["similarity_prior"], settings["reward_prior"], settings["support_prior"]),
        strict=True,
    ):
        beliefs.place(position, family=FIXED, mean=mean, variance=settings[f"{weight}_sd"] ** 2)
    return beliefs
