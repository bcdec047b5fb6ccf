"""Which figures depend on the order of tasks, what their intervals resample, and when a verdict is given.

An arm with a memory turns each order of the tasks into another history, so its figures are drawn anew by order and by
question. Two sets of three orders of one run have shown differences of opposite sign, each "significant" over
questions; so with few orders there is an interval, and no verdict.
"""

from memento.evals.runs.arm import Arm
from memento.memory.stats import Unit

MIN_ORDERS = 6
"""Orders of the tasks that a verdict on an arm with a memory needs."""


def is_ordered(arm: str) -> bool:
    """Whether an arm's results depend on the order of tasks: all do but those of the policy `none`.

    Args:
        arm: its name, `POLICY[:FIELD=VALUE,...]`.
    """
    return arm.partition(":")[0].strip() != "none"


def unit_of(n_orders: int, *, is_ordered: bool) -> Unit:
    """What a figure of so many orders resamples."""
    if not is_ordered:
        return "questions"
    return "orders and questions" if n_orders > 1 else "questions of these orders"


def has_enough_orders(unit: Unit, n_orders: int) -> bool:
    """Whether a verdict may be given: always where the order does not matter."""
    return unit == "questions" or n_orders >= MIN_ORDERS


def lacks_orders(arms: list[Arm], n_orders: int) -> bool:
    """Whether a run of these arms in so many orders gives no verdict on some arm."""
    return n_orders < MIN_ORDERS and any(is_ordered(arm.name) for arm in arms)


def resampled(unit: Unit, n_orders: int) -> str:
    """What an interval resamples, in words: `6 orders and their questions`."""
    if unit == "questions":
        return "questions"
    if unit == "orders and questions":
        return f"{n_orders} orders and their questions"
    return "questions of this order alone" if n_orders < 2 else "questions of these orders alone"
