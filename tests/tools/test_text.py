"""What is cut says so, and says how much; what steers a terminal is gone."""

import pytest

from memento.tools.text import MAX_LINE_CHARS, cut, one_line, without_controls, without_middle


def test_controls_are_taken_out_and_lines_stay() -> None:
    assert without_controls("a\x1b[2J\tb\r\n\x00c\x7f") == "a[2J\tb\nc"


@pytest.mark.parametrize("text", ["", "x", "x" * 10])
def test_a_text_stays_as_it_is_when_there_is_room(text: str) -> None:
    assert cut(text, 10) == without_middle(text, 10) == text


def test_a_text_is_cut_at_its_end_or_in_its_middle() -> None:
    text = "".join(str(number % 10) for number in range(2_000))
    assert cut(text, 5) == "01234 … [cut]"
    assert without_middle(text, 10, remark="; read less") == (
        "0123456\n[... 1,990 characters left out; read less ...]\n789"
    )


def test_anything_is_brought_on_one_line() -> None:
    assert one_line(["a \n"]) == "['a \\n']"
    assert one_line(" a \n b\t") == "a b"
    assert len(one_line("x" * 9_999)) == MAX_LINE_CHARS + len(" … [cut]")
