"""What is made in MEMENTO_HOME is its owner's alone, or its group's where the home is a shared one."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from memento.graph.settings import Settings
from memento.private_files import create_private_file, is_open, make_private, make_private_folder
from memento.tools.workspace import Workspace
from tests.commands import assistant, invoke, serving

pytestmark = [
    pytest.mark.allow_blocking("a command has its event loop to itself"),
    pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX"),
]


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def modes_below(folder: Path) -> dict[str, int]:
    """Of all that lies in a folder, links aside."""
    return {str(path.relative_to(folder)): mode_of(path) for path in folder.rglob("*") if not path.is_symlink()}


def test_folders_and_files_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path / "a" / "b" / "c")
    make_private_folder(tmp_path / "a" / "b" / "c")
    create_private_file(tmp_path / "a" / "file")
    create_private_file(tmp_path / "a" / "file")
    assert modes_below(tmp_path) == {"a": 0o700, "a/b": 0o700, "a/b/c": 0o700, "a/file": 0o600}


@pytest.mark.parametrize("shared", [0o2770, 0o770])
def test_a_home_that_is_shared_with_its_group_stays_shared(tmp_path: Path, umask: int, shared: int) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(shared)
    make_private_folder(tmp_path / "home" / "a" / "b")
    create_private_file(tmp_path / "home" / "a" / "file")
    gid = shared & stat.S_ISGID
    assert modes_below(tmp_path / "home") == {"a": 0o770 | gid, "a/b": 0o770 | gid, "a/file": 0o660}
    assert mode_of(tmp_path / "home") == shared
    assert not is_open(shared)


@pytest.mark.parametrize("mode", [0o755, 0o775, 0o777, 0o701, 0o750, 0o2775])
def test_others_are_not_let_into_what_is_made_in_an_open_folder(tmp_path: Path, mode: int) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(mode)
    make_private_folder(tmp_path / "home" / "a")
    assert mode_of(tmp_path / "home" / "a") & 0o007 == 0
    assert mode_of(tmp_path / "home") == mode  # the user's own is left as it is
    assert is_open(mode)


def test_what_a_library_made_is_closed(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "home" / "index")
    (tmp_path / "home" / "index" / "deep").mkdir()
    (tmp_path / "home" / "index" / "deep" / "file").write_text("x")
    (tmp_path / "home" / "index" / "link").symlink_to(tmp_path)
    (tmp_path / "home" / "index" / "deep").chmod(0o755)
    (tmp_path / "home" / "index" / "deep" / "file").chmod(0o644)
    make_private(tmp_path / "home")
    assert modes_below(tmp_path / "home") == {"index": 0o700, "index/deep": 0o700, "index/deep/file": 0o600}


def test_an_error_says_what_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        make_private_folder(tmp_path / "file" / "below")


@pytest.mark.slow
@pytest.mark.parametrize("mask", [0o000, 0o022], ids=oct)
def test_nobody_else_may_look_at_anything_that_commands_make(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mask: int
) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text("".join(f'{{"state": "s{n}", "action": "a", "reward": {n % 2}}}\n' for n in range(300)))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("The quetzal nests in March.")
    monkeypatch.setenv("MEMENTO_FILES", str(tmp_path / "notes"))
    before = os.umask(mask)
    try:
        with serving(assistant()) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
            assert invoke("ask", "what is six times seven", "-r", "42", "--thread", "one", "-a", __file__).code == 0
        assert invoke("cases", "import", str(cases)).code == 0
        assert invoke("cases", "reindex").code == 0
        assert invoke("learn", "--from-scratch").code == 0
        assert invoke("tools", "call", "search_files", '{"query": "quetzal"}').code == 0
        assert invoke("threads", "list").code == 0
        Workspace(Settings().folder / "mcp-workspace").write("reports/a.txt", b"made by a tool")
    finally:
        os.umask(before)
    home = Settings().folder
    made = modes_below(home)
    assert {"ledger.sqlite", "threads.sqlite", "files.sqlite", "workspace", "mcp-workspace"} <= set(made)
    assert any("gen-" in name for name in made)
    assert any(name.endswith(".safetensors") for name in made)
    assert {name: oct(mode) for name, mode in made.items() if mode & 0o077} == {}
    assert mode_of(home) == 0o700
