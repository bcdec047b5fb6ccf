"""The wheel and the sdist of this checkout, built once a session, offline, from a copy in which secrets lie about."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {
    name: f"memento/{name}" for name in ("graph", "nodes", "memory", "tools", "integrations", "service", "cli", "evals")
} | {"memento": "memento"}
"""Folder of the checkout -> package folder of the wheel."""
NOT_SOURCE = (
    ".git",
    ".venv",
    "__pycache__",
    "*.egg-info",
    "build",
    "dist",
    "out",
    ".*_cache",
    ".hypothesis",
    "htmlcov",
    "node_modules",
)
DECOYS = (".env", "graph/.env", "secret.txt", "memory/notes.sqlite", "scratch/__init__.py")


class Built(NamedTuple):
    """What `python -m build` made."""

    wheel: Path
    sdist: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """Build the sdist, and the wheel from it: what the sdist lacks, the wheel cannot have."""
    source = tmp_path_factory.mktemp("checkout") / "source"
    shutil.copytree(ROOT, source, symlinks=True, ignore=shutil.ignore_patterns(*NOT_SOURCE))
    for decoy in DECOYS:
        (source / decoy).parent.mkdir(exist_ok=True)
        (source / decoy).write_text("OPENAI_API_KEY = 'sk-not-for-the-world'\n")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(source / "dist"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"python -m build failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}", pytrace=False)
    (wheel,) = (source / "dist").glob("*.whl")
    (sdist,) = (source / "dist").glob("*.tar.gz")
    yield Built(wheel, sdist)
    shutil.rmtree(source, ignore_errors=True)
