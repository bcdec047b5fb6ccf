"""The reward from which on an attempt counts as one that worked: a fixed number, or what is usual in a namespace.

It decides in which words a case is shown, which cases `failures=hidden` hides, whether a lesson outlives a later
attempt, and which cases forgetting takes for alike. Learning uses rewards themselves. Figures keep the fixed
`POSITIVE_FROM`, so that they can be compared: counts of the ledger, statistics of evaluations, off-policy metrics. So
do the published policies `cascade` and `romerl`, whose successes are those of their papers.
"""

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BeforeValidator

from memento.memory.arguments import shown_value
from memento.memory.case import POSITIVE_FROM
from memento.memory.errors import InvalidInput
from memento.memory.ledger.newest_rewards import newest_rewards

if TYPE_CHECKING:
    from memento.memory.storage import Storage

PositiveFrom = float | Literal["usual"]

MAX_OUTCOMES: Final = 200
"""Newest outcomes that tell what is usual."""
MIN_OUTCOMES: Final = 10
"""Known outcomes below which nothing is usual yet, and `POSITIVE_FROM` counts."""
_ROUNDING: Final = 1e-9


def checked_positive_from(value: object) -> PositiveFrom:
    """Check the dial; numbers may come as text, from the environment.

    Raises:
        InvalidInput: neither a number above 0 and at most 1, nor `usual`.
    """
    try:
        return _parsed(value)
    except ValueError as error:
        raise InvalidInput(f"`positive_from` {error}, not {shown_value(value)}") from error


def _parsed(value: object) -> PositiveFrom:
    if value == "usual":
        return "usual"
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = 0.0
    if isinstance(value, bool) or not 0 < number <= 1:
        raise ValueError("should be a number above 0 and at most 1, or 'usual'")
    return number


GivenPositiveFrom = Annotated[PositiveFrom, BeforeValidator(_parsed)]
"""The dial as a field of settings."""


class SuccessLine:
    """Tells the reward from which on an attempt of a namespace counts as one that worked."""

    def __init__(self, storage: "Storage", positive_from: PositiveFrom = POSITIVE_FROM) -> None:
        """Set the memory's own dial.

        Args:
            storage: whose outcomes tell what is usual.
            positive_from: a reward, or `usual`.
        """
        self._storage = storage
        self._own = positive_from

    async def of(self, namespace: str, positive_from: PositiveFrom | None = None) -> float:
        """Find the reward.

        `usual` is the mean of the newest 200 outcomes of the namespace's events: what does as well or better worked.
        A reward of 0 never did. Until ten outcomes are known it is .5.

        Args:
            namespace: whose outcomes.
            positive_from: a run's own dial; None for the memory's.

        Raises:
            LedgerUnavailable: the outcomes cannot be read.
        """
        wanted = self._own if positive_from is None else positive_from
        if wanted != "usual":
            return wanted
        rewards = await self._storage.ledger.query(
            lambda connection: newest_rewards(connection, namespace, MAX_OUTCOMES)
        )
        if len(rewards) < MIN_OUTCOMES:
            return POSITIVE_FROM
        return max(sum(rewards) / len(rewards) - _ROUNDING, _ROUNDING)
