"""What stands beside the cells of an Excel sheet is found without parsing its rows, however many these are."""

import io
from zipfile import ZipFile

import pytest

from benchmarks.hostile import made_documents as made
from memento.tools.documents.document import Mark
from memento.tools.documents.left_out import LeftOut
from memento.tools.documents.sheet_extras import MAX_MARKS, Extras, extras, people

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
PART = "xl/worksheets/sheet1.xml"


def sheet(rows: str, *, before: str = "", behind: str = "", prefix: str = "") -> str:
    p = f"{prefix}:" if prefix else ""
    space = f"xmlns:{prefix}" if prefix else "xmlns"
    return f'<{p}worksheet {space}="{MAIN}">{before}<{p}sheetData>{rows}</{p}sheetData>{behind}</{p}worksheet>'


def found(content: str, parts: dict[str, str] | None = None) -> tuple[Extras, str]:
    left_out = LeftOut()
    with ZipFile(io.BytesIO(made.zipped({PART: content, **(parts or {})}))) as archive:
        return extras(archive, PART, people(archive), left_out), left_out.told()


@pytest.mark.parametrize("prefix", ["", "x"])
def test_hidden_rows_and_merged_cells_are_found_in_a_sheet_of_several_megabytes(prefix: str) -> None:
    p = f"{prefix}:" if prefix else ""
    hidden = {number for number in range(1, 60_001) if number % 997 == 0}
    rows = "".join(
        f'<{p}row {"hidden=" + chr(34) + "1" + chr(34) + " " if n in hidden else ""}r="{n}" spans="1:3"><{p}c r="A{n}">'
        f"<{p}v>{n}</{p}v></{p}c></{p}row>"
        for n in range(1, 60_001)
    )
    behind = f'<{p}mergeCells><{p}mergeCell ref="A2:C4"/></{p}mergeCells>'
    before = f'<{p}cols><{p}col min="2" max="3" hidden="1"/></{p}cols>'
    read, told = found(sheet(rows, before=before, behind=behind, prefix=prefix))
    assert read.hidden_rows == hidden
    assert read.hidden_columns == {2, 3}
    assert dict(read.marks) == {2: [Mark(1, "merged", "A2:C4")]}
    assert told == ""


def test_a_thread_of_comments_keeps_who_wrote_what() -> None:
    kinds = "http://schemas.microsoft.com/office/2017/10/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": (
            f'<Relationships xmlns="{RELATIONS}">'
            f'<Relationship Id="a" Type="{office}/comments" Target="../comments1.xml"/>'
            f'<Relationship Id="b" Type="{kinds}/threadedComment" Target="../threadedComments/t1.xml"/></Relationships>'
        ),
        "xl/comments1.xml": (
            f'<comments xmlns="{MAIN}"><authors><author>tc=1</author><author>Bo</author></authors><commentList>'
            '<comment ref="B2" authorId="0"><text><t>[Threaded comment] open in a newer program</t></text></comment>'
            '<comment ref="C3" authorId="1"><text><r><t>Bo:</t></r><r><t> plain note</t></r></text></comment>'
            "</commentList></comments>"
        ),
        "xl/threadedComments/t1.xml": (
            '<q:ThreadedComments xmlns:q="q"><q:threadedComment ref="B2" personId="{1}"><q:text>Which one?</q:text>'
            '</q:threadedComment><q:threadedComment ref="B2" personId="{2}"><q:text>The left one</q:text>'
            "</q:threadedComment></q:ThreadedComments>"
        ),
        "xl/persons/person.xml": '<q:personList xmlns:q="q"><q:person id="{1}" displayName="Ann"/></q:personList>',
    }
    read, _ = found(sheet(""), parts)
    assert read.marks[2] == [Mark(2, "note", "Ann: Which one?"), Mark(2, "note", "The left one")]
    assert read.marks[3] == [Mark(3, "note", "Bo: plain note")]


def test_text_boxes_are_notes_and_other_drawings_are_counted() -> None:
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    anchor = "<d:anchor><d:from><d:col>1</d:col><d:row>4</d:row></d:from>{}</d:anchor>"
    text_box = anchor.format("<d:sp><d:txBody><a:p><a:r><a:t>in a box</a:t></a:r></a:p></d:txBody></d:sp>")
    chart = anchor.format('<d:graphicFrame><a:graphicData uri="x/chart"/></d:graphicFrame>')
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": (
            f'<Relationships xmlns="{RELATIONS}">'
            f'<Relationship Id="a" Type="{office}/drawing" Target="/xl/drawings/d1.xml"/>'
            f'<Relationship Id="b" Type="{office}/pivotTable" Target="../pivot.xml"/></Relationships>'
        ),
        "xl/drawings/d1.xml": (
            f'<d:wsDr xmlns:d="d" xmlns:a="a">{text_box}{chart}{anchor.format("<d:pic/><d:cxnSp/><d:sp/>")}</d:wsDr>'
        ),
    }
    read, told = found(sheet(""), parts)
    assert read.marks[5] == [Mark(2, "note", "text box: in a box")]
    assert told == "not shown: 1 chart, 1 picture, 1 connector, 1 drawing, 1 pivot table definition"


def test_what_is_too_much_or_damaged_is_counted() -> None:
    merged = "".join(f'<mergeCell ref="A{n}:B{n}"/>' for n in range(1, MAX_MARKS + 3))
    read, told = found(sheet("", behind=f"<mergeCells>{merged}</mergeCells>"))
    assert sum(map(len, read.marks.values())) == MAX_MARKS
    assert told == "not shown: 2 merged ranges"
    assert found(f'<worksheet xmlns="{MAIN}"><sheetData><row r="1">')[1] == "not shown: 1 sheet's notes and links"
    assert found(f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>') == (Extras(), "")
