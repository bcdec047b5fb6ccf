"""How many questions and orders a difference needs before a run can show it.

A difference of two arms, over Q questions in S orders, has the variance q2 / Q + o2 / S + e2 / (Q S): the spread of the
questions, of the orders, and what is left. A true difference d is shown with probability 80 % at 5 % two-sided when
d = (z_0.975 + z_0.8) times its standard error (Cohen, 1988, "Statistical Power Analysis", chapter 2; for evaluations
with several samples per question: Miller, 2024, "Adding Error Bars to Evals", arXiv:2411.00640, section 5). More
questions never make o2 / S smaller. Orders are few, so that Student's t takes the normal's place: z_0.975^2 / 2 more of
them make up for it (Guenther, 1981, The American Statistician 35).

Axes: Q questions, S orders.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from memento.evals.statistics.orders import MIN_ORDERS
from memento.memory.stats import Floats

TARGET = 0.02
_Z_ALPHA, _Z_POWER = 1.959964, 0.841621
_Z = _Z_ALPHA + _Z_POWER
"""Of 5 % two-sided and 80 % power."""


class Power(NamedTuple):
    """What this many questions and orders can show, at 80 % power and 5 % two-sided."""

    n_questions: int
    """That were paired."""
    n_orders: int
    is_ordered: bool
    """Whether the order of tasks matters to an arm: else orders are no unit, and `order_sd` is 0."""
    sd: float
    """Of the questions' paired differences, with the orders there are; nan with fewer than two questions."""
    question_sd: float
    """Between questions, of their differences if all orders there are had been run; nan when it is not known."""
    order_sd: float
    """Between orders, of the difference over all questions there are; nan with fewer than two."""
    residual_sd: float
    """Of a single question in a single order beyond both; nan when it is not known."""
    target: float
    """A difference worth showing, as a share."""
    n_needed: int | None
    """Questions to show it in as many orders; None when no number is enough, or when nothing is known to go by."""
    orders_needed: int | None
    """Orders of as many questions; None as above."""
    detectable: float
    """The smallest difference that the present ones show; nan when nothing is known to go by."""

    def __str__(self) -> str:
        if not self.sd > 0:
            return "power not known: the arms did not differ on any question"
        if math.isnan(self.order_sd):
            return "power not known: the spread between orders cannot be told from one order"
        have = f"{self.n_questions} questions"
        needs = "more questions than there can be" if self.n_needed is None else f"{self.n_needed:,} questions"
        if self.is_ordered:
            have, needs = f"{have} in {self.n_orders} orders", _needs(self)
        return (
            f"{have} show a difference of {100 * self.detectable:.1f} points; {100 * self.target:g} points need {needs}"
        )


def power_of(difference_QS: ArrayLike, *, is_ordered: bool, target: float = TARGET) -> Power:
    """Power from observed differences.

    Args:
        difference_QS: of each question and order, shape (Q, S); nan where it is not known.
        is_ordered: whether the order of tasks matters to an arm.
        target: difference to be shown, as a share.
    """
    value_QS = np.asarray(difference_QS, np.float64)
    value_QS = value_QS[~np.isnan(value_QS).all(axis=1)]
    value_QS = value_QS[:, ~np.isnan(value_QS).all(axis=0)]
    n_questions, n_orders = value_QS.shape if value_QS.size else (0, 0)
    sd = float(np.nanmean(value_QS, axis=1).std(ddof=1)) if n_questions > 1 else float("nan")
    found = Power(n_questions, n_orders, is_ordered, sd, *_components(value_QS, sd), target, None, None, float("nan"))
    if not is_ordered:
        found = found._replace(order_sd=0.0)
    if not sd > 0 or math.isnan(found.order_sd):
        return found
    allowed = (target / _Z) ** 2
    of_questions, of_orders = sd**2, found.order_sd**2 + found.residual_sd**2 / n_questions
    n_needed = _ratio(of_questions, allowed - found.order_sd**2 / n_orders)
    orders_needed = _ratio(of_orders, allowed - found.question_sd**2 / n_questions) if is_ordered else None
    return found._replace(
        n_needed=n_needed and max(2, math.ceil(n_needed)),
        orders_needed=orders_needed and max(MIN_ORDERS, math.ceil(orders_needed + _Z_ALPHA**2 / 2)),
        detectable=_Z * math.sqrt(of_questions / n_questions + found.order_sd**2 / n_orders),
    )


def _components(value_QS: Floats, sd: float) -> tuple[float, float, float]:
    """Standard deviations of question, order and what is left, by the method of moments (two-way analysis of variance).

    With holes, the harmonic mean of how many results a question or an order has stands for their number.
    """
    nan = float("nan")
    n_questions, n_orders = value_QS.shape
    if n_questions < 2 or n_orders < 2:
        return sd, nan, nan
    is_known = ~np.isnan(value_QS)
    mean_Q, mean_S = np.nanmean(value_QS, axis=1), np.nanmean(value_QS, axis=0)
    left_QS = np.where(is_known, value_QS - mean_Q[:, None] - mean_S + np.nanmean(value_QS), 0.0)
    residual = float((left_QS**2).sum()) / max(1, int(is_known.sum()) - n_questions - n_orders + 1)
    per_question, per_order = 1 / float(np.mean(1 / is_known.sum(axis=1))), 1 / float(np.mean(1 / is_known.sum(axis=0)))
    question = max(0.0, sd**2 - residual / per_question)
    order = max(0.0, float(mean_S.var(ddof=1)) - residual / per_order)
    return math.sqrt(question), math.sqrt(order), math.sqrt(residual)


def _ratio(above: float, below: float) -> float | None:
    return above / below if below > 0 else None


def _needs(power: Power) -> str:
    ways = []
    if power.orders_needed is not None:
        ways.append(f"{power.orders_needed:,} orders of as many questions")
    if power.n_needed is not None:
        ways.append(f"{power.n_needed:,} questions in as many orders")
    return " or ".join(ways) or "both more orders and more questions"
