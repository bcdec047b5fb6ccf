"""Whatever a document has beside its plain words is shown, or counted by name at its end: a row for each kind of it."""

from collections.abc import Callable

import pytest

from memento.tools.documents.left_out import LeftOut
from tests.contents_open import open_document_rows
from tests.contents_pages import page_rows, pdf_rows, rtf_rows
from tests.contents_sheets import sheet_rows
from tests.contents_slides import slide_rows
from tests.contents_word import word_rows
from tests.documents_with import reading

ROWS = [
    *word_rows(),
    *sheet_rows(),
    *slide_rows(),
    *open_document_rows(),
    *page_rows(),
    *rtf_rows(),
    *pdf_rows(),
    (
        "a.json",
        "key that is there twice",
        b'{"a": "Plain words", "a": "others"}',
        '{"a": "Plain words", "a": "others"}',
    ),
    ("a.xml", "instruction", b"<?xml version='1.0'?><?style x?><a>Plain words</a>", "1 processing instruction"),
    ("a.xml", "comment", b"<?xml version='1.0'?><a>Plain words<!-- why? --></a>", "1 comment"),
]


@pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")  # of what openpyxl itself leaves out
@pytest.mark.parametrize(("name", "what", "content", "expected"), ROWS, ids=[f"{row[0][2:]}: {row[1]}" for row in ROWS])
def test_it_is_shown_or_counted(name: str, what: str, content: bytes | Callable[[], bytes], expected: str) -> None:
    found = reading(name, content() if callable(content) else content)
    assert expected in "\n".join((found.text, found.notes, found.left_out)), found
    if what != "frameset":
        assert "Plain words" in found.text


def test_what_is_left_out_is_told_in_one_line_by_its_names() -> None:
    left_out = LeftOut()
    assert left_out.told() == ""
    left_out.add("comment", 3)
    left_out.add("equation")
    left_out.add("picture", 0)
    left_out.add("text box", 1_000)
    left_out.add("text box", 1)
    assert left_out.told() == "not shown: 3 comments, 1 equation, 1,001 text boxes"
