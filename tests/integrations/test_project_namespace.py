"""A project has one namespace, wherever it lies and whatever its remote is called by."""

import subprocess
from pathlib import Path

import pytest

from memento.integrations.project_namespace import project_namespace


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


def repository(folder: Path, remote: str | None = None) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    if remote:
        git(folder, "remote", "add", "origin", remote)
    return folder


@pytest.mark.parametrize(
    "remote",
    [
        "git@github.com:acme/shop.git",
        "https://github.com/acme/shop",
        "https://someone:a-token@GitHub.com/acme/shop.git",
        "ssh://git@github.com/acme/shop.git/",
    ],
)
def test_clones_of_a_remote_share_a_namespace(tmp_path: Path, remote: str) -> None:
    one = project_namespace(repository(tmp_path / "one", "https://github.com/acme/shop.git"))
    assert one.startswith("project:shop-")
    assert project_namespace(repository(tmp_path / "two", remote)) == one
    assert "token" not in one


def test_other_projects_have_other_namespaces(tmp_path: Path) -> None:
    remotes = ("https://github.com/acme/shop", "https://github.com/acme/shop2", "https://gitlab.com/acme/shop", None)
    names = {project_namespace(repository(tmp_path / str(n), remote)) for n, remote in enumerate(remotes)}
    (tmp_path / "a" / "plain").mkdir(parents=True)
    (tmp_path / "b" / "plain").mkdir(parents=True)
    names |= {project_namespace(tmp_path / "a" / "plain"), project_namespace(tmp_path / "b" / "plain")}
    assert len(names) == 6
    assert all(len(name) < 200 and name.isprintable() for name in names)


def test_sub_folders_and_worktrees_belong_to_their_repository(tmp_path: Path) -> None:
    root = repository(tmp_path / "one", "https://github.com/acme/shop.git")
    (root / "src" / "deep").mkdir(parents=True)
    git(root, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "x")
    git(root, "worktree", "add", "-q", str(tmp_path / "tree"))
    assert project_namespace(root / "src" / "deep") == project_namespace(root)
    assert project_namespace(tmp_path / "tree") == project_namespace(root)


@pytest.mark.parametrize("name", ["日本語", "a b\nc", "x" * 200, "..."])
def test_any_folder_has_a_valid_namespace(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir() if name != "..." else None
    namespace = project_namespace(tmp_path / name)
    assert namespace.isprintable()
    assert len(namespace) < 100


def test_a_damaged_repository_is_known_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / ".git").write_bytes(b"gitdir: \xff\x00nowhere")
    assert project_namespace(tmp_path / "one").startswith("project:one-")
