"""What an estimator was taught: with which settings, from how many outcomes, up to where in the ledger.

Everything here computes, and so runs in the thread of the estimators.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from memento.memory.case import QUESTION_VERSION
from memento.memory.errors import InvalidInput
from memento.memory.estimators.port import Estimator, Example, MakeEstimator
from memento.memory.estimators.settings import EstimatorSettings
from memento.memory.event import ObservedOutcome
from memento.memory.learning.snapshot import Snapshot
from memento.memory.ledger.settings_versions import SettingsVersion

_LOG = logging.getLogger(__name__)


class Taught:
    """An estimator, and how far it is."""

    def __init__(self, make: MakeEstimator) -> None:
        """Start with the built-in settings and no outcomes.

        Args:
            make: makes an estimator that knows nothing yet.
        """
        self._make = make
        self._settings: EstimatorSettings = {}
        self.estimator = make(settings={})
        self.offset = 0
        """Ledger offset of the newest outcome that was looked at."""
        self.n_outcomes = 0
        """Outcomes learned from."""

    def begin(self, version: SettingsVersion) -> None:
        """Start over with a version's settings; with the built-in ones where these cannot be used."""
        self._settings = version.settings
        try:
            self.estimator = self._make(settings=version.settings)
        except InvalidInput as error:  # written by another release, or damaged; serving goes on
            _LOG.warning("version %d cannot be used, the built-in settings serve: %s", version.version, error)
            self._settings = {}
            self.estimator = self._make(settings={})
        self.offset = self.n_outcomes = 0

    def take(self, steps: Sequence[tuple[ObservedOutcome, Example | None]]) -> None:
        """Learn outcomes in the ledger's order; one without an example is withdrawn."""
        for observation, example in steps:
            self.offset = observation.offset
            if example is None:
                self.estimator.withdraw(observation.event_id)
            else:
                self.n_outcomes += 1
                self.estimator.learn(example)

    def restore(self, snapshot: Snapshot, replay: list[Example]) -> bool:
        """Take over what a snapshot knows; False, and nothing changes, where it is of another seed, shape or time."""
        estimator = self._make(settings=self._settings)
        try:
            estimator.restore(snapshot.tensors, snapshot.stamp, replay)
        except (KeyError, ValueError, RuntimeError):
            return False
        self.estimator, self.offset, self.n_outcomes = estimator, snapshot.offset, snapshot.n_outcomes
        return True

    def snapshot(self, *, encoder: str, recipe: str) -> Snapshot:
        """All of it, to be saved.

        Args:
            encoder: whose vectors it was taught with.
            recipe: which settings, and which outcomes count.
        """
        return Snapshot(
            tensors=self.estimator.tensors(),
            stamp=self.estimator.stamp(),
            encoder=encoder,
            offset=self.offset,
            n_outcomes=self.n_outcomes,
            recipe=recipe,
            question_version=QUESTION_VERSION,
        )

    def copied(self) -> Callable[[], Estimator]:
        """What makes a copy of the estimator as it is now, in whatever thread."""
        tensors: dict[str, Any] = self.estimator.tensors()
        stamp, make, settings = self.estimator.stamp(), self._make, self._settings

        def copied() -> Estimator:
            copy = make(settings=settings)
            copy.restore(tensors, stamp, [])
            return copy

        return copied
