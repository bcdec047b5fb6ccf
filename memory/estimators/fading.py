"""What is left of an outcome that is retracted after beliefs have faded since.

What has faded is not there to be taken: removing it would leave less than nothing, and of many outcomes so much less
that the mean has no bound. What is known well fades faster, as the prior is mixed in. What remains when the outcome is
removed is evidence like any other: its average lies where outcomes can lie.

Axes: E experts of one prior mean, A all experts.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memento.memory.estimators.contributions import Site

_MOST_TARGET = 4.0
"""Largest distance, in logits, of several outcomes' average pseudo-observation from the prior mean."""


class Predictor(NamedTuple):
    """Posterior and prior variance of the linear predictor of an outcome."""

    variance_E: NDArray[np.float32]
    prior_E: NDArray[np.float32]
    """Its prior variance."""

    def known(self) -> NDArray[np.float32]:
        """Information of all outcomes about it, shape (E,)."""
        known_E: NDArray[np.float32] = (1 / self.variance_E - 1 / self.prior_E).astype(np.float32)
        return known_E


def remaining_site(
    site: Site,
    predictor: Predictor,
    memory_E: NDArray[np.float32],
    *,
    n_faded: int,
    most_E: NDArray[np.float32],
    mean_A: NDArray[np.float32],
    prior_mean_A: NDArray[np.float32],
) -> Site:
    """What is left of an outcome's contribution; experts who never forget keep all of it.

    Args:
        site: as it was learned.
        predictor: the outcome's.
        memory_E: share of evidence that survives one outcome.
        n_faded: outcomes by which beliefs have faded since.
        most_E: largest step of a retraction after which no coefficient is vaguer than its prior.
        mean_A: of the linear predictor, now.
        prior_mean_A: before any outcome.
    """
    information_E = remaining_information(predictor, site.information_E, memory_E, n_faded=n_faded, most_E=most_E)
    targets = []
    for start in range(0, len(mean_A), len(memory_E)):
        of = slice(start, start + len(memory_E))
        left_E = remaining_target(
            predictor, information_E, target_E=site.target_A[of], mean_E=mean_A[of], prior_mean_E=prior_mean_A[of]
        )
        targets.append(np.where(memory_E < 1, left_E, site.target_A[of]))
    return Site(np.where(memory_E < 1, information_E, site.information_E), np.concatenate(targets))


def remaining_information(
    predictor: Predictor,
    information_E: NDArray[np.float32],
    memory_E: NDArray[np.float32],
    *,
    n_faded: int,
    most_E: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Information of an outcome that is still among what is known, shape (E,).

    Args:
        predictor: the outcome's.
        information_E: of the outcome when it was learned.
        memory_E: share of evidence that survives one outcome.
        n_faded: outcomes by which beliefs have faded since.
        most_E: largest step of a retraction after which no coefficient is vaguer than its prior.
    """
    variance_E, prior_E = predictor
    faded_E = (1 - memory_E.astype(np.float64)) * prior_E / variance_E
    left_E = information_E * np.maximum(1 - faded_E, 0.0) ** n_faded
    left_E = np.minimum(np.minimum(left_E, 0.95 * predictor.known()), most_E / (1 + most_E * variance_E))
    remaining_E: NDArray[np.float32] = left_E.astype(np.float32)
    return remaining_E


def remaining_target(
    predictor: Predictor,
    information_E: NDArray[np.float32],
    *,
    target_E: NDArray[np.float32],
    mean_E: NDArray[np.float32],
    prior_mean_E: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Pseudo-observation to retract with this information, so that what remains is plausible; shape (E,).

    Args:
        predictor: the outcome's.
        information_E: that is removed.
        target_E: the outcome's own pseudo-observation.
        mean_E: of the linear predictor, now.
        prior_mean_E: before any outcome.
    """
    variance_E, prior_E = predictor
    average_E = prior_mean_E + (mean_E - prior_mean_E) * prior_E / (prior_E - variance_E)
    rest_E = predictor.known() - information_E
    average_E += information_E / rest_E * (average_E - target_E)
    average_E = np.clip(average_E, prior_mean_E - _MOST_TARGET, prior_mean_E + _MOST_TARGET)
    after_E = (prior_mean_E / prior_E + rest_E * average_E) / (1 / prior_E + rest_E)
    step_E = np.maximum(information_E / (1 - information_E * variance_E), 1e-9)
    remaining_E: NDArray[np.float32] = (mean_E - (after_E - mean_E) / (step_E * variance_E)).astype(np.float32)
    return remaining_E
