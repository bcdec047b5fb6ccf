"""Namespace of a project folder: the same for every clone, worktree and sub-folder of one git repository.

It is the folder's name and a hash of what identifies the project: the URL of its git remote `origin` without scheme,
user and password; where there is none, the path of the repository or, outside of any, of the folder. Blocking.
"""

import hashlib
import re
from pathlib import Path
from typing import Final

_MAX_CONFIG_BYTES: Final = 1_000_000
_MAX_NAME_CHARS: Final = 60
_ORIGIN: Final = re.compile(r"^\s*\[\s*remote\s+\"origin\"\s*\](.*?)(?=^\s*\[|\Z)", re.MULTILINE | re.DOTALL)
_URL: Final = re.compile(r"^\s*url\s*=\s*(\S+)", re.MULTILINE)
_SCHEME: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9._-]+")


def project_namespace(folder: Path) -> str:
    """The namespace of the project that a folder belongs to."""
    root = project_root(folder)
    remote = _remote(root)
    identity = f"remote {remote}" if remote else f"path {root}"
    name = _UNUSUAL.sub("-", (remote or str(root)).rpartition("/")[2]).strip("-.")[:_MAX_NAME_CHARS]
    return f"project:{name or 'root'}-{hashlib.sha256(identity.encode(errors='surrogateescape')).hexdigest()[:12]}"


def project_root(folder: Path) -> Path:
    """The root of the git repository around a folder; outside of any, the folder itself."""
    folder = folder.expanduser().resolve()
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def _remote(root: Path) -> str:
    """The URL of `origin` as `host/path`; empty where there is none."""
    section = _ORIGIN.search(_read(_git_folder(root) / "config"))
    found = section and _URL.search(section[1])
    if not found:
        return ""
    url, n_schemes = _SCHEME.subn("", found[1].rstrip("/"))
    place, _, path = url.partition("/")
    host = place.rpartition("@")[2]
    if not n_schemes and ":" in host:  # git@host:path
        host, _, first = host.partition(":")
        path = f"{first}/{path}" if path else first
    return f"{host.lower()}/{path.removesuffix('.git').strip('/')}"


def _git_folder(root: Path) -> Path:
    """The folder with the repository's config; that of a worktree or a submodule lies elsewhere."""
    git = root / ".git"
    if git.is_dir():
        return git
    kind, _, place = _read(git).partition(":")
    if kind.strip() != "gitdir":
        return git
    folder = root / place.strip()
    common = _read(folder / "commondir").strip()
    return folder / common if common else folder


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_CONFIG_BYTES).decode(errors="replace")
    except (OSError, ValueError):
        return ""
