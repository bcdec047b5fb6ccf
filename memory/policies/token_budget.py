"""Token budget of a selection: which cases still fit, and the price per token at which the best set fits.

Choosing the set of highest total gain under a token budget and a number of slots is a knapsack problem. It is solved by
its Lagrangian relaxation: every token has the lowest price at which the best cases, each by its gain less the price of
its tokens, fit together. Where all fit, that price is 0, and tokens decide nothing. Axes: C candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SHORTEST_SHARE = 0.5
"""A case that does not fit whole is shown shortened to what is left, if that is at least this share of it."""
SHORTEST_TOKENS = 100
"""And at least so many tokens: of fewer, what is said of the missing parts would be the most."""
_ROUNDS, _PRICES = 4, 17
"""Each round looks at prices between the two of the round before, for a price exact to 1 in 65,536 of the highest."""


class SlotTokens(NamedTuple):
    """What one slot took of a budget."""

    tokens: int
    is_shortened: bool
    """The case is longer than that."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenBudget:
    """Tokens of the candidates, and how many may still be spent."""

    tokens_C: NDArray[np.int64]
    """Of each candidate, shown whole; at least 1."""
    left: int
    """Tokens that are left for the slots to come."""

    @property
    def cost_C(self) -> NDArray[np.int64]:  # noqa: N802  axes in the name
        """Tokens that each candidate would take: all of its own, or what is left where it has to be shortened."""
        return np.minimum(self.tokens_C, self.left)

    @property
    def fits_C(self) -> NDArray[np.bool_]:  # noqa: N802  axes in the name
        """Which candidates can be shown, whole or shortened."""
        longest = self.left / SHORTEST_SHARE if self.left >= SHORTEST_TOKENS else self.left
        return self.tokens_C <= longest

    def spent_on(self, index: int | None) -> "TokenBudget":
        """What remains once a candidate was chosen; the null case costs nothing."""
        if index is None:
            return self
        return replace(self, left=self.left - min(self.left, int(self.tokens_C[index])))

    def after(self, chosen: Sequence[int | None]) -> "TokenBudget":
        """What remains after these slots, in order."""
        budget = self
        for index in chosen:
            budget = budget.spent_on(index)
        return budget

    def only(self, rows: NDArray[np.intp]) -> "TokenBudget":
        """The budget for the candidates at these positions."""
        return replace(self, tokens_C=self.tokens_C[rows])

    def net(self, gain_C: NDArray[np.float64], *, n_slots: int) -> NDArray[np.float64]:
        """Gain of each candidate less the price of its tokens.

        A shortened case is taken to add the share of its gain that is shown of it.

        Args:
            gain_C: what each candidate adds, in any unit; 0 or less is never worth a token.
            n_slots: slots that are still to be filled.
        """
        cost_C = self.cost_C
        shown_C = np.where(np.isfinite(gain_C), gain_C * (cost_C / self.tokens_C), gain_C)
        is_gain_C = (shown_C > 0) & self.fits_C
        price = _price(shown_C[is_gain_C], cost_C[is_gain_C], left=self.left, n_slots=n_slots)
        net_C: NDArray[np.float64] = shown_C - price * cost_C
        return net_C


def token_budget(tokens: Sequence[int], *, k: int, max_tokens: int | None) -> TokenBudget | None:
    """The budget of a selection; None where any k candidates fit, so that it decides nothing.

    Args:
        tokens: of each candidate.
        k: slots.
        max_tokens: of all slots together; None: no limit.
    """
    if max_tokens is None or sum(sorted(tokens, reverse=True)[:k]) <= max_tokens:
        return None
    return TokenBudget(np.array(tokens, np.int64), max_tokens)


def _price(gain_N: NDArray[np.float64], cost_N: NDArray[np.int64], *, left: int, n_slots: int) -> float:
    """The price per token below which the best set does not fit; 0 where it fits for nothing.

    Axes: N candidates with a gain, P prices, K slots.
    """
    if not len(gain_N) or int(np.sort(cost_N)[-n_slots:].sum()) <= left:
        return 0.0
    low, high = 0.0, float((gain_N / cost_N).max())  # nothing is bought at the highest price
    for _ in range(_ROUNDS):
        price_P = np.linspace(low, high, _PRICES)
        net_PN = gain_N - price_P[:, None] * cost_N
        best_PK = np.argsort(-net_PN, axis=1, kind="stable")[:, :n_slots]
        spent_P = np.where(np.take_along_axis(net_PN, best_PK, axis=1) > 0, cost_N[best_PK], 0).sum(axis=1)
        fits_P = spent_P <= left
        fits_P[-1] = True
        first = int(np.argmax(fits_P))
        if first == 0:
            return low
        low, high = float(price_P[first - 1]), float(price_P[first])
    return low


def slot_tokens(chosen: Sequence[int | None], tokens: Sequence[int], *, max_tokens: int) -> list[SlotTokens]:
    """What each slot took of a budget, in order; the null case takes nothing.

    Args:
        chosen: what fills the slots, as a policy chose it under that budget.
        tokens: of each candidate.
        max_tokens: of all slots together.
    """
    left, spent = max_tokens, list[SlotTokens]()
    for index in chosen:
        wanted = 0 if index is None else tokens[index]
        taken = min(wanted, left)
        spent.append(SlotTokens(taken, taken < wanted))
        left -= taken
    return spent
