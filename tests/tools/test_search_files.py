"""Search in real files with a real SQLite: what is found, what is never read, and how the index keeps up."""

import asyncio
import gc
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.hostile import made_documents as document_files
from memento.tools.documents.read_document import make_read_document
from memento.tools.errors import ToolInputError, ToolUnavailable
from memento.tools.files.index_rows import BATCH_FILES
from memento.tools.files.passages import as_text, passages
from memento.tools.files.search_files import make_search_files
from memento.tools.files.workspace_tools import make_list_files
from memento.tools.workspace import Workspace

NOTHING = re.compile(r"Nothing found in \d+ files")


def ask(search: Callable[..., Any], query: str, max_results: int = 5) -> str:
    """Run one search on a loop of its own: the tests touch files, which a loop under guard forbids."""
    return str(asyncio.run(search(query, max_results)))


def searching(folder: Path, *shelves: Path, index_path: Path | None = None) -> Callable[..., Any]:
    """Make the tool for a workspace and shelves named after their folders."""
    workspace = Workspace(folder, shelves={shelf.name: shelf for shelf in shelves})
    return partial(make_search_files(index_path=index_path), workspace=workspace)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "rain.md").write_text("# Weather\n\nIt rained in Lisbon.\n\nThe umbrellas were sold out.\n")
    (folder / "sun.txt").write_text("The sun shone over Porto.\n")
    return folder


@pytest.fixture(params=["memory", "file"])
def index_path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "index" / "files.db" if request.param == "file" else None


def test_the_passage_is_found_with_file_and_line_when_a_word_matches(folder: Path, index_path: Path) -> None:
    text = ask(searching(folder, index_path=index_path), "umbrella")  # stemmed: umbrellas
    assert text.startswith("1. rain.md:5\n")
    assert "The umbrellas were sold out." in text


def test_a_long_question_finds_when_only_some_words_match(folder: Path) -> None:
    text = ask(searching(folder), "Could you please tell me what kind of weather they had in Porto last May?")
    assert text.startswith("1. ")
    assert "sun.txt:1" in text


def test_nothing_is_found_when_only_filler_words_match(folder: Path) -> None:
    assert NOTHING.match(ask(searching(folder), "What was the zebra?"))


def test_a_file_is_found_when_only_its_name_matches(folder: Path) -> None:
    (folder / "invoice-2024.csv").write_text("date,amount\n2024-01-01,5\n")
    assert "invoice-2024.csv:1" in ask(searching(folder), "invoice")


def test_paths_are_relative_when_files_lie_deep(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "deep.txt").write_text("platypus")
    text = ask(searching(folder), "platypus")
    assert text.startswith("1. a/b/deep.txt:1\n")
    assert str(folder) not in text


async def _opened_all(workspace: Workspace, found: str) -> list[str]:
    """Open every hit of a search by the path it is named by."""
    paths = re.findall(r"^\d+\. (.+):[^:]+$", found, re.MULTILINE)
    return [(await asyncio.to_thread(workspace.read, path, max_bytes=1_000)).decode() for path in paths]


def test_a_hit_is_named_as_every_tool_takes_it_when_there_are_shelves(folder: Path, tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    (mail / "old").mkdir(parents=True)
    (mail / "old" / "letter.txt").write_text("Greetings from Lisbon")
    text = ask(searching(folder, mail), "lisbon")
    assert "rain.md:3\n" in text
    assert "mail/old/letter.txt:1\n" in text
    contents = asyncio.run(_opened_all(Workspace(folder, shelves={"mail": mail}), text))
    assert sorted(contents) == [
        "# Weather\n\nIt rained in Lisbon.\n\nThe umbrellas were sold out.\n",
        "Greetings from Lisbon",
    ]


def test_shelves_are_searched_when_the_run_has_made_nothing_yet(folder: Path, tmp_path: Path) -> None:
    text = ask(searching(tmp_path / "not made", folder), "umbrella")
    assert text.startswith("1. docs/rain.md:5\n")
    assert not (tmp_path / "not made").exists()


def test_a_workspace_is_searched_when_it_lies_hidden_below_a_shelf(folder: Path) -> None:
    run = folder / ".memento" / "run"
    run.mkdir(parents=True)
    (run / "made.txt").write_text("platypus")
    (folder / "inner").mkdir()
    (folder / "inner" / "seen.txt").write_text("platypus")
    assert ask(searching(run, folder), "platypus").count("platypus") == 2
    assert ask(searching(folder / "inner", folder), "platypus").count("platypus") == 1


def test_a_folder_that_is_kept_from_shelves_is_not_searched(folder: Path, index_path: Path | None) -> None:
    run = folder / "home" / "run"
    run.mkdir(parents=True)
    (folder / "home" / "bank.txt").write_text("platypus")
    (run / "made.txt").write_text("echidna")
    search = make_search_files(index_path=index_path)
    open_shelf = Workspace(run, shelves={"docs": folder})
    assert "docs/home/bank.txt:1" in ask(partial(search, workspace=open_shelf), "platypus")
    kept = Workspace(run, shelves={"docs": folder, "home": folder / "home"}, hidden=(folder / "home",))
    assert NOTHING.match(ask(partial(search, workspace=kept), "platypus"))
    assert ask(partial(search, workspace=kept), "echidna").startswith("1. made.txt:1\n")
    assert "docs/rain.md:3" in ask(partial(search, workspace=kept), "lisbon")


def test_a_file_is_listed_once_when_folders_overlap(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "x.txt").write_text("platypus")
    text = ask(searching(folder / "inner", folder), "platypus")
    assert text.count("x.txt") == 1


def test_the_number_of_passages_is_bounded_when_many_match(folder: Path) -> None:
    for number in range(30):
        (folder / f"{number}.txt").write_text("platypus")
    search = searching(folder)
    assert [(ask(search, "platypus", n)).count("platypus") for n in (-1, 1, 7, 10_000)] == [1, 1, 7, 10]
    assert (ask(search, "platypus")).count("platypus") == 5


def test_new_changed_and_deleted_files_are_noticed_when_searching_again(folder: Path, index_path: Path) -> None:
    search = searching(folder, index_path=index_path)
    assert "rain.md" in ask(search, "lisbon")
    (folder / "new.txt").write_text("Madrid")
    (folder / "rain.md").write_text("It rained in Braga instead, all day long.")
    (folder / "sun.txt").unlink()
    assert "new.txt:1" in ask(search, "madrid")
    assert "rain.md:1" in ask(search, "braga")
    assert NOTHING.match(ask(search, "lisbon"))
    assert NOTHING.match(ask(search, "porto"))


def test_a_change_of_same_size_is_noticed_when_the_time_of_change_differs(folder: Path) -> None:
    search = searching(folder)
    assert "sun.txt" in ask(search, "porto")
    (folder / "sun.txt").write_text("The sun shone over Turin.\n")
    os.utime(folder / "sun.txt", ns=(1, 1))
    assert "sun.txt" in ask(search, "turin")


def test_unchanged_files_are_not_indexed_again_when_another_tool_opens_the_index(folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "files.db"
    assert "rain.md" in ask(searching(folder, index_path=index), "lisbon")
    before = _rows(index)
    assert "rain.md" in ask(searching(folder, index_path=index), "lisbon")
    assert _rows(index) == before


def test_only_its_own_folders_are_searched_when_an_index_is_shared(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "private"
    other.mkdir()
    (other / "secret.txt").write_text("platypus")
    index = tmp_path / "files.db"
    assert "secret.txt" in ask(searching(other, index_path=index), "platypus")
    assert NOTHING.match(ask(searching(folder, index_path=index), "platypus"))
    assert "secret.txt" in ask(searching(other, index_path=index), "platypus")


def test_links_are_not_followed_when_they_lead_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("platypus")
    (folder / "link.txt").symlink_to(outside / "secret.txt")
    (folder / "linked").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    assert "3 links" in ask(searching(folder), "platypus")


def test_the_folder_is_searched_when_it_is_itself_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "shortcut").symlink_to(folder)
    assert "rain.md:3" in ask(searching(tmp_path / "shortcut"), "lisbon")


def test_a_file_drops_out_when_it_is_replaced_by_a_link(folder: Path, tmp_path: Path) -> None:
    search = searching(folder)
    assert "sun.txt" in ask(search, "porto")
    (folder / "sun.txt").rename(tmp_path / "sun.txt")
    (folder / "sun.txt").symlink_to(tmp_path / "sun.txt")
    assert "1 links" in ask(search, "porto")


def test_what_was_skipped_is_counted_when_nothing_is_found(folder: Path) -> None:
    (folder / "binary.txt").write_bytes(b"platypus\0\1\2")
    (folder / "photo.jpg").write_bytes(b"platypus")
    (folder / "huge.txt").write_bytes(b"platypus " * 600_000)
    (folder / ".env").write_text("KEY=platypus")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("platypus")
    os.mkfifo(folder / "pipe.txt")
    text = ask(searching(folder), "platypus")
    assert text == (
        "Nothing found in 2 files (skipped: 1 binary or unreadable, 2 hidden, 2 in other formats, 1 over 5 MB). "
        "Try other words."
    )


def test_the_answer_says_so_when_the_folder_is_empty(tmp_path: Path, index_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    text = ask(searching(folder, index_path=index_path), "anything")
    assert text == "Nothing found in 0 files. Try other words."


@pytest.mark.parametrize(
    "query",
    [
        '"',
        'rain"lisbon',
        "NEAR(lisbon rain, 2)",
        "lisbon*",
        "^lisbon",
        "body: lisbon",
        "{name body}: lisbon",
        "lisbon AND",
        "NOT lisbon",
        "(lisbon",
        "lisbon; DROP TABLE passage; --",
        "' OR 1=1 -- lisbon",
        "lisbon\x00rain",
        "-lisbon + \\",
    ],
)
def test_the_query_is_read_as_plain_words_when_it_looks_like_syntax(folder: Path, query: str) -> None:
    search = searching(folder)
    if "lisbon" in query:
        assert "rain.md:3" in ask(search, query)
    else:
        with pytest.raises(ToolInputError, match="no words"):
            ask(search, query)
    assert "rain.md:3" in ask(search, "lisbon")


def test_the_search_works_when_the_query_is_enormous(folder: Path) -> None:
    assert "rain.md" in ask(searching(folder), "lisbon " + " ".join(f"word{n}" for n in range(20_000)))


@pytest.mark.parametrize("query", ["", "  \n", "?!"])
def test_the_model_is_told_when_the_query_is_empty(folder: Path, query: str) -> None:
    with pytest.raises(ToolInputError):
        ask(searching(folder), query)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Das Café liegt in Zürich.", "cafe zurich"),
        ("Cafe\u0301 decomposed", "café"),
        ("Столица России — Москва.", "москва"),
        ("东京的人口是多少。约一千四百万。", "东京有多少人口"),
        ("東京タワーは333mです", "タワー"),
        ("서울은 수도이다", "서울은"),
        ("السلام عليكم", "السلام"),
    ],
)
def test_the_text_is_found_unchanged_when_it_is_not_english(folder: Path, text: str, query: str) -> None:
    (folder / "naïve 文書.txt").write_text(text, encoding="utf-8")
    found = ask(searching(folder), query)
    assert found.startswith("1. naïve 文書.txt:1\n")
    assert text.replace("e\u0301", "é") in found


@pytest.mark.parametrize(
    ("content", "query", "shown"),
    [
        ("Málaga and platypus".encode("cp1252"), "malaga", "Málaga and platypus"),
        ("Погода в Москве была хорошая".encode("cp1251"), "москве", "Погода в Москве была хорошая"),
        ("Käse and platypus".encode("utf-16-le"), "käse", "Käse and platypus"),
    ],
)
def test_the_text_is_found_when_it_is_not_utf8(folder: Path, content: bytes, query: str, shown: str) -> None:
    (folder / "other.txt").write_bytes(content)
    assert ask(searching(folder), query).startswith(f"1. other.txt:1\n{shown}")


@pytest.mark.skipif(sys.platform == "darwin", reason="its file system refuses such names")
def test_the_search_works_when_a_file_name_is_not_utf8(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.txt")).write_text("platypus")
    assert "1 unreadable" in ask(searching(folder), "platypus")


def test_tags_and_scripts_are_left_out_when_the_file_is_html(folder: Path) -> None:
    page = (
        "<html>\n<script>\nvar platypus = 1 < 2;\n</script>\n<!-- ornithorhynchus -->\n<p>Fish &amp;\nchips</p></html>"
    )
    (folder / "page.html").write_text(page)
    search = searching(folder)
    assert NOTHING.match(ask(search, "platypus ornithorhynchus script"))
    assert (ask(search, "chips")).startswith("1. page.html:7\nFish &\nchips")


def test_the_folder_is_named_when_a_shelf_does_not_exist(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolUnavailable, match="absent is missing or unreadable"):
        ask(searching(folder, tmp_path / "absent"), "anything")


def test_nothing_is_found_when_there_is_no_folder(tmp_path: Path) -> None:
    assert ask(searching(tmp_path / "absent"), "anything") == "Nothing found in 0 files. Try other words."


def test_the_search_recovers_when_a_damaged_index_is_deleted(folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "files.db"
    index.write_bytes(b"not a database, " * 1_000)
    search = searching(folder, index_path=index)
    with pytest.raises(ToolUnavailable, match=r"delete .*files\.db"):
        ask(search, "lisbon")
    index.unlink()
    assert "rain.md" in ask(search, "lisbon")


def test_all_searches_agree_when_they_run_together(folder: Path, index_path: Path) -> None:
    for number in range(150):
        (folder / f"{number}.txt").write_text(f"word{number} platypus")
    tools = [searching(folder, index_path=index_path) for _ in range(3)]

    async def together() -> list[str]:
        return await asyncio.gather(*(tool(f"word{n}") for n in range(8) for tool in tools))

    found = asyncio.run(together())
    assert all(f"{n // 3}.txt:1" in text for n, text in enumerate(found))
    if index_path:
        assert _rows(index_path)[0] == 152


@pytest.mark.slow
def test_every_process_finds_all_when_several_build_one_index_together(folder: Path, tmp_path: Path) -> None:
    for number in range(300):
        (folder / f"{number}.txt").write_text(f"platypus word{number}")
    program = (
        "import asyncio, sys; from pathlib import Path; from memento.tools.files.search_files import make_search_files;"
        "from memento.tools.workspace import Workspace; workspace = Workspace(Path(sys.argv[1]));"
        "search = make_search_files(index_path=Path(sys.argv[2]));"
        "print(asyncio.run(search('word299', workspace=workspace)))"
    )
    command = [sys.executable, "-c", program, str(folder), str(tmp_path / "files.db")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert ["299.txt:1" in process.communicate()[0] for process in processes] == [True] * 4
    assert _rows(tmp_path / "files.db")[0] == 302


def test_the_connection_is_closed_when_the_tool_is_dropped(folder: Path, tmp_path: Path) -> None:
    search = searching(folder, index_path=tmp_path / "files.db")
    ask(search, "lisbon")
    assert (tmp_path / "files.db-wal").exists()
    del search
    gc.collect()
    while (tmp_path / "files.db-wal").exists():  # the last connection removes it, when its thread has let go of it
        time.sleep(0.01)


@pytest.mark.parametrize(
    "text", ["a b\n" * 3_000, "x" * 5_000, "one\n\n\n\ntwo\n" * 500, "\n\n \n", "z " * 2_000 + "\n\nq"]
)
def test_no_text_is_lost_and_lines_are_right_when_a_text_is_cut(text: str) -> None:
    parts = list(passages(text))
    assert all(len(part.text) <= 802 for part in parts)
    assert "".join(part.text for part in parts).split() == text.split() or "x" in text
    lines = text.split("\n")
    assert all(part.text.split("\n")[0] in lines[part.line - 1] for part in parts)


def test_hostile_html_takes_linear_time_when_nothing_is_ever_closed() -> None:
    for page in (b"<script>" * 200_000, b"<" * 2_000_000, b"<p " * 500_000, b"<!--" + b"-" * 2_000_000):
        assert as_text(page, is_html=True) is not None  # minutes when quadratic: the suite's time-out would tell


def test_documents_are_found_with_the_place_that_shows_them(folder: Path, index_path: Path) -> None:
    (folder / "report.pdf").write_bytes(document_files.pdf(["Nothing here to be found", "The platypus lays eggs"]))
    (folder / "talk.pptx").write_bytes(document_files.pptx(document_files.quarterly))
    (folder / "costs.xlsx").write_bytes(document_files.xlsx(document_files.costs))
    (folder / "letter.docx").write_bytes(
        document_files.docx(document_files.paragraph("First") + document_files.paragraph("Dear ornithologist"))
    )
    search = searching(folder, index_path=index_path)
    for query, place in {
        "platypus": "report.pdf:2",
        "north region": "talk.pptx:2",
        "gear": "costs.xlsx:Costs!1",
        "ornithologist": "letter.docx:1",
    }.items():
        found = ask(search, query, 1)
        assert found.startswith(f"1. {place}\n"), found
        hit = found.split("\n")[0].removeprefix("1. ")
        shown = asyncio.run(make_read_document()(hit, workspace=Workspace(folder)))
        assert query.split()[0] in shown.lower()


def test_a_document_is_read_again_only_when_it_changes(folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "files.db"
    report = folder / "report.pdf"
    report.write_bytes(document_files.pdf(["The platypus lays eggs, some say"]))
    assert "report.pdf:1" in ask(searching(folder, index_path=index), "platypus")
    before = _rows(index)
    assert "report.pdf:1" in ask(searching(folder, index_path=index), "platypus")
    assert _rows(index) == before
    report.write_bytes(document_files.pdf(["The echidna does so, too, others say"]))
    search = searching(folder, index_path=index)
    assert NOTHING.match(ask(search, "platypus"))
    assert "report.pdf:1" in ask(search, "echidna")


def test_a_hostile_document_is_given_up_once_and_the_others_are_found(folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "files.db"
    (folder / "broken.pdf").write_bytes(document_files.pdf(["The platypus lays eggs, some say"])[:200])
    (folder / "bomb.docx").write_bytes(document_files.docx("<w:p>" * 5_000 + "</w:p>" * 5_000))
    (folder / "good.pdf").write_bytes(document_files.pdf(["The platypus lays eggs, some say"]))
    assert "good.pdf:1" in ask(searching(folder, index_path=index), "platypus")
    before = _rows(index)
    assert before[0] == 5
    text = ask(searching(folder, index_path=index), "zebra")
    assert text == "Nothing found in 3 files (skipped: 2 binary or unreadable). Try other words."
    assert _rows(index) == before


def test_a_document_is_tried_again_when_there_was_no_time_to_read_it(folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "files.db"
    (folder / "slow.pdf").write_bytes(document_files.pdf(["The platypus lays eggs, some say"]))
    hasty = partial(make_search_files(index_path=index, document_s=0.001), workspace=Workspace(folder))
    for _ in range(3):
        assert "1 documents are not read yet; search again" in ask(hasty, "platypus")
    assert ask(hasty, "platypus") == "Nothing found in 2 files (skipped: 1 too slow to read). Try other words."
    assert "slow.pdf:1" in ask(searching(folder, index_path=index), "platypus")


def test_what_was_read_stays_when_a_search_is_interrupted(folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "files.db"
    for number in range(12):
        (folder / f"{number}.pdf").write_bytes(document_files.pdf([f"The platypus number {number} lays eggs"]))

    async def interrupted() -> None:
        search = asyncio.create_task(searching(folder, index_path=index)("platypus"))
        while await asyncio.to_thread(_n_files, index) < 4:  # noqa: ASYNC110 - only the file tells
            await asyncio.sleep(0.01)
        search.cancel()
        with pytest.raises(asyncio.CancelledError):
            await search

    asyncio.run(interrupted())
    kept, last_id = _rows(index)
    assert 4 <= kept < 14
    assert ask(searching(folder, index_path=index), "platypus", 10).count(".pdf:1") == 10
    assert _rows(index) == (14, 14)
    assert last_id == kept


def test_what_there_was_no_time_for_is_told_and_indexed_by_later_searches(folder: Path, index_path: Path) -> None:
    for number in range(BATCH_FILES * 2):
        (folder / f"{number}.txt").write_text("platypus")
    search = partial(make_search_files(index_path=index_path, texts_s=0.0), workspace=Workspace(folder))
    said = [ask(search, "platypus") for _ in range(3)]
    left = [re.findall(r"\((\d+) files are not indexed yet; search again", text) for text in said]
    assert left == [[f"{BATCH_FILES + 2}"], ["2"], []]
    assert "Nothing found in 202 files." in ask(search, "zebra")


def test_reading_ends_when_the_search_is_cancelled(folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "files.db"
    for number in range(3_000):
        (folder / f"{number}.txt").write_text(f"platypus {number} " * 100)

    async def cancelled() -> None:
        search = asyncio.create_task(searching(folder, index_path=index)("platypus"))
        while await asyncio.to_thread(_n_files, index) < BATCH_FILES:  # noqa: ASYNC110 - only the file tells
            await asyncio.sleep(0.01)
        search.cancel()
        with pytest.raises(asyncio.CancelledError):
            await search

    asyncio.run(cancelled())
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.startswith("search-files"):
            thread.join()
    assert BATCH_FILES <= _n_files(index) < 3_000


def test_other_tools_are_not_kept_waiting_when_a_large_folder_is_searched(folder: Path) -> None:
    for number in range(2_000):
        (folder / f"{number}.txt").write_text(f"platypus {number} " * 100)
    search = make_search_files()

    async def both() -> tuple[bool, str, bool]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        large = asyncio.create_task(search("platypus", workspace=Workspace(folder)))
        await asyncio.sleep(0.05)
        listed = await make_list_files()(workspace=Workspace(folder / "none"))
        small = await search("platypus", workspace=Workspace(folder / "none"))
        was_first = not large.done()
        return was_first and bool(NOTHING.match(small)), listed, "platypus" in await large

    assert asyncio.run(both()) == (True, "The workspace is empty.", True)


def test_folders_that_are_gone_are_forgotten(folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "files.db"
    gone = tmp_path / "run-1"
    gone.mkdir()
    (gone / "made.txt").write_text("platypus")
    assert "made.txt:1" in ask(searching(gone, index_path=index), "platypus")
    shutil.rmtree(gone)
    ask(searching(folder, index_path=index), "lisbon")
    assert _rows(index)[0] == 2


def _n_files(index: Path) -> int:
    try:
        return _rows(index)[0]
    except sqlite3.OperationalError:  # not there yet
        return 0


def _rows(index: Path) -> tuple[int, int]:
    """Count the files of an index, and find the last id given: it grows when a file is indexed again."""
    connection = sqlite3.connect(index)
    try:
        row = connection.execute("SELECT COUNT(*), MAX(id) FROM indexed_file").fetchone()
        return row[0], row[1]
    finally:
        connection.close()
