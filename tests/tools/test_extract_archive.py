"""Archives are unpacked into a new folder of the workspace, and never anywhere else."""

import asyncio
import bz2
import gzip
import lzma
import os
from pathlib import Path

import pytest

from benchmarks.hostile import made_documents as made
from memento.tools.documents import extract_archive as module
from memento.tools.documents.extract_archive import MAX_FILES, make_extract_archive
from memento.tools.errors import ToolInputError, ToolLimitReached
from memento.tools.workspace import MAX_BYTES, Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "run")


async def unpacked(workspace: Workspace, name: str, content: bytes, members: str = "") -> str:
    """Write an archive and unpack it."""
    await asyncio.to_thread(workspace.write, name, content)
    return await make_extract_archive()(name, members, workspace=workspace)


def files(workspace: Workspace) -> dict[str, bytes]:
    return {entry.path: workspace.read(entry.path, max_bytes=50_000_000) for entry in workspace.entries()}


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.zip", lambda members: made.zipped(members)),
        ("a.tar", lambda members: made.tarred(members, "w")),
        ("a.tar.gz", lambda members: made.tarred(members, "w:gz")),
        ("a.tar.bz2", lambda members: made.tarred(members, "w:bz2")),
        ("a.tar.xz", lambda members: made.tarred(members, "w:xz")),
    ],
)
async def test_every_file_comes_out_as_it_was(workspace: Workspace, name: str, pack) -> None:  # type: ignore[no-untyped-def]
    members = {"x/y.bin": os.urandom(100_000), "empty": b"", "naïve 文書.txt": b"text"}
    text = await unpacked(workspace, name, pack(members))
    found = await asyncio.to_thread(files, workspace)
    del found[name]
    assert found == {f"a/{path}": content for path, content in members.items()}
    assert text.startswith("Unpacked 3 files into a/:\n- a/x/y.bin (100,000 bytes)\n")


@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
async def test_a_single_packed_file_comes_out_under_its_own_name(workspace: Workspace, suffix: str, pack) -> None:  # type: ignore[no-untyped-def]
    assert "- log/log.csv (4 bytes)" in await unpacked(workspace, f"log.csv.{suffix}", pack(b"1,2\n"))


async def test_a_file_larger_than_one_answer_of_the_child_comes_out_whole(workspace: Workspace) -> None:
    large = os.urandom(11_500_000)
    await unpacked(workspace, "a.zip", made.zipped({"first": b"x", "large": large, "last": b"y"}))
    found = await asyncio.to_thread(files, workspace)
    assert found["a/large"] == large
    assert (found["a/first"], found["a/last"]) == (b"x", b"y")


async def test_only_matching_files_come_out_when_there_is_a_pattern(workspace: Workspace) -> None:
    content = made.zipped({"a/1.csv": "1", "a/2.txt": "2", "3.csv": "3"})
    assert "Unpacked 2 files" in await unpacked(workspace, "a.zip", content, "*.csv")
    with pytest.raises(ToolInputError, match=r"no file in it matches '\*\.pdf'"):
        await unpacked(workspace, "a.zip", content, "*.pdf")


async def test_nothing_that_was_there_is_overwritten(workspace: Workspace, tmp_path: Path) -> None:
    await asyncio.to_thread(workspace.write, "a/x.txt", b"mine")
    content = made.zipped({"x.txt": "other"})
    assert "into a-2/" in await unpacked(workspace, "a.zip", content)
    assert "into a-3/" in await unpacked(workspace, "a.zip", content)
    assert await asyncio.to_thread(workspace.read, "a/x.txt", max_bytes=10) == b"mine"
    shelved = Workspace(workspace.folder, shelves={"b": tmp_path / "shelf"})
    assert "into b-2/" in await unpacked(shelved, "b.zip", content)  # or it would hide the shelf
    await asyncio.to_thread((workspace.folder / "c").symlink_to, tmp_path)
    assert "into c-2/" in await unpacked(workspace, "c.zip", content)
    assert not (tmp_path / "x.txt").exists()


async def test_too_many_files_are_refused_before_any_is_written(workspace: Workspace) -> None:
    content = made.zipped({f"{n}.txt": "x" for n in range(MAX_FILES + 1)})
    with pytest.raises(ToolInputError, match="at most 500 of 100,000,000 together; choose some with members"):
        await unpacked(workspace, "a.zip", content)
    assert list(await asyncio.to_thread(files, workspace)) == ["a.zip"]
    assert "Unpacked 111 files" in await unpacked(workspace, "a.zip", content, "1*.txt")


async def test_it_is_said_what_came_out_when_the_workspace_becomes_full(workspace: Workspace) -> None:
    def fill() -> None:
        workspace.write("a.zip", made.zipped({"1.bin": os.urandom(1_000), "2.bin": os.urandom(1_000)}))
        with (workspace.folder / "large").open("wb") as stream:
            stream.truncate(MAX_BYTES - 4_000)

    await asyncio.to_thread(fill)
    with pytest.raises(ToolLimitReached, match=r"(?s)workspace is full.*- a/1\.bin"):
        await make_extract_archive()("a.zip", workspace=workspace)


async def test_a_document_is_no_archive_and_a_text_neither(workspace: Workspace) -> None:
    with pytest.raises(ToolInputError, match=r"a\.txt: it is not an archive; use read_document to read it"):
        await unpacked(workspace, "a.txt", b"text")
    assert "- a/word/document.xml" in await unpacked(workspace, "a.docx", made.docx(made.paragraph("x")))


def test_the_limits_are_those_that_the_model_is_told() -> None:
    told = make_extract_archive().__doc__ or ""
    assert f"At most {module.MAX_FILES} files of {module.MAX_BYTES // 1_000_000} MB together" in told
