"""Priors and built-in settings of the `advantage` estimator."""

from collections.abc import Mapping
from typing import Final

from memento.memory.errors import InvalidInput
from memento.memory.estimators.positions import BASE, EASE, FIXED, WEIGHTS, least_capacity
from memento.memory.estimators.posterior import Posterior
from memento.memory.estimators.settings import EstimatorSettings, checked_settings, number, share, whole

_MOST_LOGITS: Final = 20.0
"""Odds of half a billion to one; far larger numbers leave what single precision can invert."""

SETTINGS: Final = {
    "landmarks": whole(32.0, most=512),
    "nearness": share(0.35),
    "actions": whole(16.0, most=512),
    "action_landmarks": whole(24.0, most=512),
    "action_nearness": share(0.35),
    "lines": whole(32.0, most=512),
    "capacity": whole(1024.0, least=16, most=8192),
    "tasks": whole(4096.0, least=1, most=1e6),
    "base_sd": number(1.0, most=_MOST_LOGITS),
    "ease_prior": number(0.5, most=_MOST_LOGITS),
    "ease_sd": number(0.5, most=_MOST_LOGITS),
    "topic_sd": number(1.0, most=_MOST_LOGITS),
    "similarity_prior": number(0.4, most=_MOST_LOGITS),
    "reward_prior": number(0.2, most=_MOST_LOGITS),
    "support_prior": number(0.6, most=_MOST_LOGITS),
    "constant_sd": number(0.05, most=_MOST_LOGITS),
    "similarity_sd": number(0.35, most=_MOST_LOGITS),
    "reward_sd": number(0.2, most=_MOST_LOGITS),
    "support_sd": number(0.35, most=_MOST_LOGITS),
    "pair_sd": number(0.25, most=_MOST_LOGITS),
    "action_pair_sd": number(0.4, most=_MOST_LOGITS),
    "line_pair_sd": number(0.4, most=_MOST_LOGITS),
    "case_sd": number(0.22, most=_MOST_LOGITS),
    "memory": number(0.998, least=0.5, most=1.0),
    "mixed_from": share(0.5),
    "sites": whole(16_384.0, most=1e7),
}
"""Standard deviations and prior means in logits; `memory` is the share of evidence that survives one outcome for the
expert who forgets (the other does not); `mixed_from` is the share of served cases with a repeated action above which
the other prior means count; `sites` counts the outcomes that can still be corrected."""


def advantage_settings(given: EstimatorSettings | None) -> dict[str, float]:
    """The built-in settings with the given ones in their place.

    Raises:
        InvalidInput: an unknown name, a value beyond its range, or fewer positions than these landmarks need.
    """
    chosen = checked_settings(given, SETTINGS, estimator="advantage")
    least = least_capacity(int(chosen["landmarks"]))
    if chosen["capacity"] < least:
        landmarks = f"{chosen['landmarks']:g} landmarks"
        raise InvalidInput(
            f"setting 'capacity' of advantage is at least {least} with {landmarks}, not {chosen['capacity']:g}"
        )
    return chosen


_SHIFTS: Final = ((0.0, 0.0, 0.0, 0.0), (-0.4, 0.4, -0.1, 0.0), (0.0, 0.4, -0.1, 0.0))
"""What each of the prior means of (constant, cosine, own reward, support) differs by from the standard ones.

With the second a case has to be near, or its action supported, to be worth serving at all: where few have succeeded
yet, far successes with the wrong action would be copied.
"""

_FAMILIES = ("topic", "pair", "case", "action_pair", "line_pair")
"""Names of the families of coefficients in `SETTINGS`, in their order."""


def prior_beliefs(settings: Mapping[str, float]) -> Posterior:
    """Prior of two experts for each of the prior means, one of which forgets; with the coefficients that always exist.

    Args:
        settings: all of `SETTINGS`, some perhaps changed.
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
    for place, (position, weight) in enumerate(
        zip(WEIGHTS, ("constant", "similarity", "reward", "support"), strict=True)
    ):
        means = [standard[place] + shift[place] for shift in _SHIFTS]
        beliefs.place(position, family=FIXED, means=means, variance=settings[f"{weight}_sd"] ** 2)
    return beliefs
