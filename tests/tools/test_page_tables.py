"""Tables of pages: merged cells fill the places that they cover, and no page makes them grow without end."""

from typing import Any

import pytest
from lxml.html import document_fromstring

from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.page_tables import MAX_ADDED, fill_spans, move_inner_tables


def grid(html: str) -> list[list[str]]:
    page = document_fromstring(f"<html><body>{html}</body></html>")
    fill_spans(page, LeftOut())
    return [[cell.text_content().strip() for cell in row.iter("td", "th")] for row in page.iter("tr")]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<tr><td rowspan=2>a<td>b<tr><td>c", [["a", "b"], ["a", "c"]]),
        ("<tr><td>a<td rowspan=3>b<tr><td>c<tr><td>d", [["a", "b"], ["c", "b"], ["d", "b"]]),
        ("<tr><td colspan=2>a<td>b<tr><td>c<td>d<td>e", [["a", "a", "b"], ["c", "d", "e"]]),
        ("<tr><td rowspan=2 colspan=2>a<td>b<tr><td>c", [["a", "a", "b"], ["a", "a", "c"]]),
        ("<tr><td rowspan=0>a<td>b<tr><td>c<tr><td>d", [["a", "b"], ["a", "c"], ["a", "d"]]),
        ("<tr><td rowspan=9>a<td>b<tr><td>c", [["a", "b"], ["a", "c"]]),
        ("<tr><th colspan=3>title<tr><td>a<td>b<td>c", [["title", "", ""], ["a", "b", "c"]]),
        ("<tr><td>a<td>b<td rowspan=2>c<tr><td>d", [["a", "b", "c"], ["d", "", "c"]]),
        ("<tr><td colspan=x rowspan=-1>a<td>b", [["a", "b"]]),
        (
            "<thead><tr><th rowspan=2>y<th colspan=2>s<tr><th>n<th>m</thead><tbody><tr><td>1<td>2<td>3</tbody>",
            [["y", "s", "s"], ["y", "n", "m"], ["1", "2", "3"]],
        ),
    ],
)
def test_no_row_is_shifted_by_a_merged_cell(html: str, expected: list[list[str]]) -> None:
    assert grid(f"<table>{html}</table>") == expected


def test_spans_of_a_hostile_page_are_filled_in_up_to_a_limit() -> None:
    tall = "".join("<tr>" + "<td colspan=1000 rowspan=60000>x" * 5 for _ in range(300))
    wide = "<tr>" + "<td colspan=1000>x" * 5_000
    for rows in (tall, wide):
        n_cells = sum(map(len, grid(f"<table>{rows}</table>")))
        assert MAX_ADDED // 2 < n_cells < 2 * MAX_ADDED


def moved(html: str) -> Any:
    page = document_fromstring(f"<html><body>{html}</body></html>")
    move_inner_tables(page)
    return page


def test_tables_in_cells_follow_the_table_that_they_are_in() -> None:
    page = moved("<table><tr><td>a<table><tr><td>1</table>tail<td><table><tr><td>2</table></table><p>end</p>")
    assert [table.text_content().split() for table in page.iter("table")] == [
        ["a", "(table", "1,", "below)", "tail", "(table", "2,", "below)"],
        ["1"],
        ["2"],
    ]
    assert all(next(table.iterancestors("table"), None) is None for table in page.iter("table"))
    assert " ".join(page.text_content().split()).endswith("Table 1:1Table 2:2end")


def test_a_table_that_only_arranges_others_is_taken_apart() -> None:
    page = moved("<table><tr><td><h1>Title</h1><table><tr><td>1<td>2</table></table>")
    assert [table.text_content() for table in page.iter("table")] == ["12"]
    assert next(page.iter("h1")).text == "Title"
