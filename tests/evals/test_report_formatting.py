"""Figures as people read them."""

import pytest

from memento.evals.report import formatting
from memento.memory.stats import Interval

NAN = float("nan")


def test_amounts_have_their_interval_where_there_is_one() -> None:
    assert formatting.amount(Interval(1234.5, 1200, 1300.25)) == "1,234.50 [1,200.00, 1,300.25]"
    assert formatting.amount(Interval(0.5, NAN, NAN), digits=1) == "0.5"
    assert formatting.amount(Interval(NAN, NAN, NAN)) == formatting.UNKNOWN


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "$0.00"), (0.00123, "$0.0012"), (0.5, "$0.5"), (12.345, "$12.35"), (12345, "$12,345.00")]
)
def test_dollars_show_something_when_they_are_few(value: float, shown: str) -> None:
    assert formatting.usd(value) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0.8123, "0.812 s"), (59, "59 s"), (180, "3 min"), (9000, "2.5 h")])
def test_durations_take_the_unit_that_fits(seconds: float, shown: str) -> None:
    assert formatting.duration(seconds) == shown


def test_words_agree_with_their_number() -> None:
    assert (formatting.counted(1, "question"), formatting.counted(2542, "question")) == (
        "1 question",
        "2,542 questions",
    )
    assert [formatting.listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert formatting.shortened("short") == "short"
    assert formatting.shortened("a long text", limit=6) == "a long …"
