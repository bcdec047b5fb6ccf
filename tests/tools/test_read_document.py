"""Real files of every format: what a model is shown of them, and how it gets at the rest."""

import asyncio
import gzip
import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from openpyxl import Workbook
from openpyxl.comments import Comment

from benchmarks.hostile import made_documents as made
from memento.tools.documents.cell_ranges import ranges, relative
from memento.tools.documents.document import numbers, wanted_parts
from memento.tools.documents.read_document import MAX_CHARS, make_read_document, text_of
from memento.tools.errors import ToolInputError, ToolUnavailable
from memento.tools.media.port import Picture
from memento.tools.workspace import Workspace


class Viewer:
    """Looks at pictures by their size, and remembers what it was asked."""

    def __init__(self) -> None:
        self.questions: list[str] = []

    async def look(self, question: str, pictures: Sequence[Picture]) -> str:
        self.questions.append(question)
        return f"a picture of {len(pictures[0].content)} bytes, {pictures[0].mime_type}"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "run")


async def shown(workspace: Workspace, name: str, content: bytes | Callable[[], bytes], **arguments: Any) -> str:
    """Write a file, made in a thread where a writer makes it, and read it."""
    made_content = content if isinstance(content, bytes) else await asyncio.to_thread(content)
    await asyncio.to_thread(workspace.write, name, made_content)
    look = arguments.pop("look", None)
    return await make_read_document(look=look)(name, workspace=workspace, **arguments)


SALES_TABLE = "| Region | Sold |\n|---|---|\n| North | 117 |"
VISITS_TABLE = "|  | Visits |\n|---|---|\n| May | 31.0 |\n| June | 47.0 |"
WORD = made.paragraph("Minutes", "Heading1") + made.paragraph("All agreed.") + made.word_table([["A", "B"], ["1", "2"]])
ODT = (
    '<office:text><text:h text:outline-level="2">Minutes</text:h><text:p>All<text:s/><text:span>agreed</text:span>.'
    "</text:p><text:list><text:list-item><text:p>first</text:p></text:list-item></text:list><table:table>"
    '<table:table-row><table:table-cell table:number-columns-repeated="2"><text:p>x</text:p></table:table-cell>'
    "</table:table-row></table:table></office:text>"
)
ODP = (
    '<office:presentation><draw:page draw:name="p1"><text:p>One</text:p></draw:page><draw:page draw:name="p2">'
    "<text:p>Two</text:p><presentation:notes><text:p>Smile</text:p></presentation:notes></draw:page>"
    "</office:presentation>"
)
RTF = (
    rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator X;}Hello \b bold\b0  caf\'e9 \u8212?dash"
    rb" \u-10179?\u-8704?\par Next {\i it}\par}"
)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.pdf", made.pdf(["First page\nsecond line", "Last page"]), "--- page 2 ---\nLast page"),
        ("a.docx", made.docx(WORD), "# Minutes\n\nAll agreed.\n\n| A | B |\n| --- | --- |\n| 1 | 2 |"),
        ("a.pptx", made.pptx(made.quarterly), f"--- slide 2 ---\n# Sales\n{SALES_TABLE}"),
        ("a.pptx", made.pptx(made.quarterly), "# Quarterly report\nNotes: Greet the board first"),
        ("a.pptx", made.pptx(made.quarterly), f"{VISITS_TABLE}\n[1 picture]"),
        ("a.xls", made.xls(), "| 1 | Item | Price |\n| 2 | Bolt | 2.5 |\n| 4 | Nut | 4 |"),
        ("a.xls", made.xls(), "--- sheet Second ---\n|  | A | B | C |\n|---|---|---|---|\n| 3 |  |  | deep |"),
        ("a.ods", made.ods([["a", "b"], ["1", "2"]]), "| 1 | a | b |\n| 2 | 1 | 2 |"),
        ("a.odt", made.open_document("text", ODT), "## Minutes\n\nAll agreed.\n\n- first\n| x | x |"),
        ("a.odp", made.open_document("presentation", ODP), "--- slide 2 ---\nTwo\n\nNotes: Smile"),
        ("a.rtf", RTF, "Hello bold café \u2014dash \U0001f600\nNext it"),
        ("a.csv", b'name;says\n1;"x;y"\n2;"two\nlines"\n', "| 2 | 1 | x;y |\n| 3 | 2 | two lines |"),
        ("a.tsv", b"a\tb\n1\t2\n", "| 1 | a | b |\n| 2 | 1 | 2 |"),
        ("a.csv", "Stra\u00dfe,Zahl\nM\u00fcller,1\n".encode("cp1252"), "| 2 | M\u00fcller | 1 |"),
        ("a.csv", "\u03b1,\u03b2\n1,2\n".encode("utf-16"), "| 1 | \u03b1 | \u03b2 |"),
        ("a.json", b'{"a":[1,{"b":"' + b"x" * 120 + b'"}],"c":null}', '{\n "a": [\n  1,\n  {'),
        ("a.jsonl", b'{"a":1}\n{"a":2}\n', '{"a":1}\n{"a":2}'),
        ("a.xml", b'<?xml version="1.0"?><a><b>1</b><c x="2"/></a>', '<a>\n <b>1</b>\n <c x="2" />\n</a>'),
        (
            "a.html",
            b"<!doctype html><title>T</title><script>evil()</script><h1>Hi</h1><ul><li>x<li>y</ul><table><tr><th>a</th>"
            b"</tr><tr><td>1</td></tr></table>",
            "# Hi\n\n- x\n- y\n\n| a |\n| --- |\n| 1 |",
        ),
        ("a.py", b"def f():\n\n    return 1\n", "def f():\n\n    return 1"),
        (
            "a.zip",
            made.zipped({"x/y.txt": "hi", "../e": "no"}),
            "- x/y.txt (2 bytes)\n- ../e (2 bytes, a path that leads",
        ),
        ("a.tar.gz", made.tarred({"x/y.txt": b"hi"}), "- x/y.txt (2 bytes)"),
        ("a.csv.gz", gzip.compress(b"1,2\n", mtime=0), "- a.csv (size unknown)"),
    ],
    # By name alone: what is compressed holds the time, and all workers must name a test alike.
    ids=lambda value: value if isinstance(value, str) and len(value) < 12 else "",
)
async def test_a_file_of_each_format_is_shown_as_text(
    workspace: Workspace, name: str, content: bytes, expected: str
) -> None:
    text = await shown(workspace, name, content)
    assert text.startswith(f"{name}: ")
    assert expected in text
    assert "evil" not in text


async def test_formulas_and_colours_are_told_compactly_when_a_workbook_has_them(workspace: Workspace) -> None:
    text = await shown(workspace, "costs.xlsx", partial(made.xlsx, made.costs))
    assert "[sheets: Costs (A1:D5), Map (A1:E9)]" in text
    assert "| 2 | Bolt | 2.5 | 4 | =B2*C2 |" in text  # never computed, so the formula stands for its value
    assert "Formulas:\n- D2:D4: =B2*C2 and so on down\n- D5: =SUM(D2:D4)" in text
    assert "Looks:\n- fill FF0000: A1:D1\n- font bold: A1:D1" in text
    assert "(no values here)\nLooks:\n- fill 00B050: B2:C3, E9" in text


@pytest.mark.slow
async def test_only_the_rows_asked_for_are_shown_under_their_heading(workspace: Workspace) -> None:
    def many(workbook: Workbook) -> None:
        for name in ("First", "Second"):
            sheet = workbook.create_sheet(name)
            sheet.append(["number", "square"])
            for number in range(2, 2_000):
                sheet.append([number, number**2])

    content = await asyncio.to_thread(made.xlsx, many)
    text = await shown(workspace, "a.xlsx", content)
    assert len(text) < 1.5 * MAX_CHARS
    assert "for more, call again with pages='First!" in text
    again = text.split("pages='")[1].split("'")[0]
    more = await shown(workspace, "a.xlsx", content, pages=again)
    assert f"| {again.split('!')[1].removesuffix('-')} |" in more
    few = await shown(workspace, "a.xlsx", content, pages="Second!1500-1501")
    assert few.endswith("| 1 | number | square |\n| 1500 | 1500 | 2250000 |\n| 1501 | 1501 | 2253001 |")
    with pytest.raises(ToolInputError, match="there is no sheet 'Third'; there are: Sheet, First, Second"):
        await shown(workspace, "a.xlsx", content, pages="Third!")


async def test_a_long_pdf_says_how_to_go_on_and_ends(workspace: Workspace) -> None:
    content = made.pdf([f"Page {n} begins\n" + "\n".join(["words " * 12] * 40) for n in range(1, 31)])
    text = await shown(workspace, "a.pdf", content)
    assert "a.pdf: PDF, 30 pages" in text
    seen, rounds = text.count("begins"), 1
    while "call again with pages='" in text:
        again = text.split("pages='")[1].split("'")[0]
        text = await shown(workspace, "a.pdf", content, pages=again)
        seen, rounds = seen + text.count("begins"), rounds + 1
    assert seen == 30
    assert 3 < rounds < 12
    assert "begins" in await shown(workspace, "a.pdf", content, pages="30")
    with pytest.raises(ToolInputError, match="30 pages, there is no page 31"):
        await shown(workspace, "a.pdf", content, pages="31")


@pytest.mark.parametrize("kind", ["pdf", "txt", "csv"])
async def test_the_passage_that_answers_is_shown_with_its_place_when_there_is_a_query(
    workspace: Workspace, kind: str
) -> None:
    fillers = [f"Number {n} of many words that say little about anything at all" for n in range(1, 1_500)]
    fillers[1_200] = "The platypus of Queensland lays two eggs"
    if kind == "pdf":
        content = made.pdf(["\n".join(fillers[start : start + 40]) for start in range(0, 1_480, 40)])
        place = "[page 31]"
    else:
        content = (
            "\n".join(fillers) if kind == "txt" else "id,says\n" + "\n".join(f"7,{line}" for line in fillers)
        ).encode()
        place = "[lines 1201-" if kind == "txt" else "| 1202 | 7 | The platypus"
    text = await shown(workspace, f"a.{kind}", content, query="platypus eggs")
    assert "The platypus of Queensland lays two eggs" in text
    assert len(text) < 3_000
    assert "only the" in text
    assert place.removesuffix("1201-") in text
    nothing = await shown(workspace, f"a.{kind}", content, query="xylophone")
    assert "no passage has a word of the query, so this is the start" in nothing


async def test_a_place_that_search_names_is_where_reading_begins(workspace: Workspace) -> None:
    await asyncio.to_thread(workspace.write, "a.txt", "\n".join(f"line {n}" for n in range(1, 100)).encode())
    read = make_read_document()
    assert (await read("a.txt:97", workspace=workspace)).endswith("\n\nline 97\nline 98\nline 99")
    await asyncio.to_thread(workspace.write, "sub/12:30.txt", b"its name has a colon")
    assert "its name has a colon" in await read("sub/12:30.txt", workspace=workspace)
    with pytest.raises(ToolInputError, match="no file"):
        await read("b.txt:3", workspace=workspace)


async def test_scanned_pages_are_looked_at_up_to_a_limit(workspace: Workspace) -> None:
    viewer = Viewer()
    text = await shown(workspace, "scan.pdf", partial(made.scanned_pdf, 10), look=viewer.look, query="the total")
    assert text.count("as seen ---\na picture of") == 8
    assert all("look for this: the total" in question for question in viewer.questions)
    assert "call again with pages='9-'" in text
    rest = await shown(workspace, "scan.pdf", partial(made.scanned_pdf, 10), look=viewer.look, pages="9-")
    assert "--- page 9, as seen ---\na picture of" in rest
    assert rest.count("as seen") == 2


async def test_it_is_said_which_pages_are_scans_when_nobody_can_see(workspace: Workspace) -> None:
    text = await shown(workspace, "scan.pdf", partial(made.scanned_pdf, 3))
    assert "[scanned pages without text, which nobody here can read: 1-3]" in text


async def test_reading_goes_on_when_looking_fails(workspace: Workspace) -> None:
    async def blind(question: str, pictures: Sequence[Picture]) -> str:
        raise ToolUnavailable("the model is down")

    text = await shown(workspace, "scan.pdf", partial(made.scanned_pdf, 1), look=blind)
    assert "[it could not be looked at: the model is down]" in text


async def test_pictures_are_described_when_asked_for(workspace: Workspace) -> None:
    viewer = Viewer()
    picture = await asyncio.to_thread(made.picture, "one")
    twice = {"word/media/image1.png": picture, "word/media/copy.png": picture}
    for name, content, where in (
        ("a.pptx", partial(made.pptx, made.quarterly), "slide 3"),
        ("a.docx", made.docx(made.paragraph("Some text"), twice), "image1.png"),
        ("a.pdf", made.pdf(["Some text that can be read"]), "page 1"),
    ):
        text = await shown(workspace, name, content, look=viewer.look, pictures=True)
        assert text.count("as seen") == 1
        assert f"--- {where}, as seen ---\na picture of" in text
    assert "nobody here can see" in await shown(workspace, "a.pptx", partial(made.pptx, made.quarterly), pictures=True)


async def test_a_wide_table_is_cut_and_says_so(workspace: Workspace) -> None:
    wide = ",".join(f"c{n}" for n in range(100)).encode()
    text = await shown(workspace, "wide.csv", wide + b"\n" + b",".join([b"1"] * 100))
    assert "(41 more columns are not shown)" in text
    assert "c58" in text
    assert "c59" not in text


async def test_a_document_in_memory_is_read_whole() -> None:
    pages = [f"Page {n} begins\n" + "\n".join(["words " * 12] * 40) for n in range(1, 31)]
    text = await text_of("paper.pdf", await asyncio.to_thread(made.pdf, pages))
    assert text.count("begins") == 30
    with pytest.raises(ToolInputError, match="damaged"):
        await text_of("paper.pdf", b"%PDF-1.7 nothing")
    short = await text_of(
        "a.txt", "\n\n".join(["filler " * 100] * 50 + ["platypus"]).encode(), query="platypus", max_chars=2_000
    )
    assert "platypus" in short
    assert len(short) < 2_500


async def test_a_document_on_a_shelf_is_read_by_the_name_of_the_shelf(workspace: Workspace, tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "note.txt").write_text, "on the shelf")
    shelved = Workspace(workspace.folder, shelves={"notes": tmp_path})
    await asyncio.to_thread(workspace.write, "own.txt", b"x")
    assert "on the shelf" in await make_read_document()("notes/note.txt", workspace=shelved)


def test_no_parser_is_imported_by_the_tool_itself() -> None:
    import subprocess
    import sys

    program = "import sys, memento.tools.documents.read_document as r; r.make_read_document(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pypdfium2", "openpyxl", "pptx", "mammoth", "PIL", "lxml", "python_calamine", "bs4"} & set(loaded)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (1, None, "")),
        ("7", (7, 7, "")),
        ("3-9", (3, 9, "")),
        ("3 \u2013 9", (3, 9, "")),
        ("40-", (40, None, "")),
        ("Costs!", (1, None, "Costs")),
        ("'My costs'!2-50", (2, 50, "My costs")),
    ],
)
def test_a_range_is_understood(text: str, expected: tuple[int, int | None, str]) -> None:
    assert tuple(wanted_parts(text)) == expected


@pytest.mark.parametrize("text", ["x", "9-3", "1,2", "-5", "0"])
def test_a_range_is_refused_when_it_makes_no_sense(text: str) -> None:
    with pytest.raises(ToolInputError, match="pages="):
        wanted_parts(text)


def test_cells_are_written_as_few_ranges() -> None:
    assert ranges([(1, 1), (1, 2), (2, 1), (2, 2), (4, 27)]) == "A1:B2, AA4"
    assert ranges([(1, 1), (1, 2), (2, 1)]) == "A1:B1, A2"
    assert numbers([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
    assert relative('=A2+$B$1&"A2"', 2) == '=A[0]+$B$1&"A2"'
    assert relative("=LOG10(A3)", 2) == "=LOG10(A[1])"


@pytest.mark.parametrize("content", [b"PAR1\0 table", b"SQLite format 3\0 rows", b"\0\1 unknown"])
async def test_code_is_pointed_to_only_for_the_workspace_s_own_files(
    workspace: Workspace, tmp_path: Path, content: bytes
) -> None:
    shelf = Workspace(tmp_path / "shelf")
    await asyncio.to_thread(shelf.write, "table", content)
    reading = Workspace(workspace.folder, shelves={"notes": shelf.folder})
    with pytest.raises(ToolInputError, match="run_python may read all of it, if list_files names it"):
        await make_read_document()("notes/table", workspace=reading)


@pytest.mark.slow
async def test_what_is_not_shown_is_named_at_the_end(workspace: Workspace) -> None:
    picture = await asyncio.to_thread(made.picture, "one")
    page = b"<!doctype html><p>Some text</p><svg><path/></svg><img src=a.png><img src=b.png>"
    assert (await shown(workspace, "a.html", page)).endswith("Some text\n\n[not shown: 1 drawing, 2 pictures]")
    assert (await text_of("a.html", page)).endswith("[not shown: 1 drawing, 2 pictures]")
    slides = await shown(workspace, "a.pptx", partial(made.pptx, made.quarterly))
    assert slides.endswith("[not shown: 1 picture]")
    assert "not shown" not in await shown(workspace, "a.docx", made.docx(WORD, {"word/media/a.png": picture}))


@pytest.mark.slow
async def test_notes_and_links_are_shown_for_the_rows_that_are_shown_and_found_by_a_query(workspace: Workspace) -> None:
    def noted(workbook: Workbook) -> None:
        sheet = workbook.worksheets[0]
        sheet.title = "Costs"
        for number in range(1, 1_500):
            sheet.append([number, f"item {number}"])
        sheet["B7"].comment = Comment("early", "Ann")
        sheet["B1200"].comment = Comment("the platypus lays two eggs", "Bo")
        sheet["A1200"].number_format = "000000"
        sheet["A1200"].hyperlink = "https://example.org/x"

    content = await asyncio.to_thread(made.xlsx, noted)
    start = await shown(workspace, "a.xlsx", content)
    assert "Notes:\n- B7: Ann: early" in start
    assert "platypus" not in start
    for found in (
        await shown(workspace, "a.xlsx", content, query="platypus eggs"),
        await shown(workspace, "a.xlsx", content, pages="Costs!1200"),
    ):
        assert "| 1200 | 001200 | item 1200 |" in found
        assert "- B1200: Bo: the platypus lays two eggs" in found
        assert "Links:\n- A1200: https://example.org/x" in found


async def test_a_sheet_that_does_not_say_how_large_it_is_is_read_only_as_far_as_needed(workspace: Workspace) -> None:
    row = b'<row><c t="n"><v>1</v></c></row>'
    end = b'</sheetData><mergeCells><mergeCell ref="A1:B2"/></mergeCells></worksheet>'
    part = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>' + row * 50_000
    content = await asyncio.to_thread(made.xlsx, made.costs)
    with ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = await shown(workspace, "a.xlsx", made.zipped({**parts, "xl/worksheets/sheet1.xml": part + end}))
    assert "[sheets: Costs, Map (A1:E9)]" in text
    assert "Merged cells:\n- A1:B2" in text
    assert "for more, call again with pages='Costs!" in text
