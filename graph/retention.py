"""Retention ages: parses `30` and `alice=7,bob=90` into days by namespace."""

_MAX_DAYS = 36_500


def parse_retention(text: str) -> dict[str, float]:
    """Read `30` (every namespace), `alice=7,bob=90`, or both by commas.

    Returns:
        Namespace to days; the empty name stands for those not named.

    Raises:
        ValueError: a part is neither.
    """
    found: dict[str, float] = {}
    for part in [part.strip() for part in text.split(",") if part.strip()]:
        namespace, _, days = part.rpartition("=")
        try:
            number = float(days)
        except ValueError:
            number = -1.0
        if not 0 < number <= _MAX_DAYS:
            raise ValueError(f"{part!r} is not a number of days, nor namespace=days; write 30, or alice=7,bob=90")
        found[namespace.strip()] = number
    return found
