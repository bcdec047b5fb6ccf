"""File names as they are shown, and back."""

import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memento.tools.file_names import as_named, shown


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chart.png", "chart.png"),
        ("Übersicht 図 2.txt", "Übersicht 図 2.txt"),
        ("a/b c/d", "a/b c/d"),
        ("12:30.txt", "12:30.txt"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("two\nlines\t", r"two\x0alines\x09"),
        ("invoice\u202egnp.exe", r"invoice\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("filler\u3164", r"filler\u3164"),
        ("line\u2028end", r"line\u2028end"),
        ("c1\x9b31m", r"c1\x9b31m"),
        (os.fsdecode(b"\xff.txt"), r"\udcff.txt"),
        ("back\\slash", r"back\x5cslash"),
        (" a /b ", r"\x20a\x20/b\x20"),
        ("C:x/a:", r"C\x3ax/a:"),
        ("a:", r"a\x3a"),
    ],
)
def test_what_cannot_be_seen_is_escaped(name: str, expected: str) -> None:
    assert shown(name) == expected
    assert "/".join(as_named(part) or "" for part in expected.split("/")) == name


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20))
@example("\\x1b")
@example("\\")
def test_every_name_comes_back_from_what_was_shown(name: str) -> None:
    if name in (".", ".."):
        assert as_named(shown(name)) is None
        return
    assert as_named(shown(name)) == name
    assert shown(name).isprintable()


@pytest.mark.parametrize("name", ["", ".", "..", r"\x2e\x2e", r"a\x2fb", r"a\x00", r"\ud800", "a/b"])
def test_what_is_no_name_is_not_taken_for_one(name: str) -> None:
    assert as_named(name) is None
