"""Every example is run by a test, and says what it needs."""

import ast
import re
from pathlib import Path

import pytest

from docs.builder import examples_index
from tests.example_runs import EXAMPLES, ROOT

NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))


def test_every_example_is_run_by_a_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "examples").glob("test_*.py"))
    assert NAMES
    assert sorted(set(re.findall(r'(?:run|play|serve)_example\(\s*"(\w+)"', tests))) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_how_to_run_it(name: str) -> None:
    told = ast.get_docstring(ast.parse((EXAMPLES / f"{name}.py").read_text(encoding="utf-8"))) or ""
    assert re.search(rf"examples(/{name}\.py| {name}:app)", told), "it says how it is started"
    assert re.search(r"pip install '?memento-langgraph", told), "it names the extras that it needs"


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_short(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()) < 60


def test_the_index_has_every_example_once_and_is_fresh() -> None:
    files = [entry.file for entries in examples_index.SECTIONS.values() for entry in entries]
    notebooks = [path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.glob("notebooks/*.ipynb")]
    assert sorted(files) == sorted([*(f"{name}.py" for name in NAMES), *notebooks])
    page = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    assert f"<!-- examples:start -->\n{examples_index.markdown()}\n<!-- examples:end -->" in page, "run `make docs`"


def test_needs_are_read_from_the_file() -> None:
    needs = examples_index.needs
    assert needs("memory_alone.py") == "nothing else"
    assert needs("serve_with_keys.py") == "extras `cli,server`, `langgraph-cli[inmem]`, a model"
    assert needs("notebooks/does_memory_help.ipynb") == "extra `evals`, `jupyterlab`"


def test_examples_are_no_part_of_the_package() -> None:
    assert "prune examples" in (ROOT / "MANIFEST.in").read_text(encoding="utf-8")
    assert not Path(EXAMPLES / "__init__.py").exists()
