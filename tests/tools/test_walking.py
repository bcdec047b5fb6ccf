"""The walk through a folder, and removing one: no link is followed, however the folder changes meanwhile."""

import contextlib
import ctypes
import os
import sys
import threading
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from memento.tools.files.folders import Place, walk
from memento.tools.files.removal import remove_tree
from memento.tools.files.walking import DirectoryEntry, Walk
from memento.tools.sandbox.footprint import Footprint, footprint
from memento.tools.sandbox.workspace_cleanup import make_harmless
from memento.tools.workspace import Workspace


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    (folder / "deep").mkdir(parents=True)
    (folder / "secret.txt").write_text("SECRET")
    (folder / "deep" / "secret.txt").write_text("SECRET")
    return folder


def deep(folder: Path, n_levels: int) -> None:
    """Nest folders deeper than a path may be long."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(n_levels):
        os.mkdir("a" * 100, dir_fd=here)
        below = os.open("a" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("end", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def test_folders_come_before_what_lies_in_them_and_links_as_themselves(tmp_path: Path, outside: Path) -> None:
    run = tmp_path / "run"
    (run / "b" / "c").mkdir(parents=True)
    for name in ("a", "b/c/d", "e"):
        (run / name).touch()
    (run / "link").symlink_to(outside)
    (run / "b" / "link").symlink_to(outside / "secret.txt")
    assert [found.path for found in Walk(run, in_order=True)] == ["a", "b", "b/c", "b/c/d", "b/link", "e", "link"]
    chosen = Walk(run, enters=lambda found: found.name != "c", in_order=True)
    assert [found.path for found in chosen] == ["a", "b", "b/c", "b/link", "e", "link"]
    assert list(Walk(tmp_path / "missing")) == []
    (tmp_path / "also").symlink_to(run)
    assert len(list(Walk(tmp_path / "also"))) == 7


def test_folders_are_left_after_what_lies_in_them(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    left: list[str] = []
    assert len(list(Walk(tmp_path, leaves=lambda found: left.append(found.path)))) == 2
    assert left == ["b/c", "b"]


@pytest.mark.skipif(sys.platform != "linux", reason="paths end elsewhere")
def test_folders_nested_deeper_than_a_path_is_long_are_walked_with_few_descriptors(tmp_path: Path) -> None:
    deep(tmp_path, 300)
    (tmp_path / "z").touch()
    most = 0

    def count(_: DirectoryEntry) -> bool:
        nonlocal most
        most = max(most, len(os.listdir("/proc/self/fd")))
        return True

    before = len(os.listdir("/proc/self/fd"))
    below = Walk(tmp_path, enters=count, in_order=True)
    names = [found.name for found in below]
    assert (names[-2:], len(names), below.n_closed) == (["end", "z"], 302, 0)
    assert most < before + 40
    assert len(os.listdir("/proc/self/fd")) == before
    assert footprint(tmp_path, at_most=Footprint(1_000, 10**9)).n_files == 302


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="paths end elsewhere")
def test_memory_stays_small_however_deep_untrusted_code_nests_folders(tmp_path: Path) -> None:
    """With a path kept for each of them it was 23 GB for what code makes in a second."""
    run = tmp_path / "run"
    run.mkdir()
    deep(run, 5_000)
    skipped: Counter[str] = Counter()
    tracemalloc.start()
    try:
        make_harmless(run)
        assert sum(1 for _ in Walk(run)) == 5_001
        assert list(Workspace(run).entries()) == []
        assert list(walk(Place("", str(run)), skipped, threading.Event())) == []
        remove_tree(run)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000
    assert skipped["unreadable"] == 1
    assert not run.exists()


def test_a_walk_ends_when_a_folder_is_moved_out_from_above_it(tmp_path: Path) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    run.joinpath(*"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz").mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "secret.txt").touch()
    below, seen = Walk(run), []
    for found in below:
        seen.append(found.name)
        if len(seen) == 50:
            (run / "a" / "b" / "c").rename(elsewhere / "c")
    assert "secret.txt" not in seen
    assert below.n_closed == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs renameat2")
def test_nothing_outside_is_listed_while_a_folder_is_swapped_for_a_link(tmp_path: Path, outside: Path) -> None:
    run = tmp_path / "run"
    (run / "real").mkdir(parents=True)
    (run / "real" / "own.txt").touch()
    (run / "link").symlink_to(outside)
    is_over = threading.Event()

    def swap() -> None:
        exchange = ctypes.CDLL(None).renameat2
        while not is_over.is_set():
            exchange(-100, os.fsencode(run / "real"), -100, os.fsencode(run / "link"), 2)

    swapping = threading.Thread(target=swap)
    swapping.start()
    names: set[str] = set()
    try:
        for _ in range(300):
            names.update(entry.path for entry in Workspace(run).entries())
            names.update(path for path, _ in walk(Place("", str(run)), Counter(), threading.Event()))
            # The folder may be met under both of its names, one after the other; outside there is more than that.
            assert footprint(run, at_most=Footprint(100, 10**9)).n_files <= 4
    finally:
        is_over.set()
        swapping.join()
    assert names
    assert {os.path.basename(name) for name in names} == {"own.txt"}


def test_a_folder_is_removed_whatever_code_did_to_it(tmp_path: Path, outside: Path) -> None:
    run = tmp_path / "run"
    (run / "closed" / "in").mkdir(parents=True)
    (run / "closed" / "in" / "file").touch()
    (run / "link").symlink_to(outside)
    (run / "closed" / "link").symlink_to(outside / "secret.txt")
    os.mkfifo(run / "pipe")
    if sys.platform == "linux":
        deep(run, 200)
    (run / "closed" / "in").chmod(0)
    (run / "closed").chmod(0)
    remove_tree(run)
    assert not run.exists()
    assert sorted(path.name for path in outside.rglob("*")) == ["deep", "secret.txt", "secret.txt"]
    remove_tree(run)
    run.symlink_to(outside)
    remove_tree(run)
    assert not os.path.lexists(run)
    assert (outside / "secret.txt").read_text() == "SECRET"


def test_nothing_outside_is_removed_while_a_folder_is_swapped_for_a_link(tmp_path: Path, outside: Path) -> None:
    for number in range(30):
        run = tmp_path / f"run{number}"
        for name in "abcdefgh":
            (run / name / "deep").mkdir(parents=True)
        is_over = threading.Event()

        def swap(run: Path = run, is_over: threading.Event = is_over) -> None:
            while not is_over.is_set():
                with contextlib.suppress(OSError):
                    (run / "d").rename(run / "kept")
                    (run / "d").symlink_to(outside)

        swapping = threading.Thread(target=swap)
        swapping.start()
        with contextlib.suppress(OSError):
            remove_tree(run)
        is_over.set()
        swapping.join()
        assert sorted(path.name for path in outside.rglob("*")) == ["deep", "secret.txt", "secret.txt"]
