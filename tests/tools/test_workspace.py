"""The folder of one run: what is read and written there, and that nothing outside ever is."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from memento.tools.errors import ToolInputError, ToolLimitReached
from memento.tools.workspace import MAX_BYTES, MAX_FILES, SPILL_FOLDER, Workspace


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("SECRET")
    return outside


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "run")


def test_a_file_is_read_back_when_it_was_written_in_a_new_folder(workspace: Workspace) -> None:
    assert not workspace.folder.exists()
    assert workspace.write("./a/b/c.txt", b"one") == "a/b/c.txt"
    workspace.write("a/b/c.txt", b"2")
    assert workspace.read("/workspace/a/b/c.txt", max_bytes=10) == b"2"
    assert [entry[:2] for entry in workspace.entries()] == [("a/b/c.txt", 1)]


@pytest.mark.parametrize(
    "path",
    [
        "",
        " ",
        "/etc/passwd",
        "//etc/passwd",
        "\\\\host\\share",
        "/workspace//etc/passwd",
        "\udcff",
        "../outside/secret.txt",
        "a/../../outside/secret.txt",
        "C:\\secret",
        "a\0b",
        "..\\x",
    ],
)
def test_a_path_is_refused_when_it_leads_outside(workspace: Workspace, secret: Path, path: str) -> None:
    for act in (lambda: workspace.read(path, max_bytes=10), lambda: workspace.write(path, b"x")):
        with pytest.raises(ToolInputError, match="relative"):
            act()


def test_nothing_is_read_or_written_through_links_that_were_planted(workspace: Workspace, secret: Path) -> None:
    workspace.write("first.txt", b"x")
    (workspace.folder / "file").symlink_to(secret / "secret.txt")
    (workspace.folder / "folder").symlink_to(secret)
    (workspace.folder / "dangling").symlink_to(secret / "new.txt")
    for path in ("file", "folder/secret.txt", "dangling"):
        with pytest.raises(ToolInputError):
            workspace.read(path, max_bytes=10)
        with pytest.raises(ToolInputError):
            workspace.write(path, b"overwritten")
    with pytest.raises(ToolInputError):
        workspace.write("folder/new.txt", b"new")
    assert [entry.name for entry in secret.iterdir()] == ["secret.txt"]
    assert (secret / "secret.txt").read_text() == "SECRET"
    assert [entry.path for entry in workspace.entries()] == ["first.txt"]


def test_a_file_with_a_second_name_is_not_written(workspace: Workspace, secret: Path) -> None:
    workspace.folder.mkdir()
    os.link(secret / "secret.txt", workspace.folder / "hard")
    with pytest.raises(ToolInputError, match="not a file"):
        workspace.write("hard", b"overwritten")
    assert (secret / "secret.txt").read_text() == "SECRET"


def test_a_pipe_is_refused_without_waiting_for_its_other_end(workspace: Workspace) -> None:
    workspace.folder.mkdir()
    os.mkfifo(workspace.folder / "pipe")
    for act in (lambda: workspace.read("pipe", max_bytes=10), lambda: workspace.write("pipe", b"x")):
        with pytest.raises(ToolInputError):
            act()


def test_shelves_are_read_by_name_and_never_written(tmp_path: Path, secret: Path) -> None:
    workspace = Workspace(tmp_path / "run", shelves={"notes": secret})
    assert workspace.read("notes/secret.txt", max_bytes=10) == b"SECRET"
    for missing in ("notes", "notes/other.txt", "other/secret.txt"):
        with pytest.raises(ToolInputError, match="no file"):
            workspace.read(missing, max_bytes=10)
    assert workspace.write("notes/secret.txt", b"mine") == "notes/secret.txt"
    assert workspace.read("notes/secret.txt", max_bytes=10) == b"mine"  # the run's own file comes first
    assert (secret / "secret.txt").read_text() == "SECRET"


@pytest.mark.parametrize(
    "path", [".env", "sub/.env", ".git/config", "node_modules/a.txt", "sub/__pycache__/a.txt", ".not-there", " .env "]
)
def test_nothing_hidden_is_read_from_a_shelf(tmp_path: Path, secret: Path, path: str) -> None:
    for folder in ("sub/__pycache__", ".git", "node_modules"):
        (secret / folder).mkdir(parents=True)
    for name in (".env", "sub/.env", ".git/config", "node_modules/a.txt", "sub/__pycache__/a.txt"):
        (secret / name).write_text("SECRET")
    workspace = Workspace(tmp_path / "run", shelves={"notes": secret})
    with pytest.raises(ToolInputError, match="is hidden"):
        workspace.read(f"notes/{path}", max_bytes=10)
    workspace.write("notes/.env", b"mine")
    assert workspace.read("notes/.env", max_bytes=10) == b"mine"  # what a run made itself, it may read


def test_a_shelf_shows_nothing_of_the_folders_that_are_kept_from_it(tmp_path: Path, secret: Path) -> None:
    (secret / "home" / "runs" / "1").mkdir(parents=True)
    (secret / "home" / "runs" / "1" / "own.txt").write_text("own")
    (secret / "home" / "bank.txt").write_text("SECRET")
    (tmp_path / "also-home").symlink_to(secret / "home")
    shelves = {"notes": secret, "home": secret / "home", "runs": secret / "home" / "runs"}
    workspace = Workspace(secret / "home" / "runs" / "1", shelves=shelves, hidden=(tmp_path / "also-home",))
    for path in ("notes/home/bank.txt", "notes/home/runs/1/own.txt", "home/bank.txt"):
        with pytest.raises(ToolInputError, match="is hidden"):
            workspace.read(path, max_bytes=10)
    assert workspace.read("notes/secret.txt", max_bytes=10) == b"SECRET"
    assert workspace.read("own.txt", max_bytes=10) == b"own"
    assert workspace.read("runs/1/own.txt", max_bytes=10) == b"own"


def test_a_file_is_refused_unread_when_it_is_too_large(workspace: Workspace) -> None:
    workspace.write("small", b"12345")
    with pytest.raises(ToolInputError, match="at most 4"):
        workspace.read("small", max_bytes=4)
    with (workspace.folder / "sparse").open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(ToolInputError, match="1,073,741,824 bytes"):
        workspace.read("sparse", max_bytes=1_000)


def test_a_workspace_takes_no_more_when_it_is_full(workspace: Workspace) -> None:
    workspace.folder.mkdir()
    with (workspace.folder / "large").open("wb") as stream:
        stream.truncate(MAX_BYTES)
    with pytest.raises(ToolLimitReached, match="full"):
        workspace.write("one more", b"x")


def test_a_workspace_takes_no_more_when_it_is_full_of_hidden_files(workspace: Workspace) -> None:
    (workspace.folder / ".h" / "i").mkdir(parents=True)
    with (workspace.folder / ".h" / "large").open("wb") as stream:
        stream.truncate(MAX_BYTES)
    with pytest.raises(ToolLimitReached, match="full"):
        workspace.write("one more", b"x")
    (workspace.folder / ".h" / "large").unlink()
    for number in range(MAX_FILES - 1):
        (workspace.folder / ".h" / "i" / f"{number}").touch()
    workspace.write(".h/last", b"x")
    with pytest.raises(ToolLimitReached, match="full"):
        workspace.write(".h/one more", b"x")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit to set")
def test_the_older_file_stays_whole_when_a_newer_one_cannot_be_written_to_its_end(workspace: Workspace) -> None:
    workspace.write("a/report.md", b"older")
    program = (
        "import resource, signal, sys; from pathlib import Path; from memento.tools.workspace import Workspace;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, 4_096));"
        "Workspace(Path(sys.argv[1])).write('a/report.md', b'x' * 10_000)"
    )
    command = [sys.executable, "-c", program, str(workspace.folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "ToolInputError: 'a/report.md' cannot be used: File too large" in ended.stderr
    assert workspace.read("a/report.md", max_bytes=10) == b"older"
    assert os.listdir(workspace.folder / "a") == ["report.md"]


def test_a_reader_sees_the_older_file_or_the_newer_one_while_it_is_written(workspace: Workspace) -> None:
    older, newer = b"o" * 1_000_000, b"n" * 1_000_000
    workspace.write("report.md", older)
    is_over = threading.Event()

    def rewrite() -> None:
        while not is_over.is_set():
            workspace.write("report.md", newer)
            workspace.write("report.md", older)

    thread = threading.Thread(target=rewrite)
    thread.start()
    try:
        assert all(workspace.read("report.md", max_bytes=1_000_000) in (older, newer) for _ in range(100))
    finally:
        is_over.set()
        thread.join()


def test_every_file_that_is_listed_is_found_again_whatever_code_called_it(workspace: Workspace) -> None:
    workspace.folder.mkdir()
    odd = ["12:30.txt", "a b.txt", "\n", "é", " a", "a ", "a\\b", "C:x", "a:", os.fsdecode(b"\xff.txt"), "..."]
    odd += ["\x1b[2J.txt", "invoice\u202egnp.exe", "zero\u200bwidth", "x1b", r"a\x1bb"]
    for name in odd:
        (workspace.folder / name).write_bytes(b"x")
    deep = workspace.folder.joinpath(*"abcdefghijklm")
    deep.mkdir(parents=True)
    for folder in (deep, deep.parent, deep.parent.parent):
        (folder / "deep").write_bytes(b"x")
    listed = workspace.made()
    plain = ["12:30.txt", "a b.txt", "a/b/c/d/e/f/g/h/i/j/k/deep", "é", "x1b"]
    escaped = [r"\x0a", r"\x20a", r"a\x20", r"a\x5cb", r"C\x3ax", r"a\x3a", r"\udcff.txt", r"\x1b[2J.txt", r"a\x5cx1bb"]
    escaped += [r"invoice\u202egnp.exe", r"zero\u200bwidth"]
    assert sorted(listed) == sorted([*plain, *escaped])
    assert all(path.isprintable() for path in listed)
    assert all(workspace.read(path, max_bytes=1) == b"x" for path in listed)


def test_a_file_is_opened_by_its_name_as_it_is_or_as_it_is_shown(workspace: Workspace) -> None:
    workspace.folder.mkdir()
    names = {"a\x1bb": b"1", "a\nb": b"2", "\u202eb": b"3", "a\\b": b"4", "a/x1bb": b"5"}
    (workspace.folder / "a").mkdir()
    for name, content in names.items():
        (workspace.folder / name).write_bytes(content)
    assert all(workspace.read(name, max_bytes=9) == content for name, content in names.items())
    shown = [r"a\x1bb", r"a\x0ab", r"\u202eb", r"a\x5cb", "a/x1bb"]
    assert [workspace.read(path, max_bytes=9) for path in shown] == list(names.values())
    assert workspace.read(r"a\x1bb", max_bytes=9) == b"1"  # not a/x1bb, which has a name of its own
    (workspace.folder / "a" / "own").write_bytes(b"6")
    for path in (r"a\own", r".\a\own", "./a/own"):  # as it is written on Windows, and elsewhere
        assert workspace.read(path, max_bytes=9) == b"6"
    assert workspace.read(r"./a\x1bb", max_bytes=9) == b"1"
    assert workspace.write(r"a\own:", b"7") == "a/own:"
    assert workspace.read(r"a\own:", max_bytes=9) == b"7"


def test_a_file_is_overwritten_by_its_name_as_it_is_shown(workspace: Workspace) -> None:
    workspace.folder.mkdir()
    (workspace.folder / "a\x1bb").write_bytes(b"1")
    assert workspace.write(r"a\x1bb", b"2") == r"a\x1bb"
    assert os.listdir(workspace.folder) == ["a\x1bb"]
    assert workspace.write(r"new\x41.txt", b"3") == "new/x41.txt"
    assert workspace.write("two\nlines", b"4") == r"two\x0alines"
    for path in (r"\x2e\x2e/secret", r"\x2fetc", r"\x2e\x2e\x2fsecret"):
        with pytest.raises(ToolInputError):
            workspace.write(path, b"5")
    assert workspace.write(r"a\x00b", b"6") == "a/x00b"


def test_files_are_listed_while_others_are_made_and_deleted(workspace: Workspace) -> None:
    workspace.write("stays", b"x")
    is_over = threading.Event()

    def churn() -> None:
        while not is_over.is_set():
            for number in range(50):
                (workspace.folder / f"{number}").write_bytes(b"x")
            for number in range(50):
                (workspace.folder / f"{number}").unlink()

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        assert all(("stays", 1) in [entry[:2] for entry in workspace.entries()] for _ in range(500))
    finally:
        is_over.set()
        thread.join()


def test_what_a_run_made_is_listed_without_what_it_was_given(workspace: Workspace) -> None:
    for path in ("given.csv", "chart.png", f"{SPILL_FOLDER}/1.txt", ".hidden"):
        workspace.write(path, b"x")
    assert workspace.made(["given.csv"]) == ["chart.png"]
