"""Student's t for whole degrees of freedom: two-sided p values and quantiles, exact to rounding."""

import math
from functools import cache

from memento.memory.stats.interval import TAIL

_STEPS = 200


def two_sided_t_p(t: float, freedom: int) -> float:
    """Probability of a larger |t| (Abramowitz and Stegun, 1964, "Handbook of Mathematical Functions", 26.7.3, 26.7.4).

    Args:
        t: estimate over its standard error; any sign, may be infinite.
        freedom: degrees of freedom, at least 1.
    """
    if math.isinf(t):
        return 0.0
    angle = math.atan(abs(t) / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    is_odd = freedom % 2 == 1
    term, total = (cosine, 0.0) if is_odd else (1.0, 0.0)
    for place in range((freedom - 1) // 2 if is_odd else freedom // 2):
        total += term
        factor = (2 * place + 2) / (2 * place + 3) if is_odd else (2 * place + 1) / (2 * place + 2)
        term *= factor * cosine**2
    inside = 2 / math.pi * (angle + sine * total) if is_odd else sine * total
    return max(0.0, 1 - inside)


@cache
def t_quantile(freedom: int, tail: float = TAIL) -> float:
    """The value that t exceeds with probability `tail`, by bisection: 12.706 at 1 degree of freedom, 2.571 at 5."""
    low, high = 0.0, 1.0
    while two_sided_t_p(high, freedom) > 2 * tail:
        high *= 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if two_sided_t_p(middle, freedom) > 2 * tail else (low, middle)
    return high
