"""What is shipped is the package and nothing else, and importing it costs nothing and collides with nothing."""

import ast
import importlib
import json
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import memento
from tests.built import DECOYS, FOLDERS, ROOT, Built
from tests.conftest import BARE_FOLDERS

SHIPPED = {".py", ".md", ".html", ".css", ".toml", ".onnx"}
HEAVY = {
    "torch",
    "onnxruntime",
    "tokenizers",
    "numpy",
    "qdrant_client",
    "qdrant_edge",
    "langchain",
    "langchain_core",
    "langgraph",
    "openai",
    "sqlalchemy",
}


def _sources() -> dict[Path, str]:
    """Every module of the package: its file in the checkout -> its path in the wheel."""
    return {
        file: f"{package}/{file.relative_to(ROOT / folder)}"
        for folder, package in FOLDERS.items()
        for file in (ROOT / folder).rglob("*")
        if file.suffix in SHIPPED or file.name == "py.typed"
    }


def _everywhere() -> list[Path]:
    folders = [*FOLDERS, "tests", "benchmarks", "docs", "examples"]
    return [file for folder in folders for file in (ROOT / folder).rglob("*.py")]


def test_folders_are_those_that_setuptools_maps() -> None:
    mapped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    assert {folder: package.replace(".", "/") for package, folder in mapped.items()} == FOLDERS
    links = {path.name: path.resolve() for path in (ROOT / ".typing" / "memento").iterdir() if path.is_dir()}
    own = {path.parent.name: path.parent for path in (ROOT / "memento").glob("*/__init__.py")}
    assert links == own | {folder: ROOT / folder for folder in FOLDERS if folder != "memento"}, (
        "mypy sees what is linked here"
    )


@pytest.mark.slow
def test_wheel_holds_the_package_only(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = set(archive.namelist())
    metadata = {name for name in names if ".dist-info/" in name}
    assert names - metadata == set(_sources().values())
    assert {name.partition("/")[2] for name in metadata} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
        "top_level.txt",
    }


@pytest.mark.slow
def test_sdist_holds_the_package_and_what_builds_it_only(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames() if archive.getmember(name).isfile()}
    generated = {name for name in names if ".egg-info/" in name} | {"PKG-INFO", "setup.cfg"}
    ours = {"pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "constraints.txt"}
    assert names - generated == ours | {str(file.relative_to(ROOT)) for file in _sources()}
    assert names.isdisjoint(DECOYS)


def test_import_is_light_when_nothing_is_used(tmp_path: Path) -> None:
    script = (
        "import json, sys, memento; dir(memento); print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert HEAVY.isdisjoint(json.loads(done.stdout))
    assert list(tmp_path.iterdir()) == [], "importing writes nothing"


def test_public_names_resolve_when_asked_for() -> None:
    assert memento.__all__ == sorted(memento.__all__)
    for name in memento.__all__:
        assert getattr(memento, name).__name__ == name
    with pytest.raises(AttributeError, match="no_such_name"):
        memento.no_such_name  # noqa: B018 - the lookup is the point


def _offered(node: ast.stmt) -> list[str]:
    """The names that a statement of a door offers: what it defines, and what it imports of ours."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "memento":
        return [alias.asname or alias.name for alias in node.names]
    return []


@pytest.mark.parametrize("folder", FOLDERS)
def test_doors_list_what_they_offer(folder: str) -> None:
    for file in (ROOT / folder).rglob("__init__.py"):
        offered = {
            name
            for node in ast.parse(file.read_text()).body
            for name in _offered(node)
            if not name.startswith("_") and file.parent.name != "memento"  # memento's own names are lazy: tested above
        }
        if offered:
            relative = file.parent.relative_to(ROOT / folder).parts
            door = importlib.import_module(".".join(["memento", *([] if folder == "memento" else [folder]), *relative]))
            assert set(door.__all__) <= set(dir(door)), file
            assert offered <= set(door.__all__), file


_BARE = rf"(?:{'|'.join(BARE_FOLDERS)})\b"
SUSPECT = re.compile(rf"^\s*(?:from\s+\.|from\s+{_BARE}|import\b.*(?<![.\w]){_BARE})", re.MULTILINE)


def test_nothing_imports_a_bare_folder() -> None:
    guilty = []
    for file in _everywhere():
        if not (source := file.read_text()) or not SUSPECT.search(source):  # parsing everything takes half a minute
            continue
        for node in ast.walk(ast.parse(source, filename=str(file))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
                assert node.level == 0, f"{file}:{node.lineno} imports relatively"
            guilty += [f"{file}:{node.lineno}" for name in names if name.partition(".")[0] in BARE_FOLDERS]
    assert guilty == []
