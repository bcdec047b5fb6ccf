"""How common repeated actions are: share of the served cases whose action a second case had taken, too."""

from collections.abc import Mapping
from typing import Any


class Repeats:
    """Counts over the outcomes learned from; an outcome that is withdrawn is not counted."""

    def __init__(self, *, common_from: float) -> None:
        """Start without an outcome.

        Args:
            common_from: share of the served cases above which repeated actions are common; from 1 on they never are.
        """
        self._common_from = common_from
        self.n_served = 0
        """Cases served in known outcomes."""
        self._n_repeated = 0

    @property
    def are_common(self) -> bool:
        """Whether enough of the cases served so far had an action known from a second case."""
        return self._n_repeated > self._common_from * self.n_served

    @property
    def are_most(self) -> bool:
        """Whether more than half of the cases served so far had an action known from a second case."""
        return 2 * self._n_repeated > self.n_served

    def count(self, *, n_served: int, n_repeated: int) -> None:
        """Add an outcome."""
        self.n_served += n_served
        self._n_repeated += n_repeated

    def discount(self, *, n_served: int, n_repeated: int) -> None:
        """Remove an outcome."""
        self.n_served -= n_served
        self._n_repeated -= n_repeated

    def stamp(self) -> dict[str, Any]:
        """The counts, as JSON values."""
        return {"n_served": self.n_served, "n_repeated": self._n_repeated}

    def restore(self, stamp: Mapping[str, Any]) -> None:
        """Restore from `stamp`."""
        self.n_served, self._n_repeated = int(stamp["n_served"]), int(stamp["n_repeated"])
