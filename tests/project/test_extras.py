"""What is declared is what is needed: extras, their names in messages, the served graph's requirements, CI."""

import asyncio
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import get_args

import pytest
from packaging.requirements import Requirement

from memento.extras import CLI_MODULES, Extra, install_command, missing_packages, optional_imports
from memento.tools.confined import confined
from memento.tools.errors import ToolUnavailable
from memento.tools.registry import PACKAGES
from tests.base_install import QUICK_TESTS, RUNNER, TESTS, closure, normal
from tests.built import FOLDERS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
FORMER = {"local", "demo", "experiment", "postgres", "mcp", "media", "science", "dev"}
"""Extras of earlier releases, which installation guides name."""
SERVED = ("tools", "media", "mcp", "postgres", "server")
ABSENT = "no_such_package"
CI = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def packages_of(extra: str) -> set[str]:
    """An extra's own packages."""
    return {normal(Requirement(text).name) for text in EXTRAS[extra]}


def owners_of(modules: Iterable[str]) -> set[str]:
    """The installed packages that bring top-level modules."""
    owners = packages_distributions()
    return {normal(owner) for module in modules for owner in owners[module]}


def test_extras_that_the_code_names_exist() -> None:
    assert set(get_args(Extra)) <= set(EXTRAS)
    texts = {file: file.read_text(encoding="utf-8") for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")}
    texts[ROOT / "README.md"] = (ROOT / "README.md").read_text(encoding="utf-8")
    named = {
        extra
        for text in texts.values()
        for found in re.findall(r"memento-langgraph\[([a-z0-9,]+)\]", text)
        for extra in found.split(",")
    }
    assert "tools" in named
    assert named <= set(EXTRAS)


def test_extras_of_earlier_releases_still_exist() -> None:
    assert set(EXTRAS) >= FORMER


def test_all_is_everything_but_what_is_experimental_or_for_development() -> None:
    (everything,) = (Requirement(text) for text in EXTRAS["all"])
    brought = closure([str(everything)])
    for extra in ("cli", "tools", "media", "evals", "mcp", "server", "local", "demo", "postgres", "science"):
        assert closure(EXTRAS[extra]) <= brought | {"memento-langgraph"}, extra


def test_tools_name_the_packages_of_their_extra() -> None:
    named = owners_of(module for modules in PACKAGES.values() for module in modules)
    assert named <= packages_of("tools")
    # trafilatura's, and the sandbox's, which `missing_tools` looks for where it is the one in use
    assert packages_of("tools") - named == {"lxml-html-clean", "pydantic-monty"}


def test_the_command_line_names_packages_of_its_extra() -> None:
    assert owners_of(CLI_MODULES) <= packages_of("cli")


def test_a_missing_package_is_told_with_the_extra_that_brings_it() -> None:
    assert missing_packages("tools", ["json", "pytest"]) is None
    said = missing_packages("tools", ["json", "no_such_package"])
    assert said == f"no_such_package is not installed; the user must run: {install_command('tools')}"


def test_an_import_of_a_missing_package_raises_the_named_error() -> None:
    with (
        pytest.raises(ToolUnavailable, match=r"^pages cannot be read: no_such_package is .*langgraph\[tools\]'$"),
        optional_imports("tools", "pages cannot be read", ToolUnavailable),
    ):
        import_module(ABSENT)


def test_a_missing_module_of_ours_is_a_bug_and_no_extra() -> None:
    with pytest.raises(ModuleNotFoundError), optional_imports("tools", "nothing works", ToolUnavailable):
        import_module("memento.no_such_module")


async def test_a_parser_that_is_missing_in_the_child_names_the_extra(tmp_path: Path) -> None:
    script = tmp_path / "without_lxml.py"
    text = (
        "import sys\nsys.modules['lxml'] = None  # as if it were not installed, in the child alone\nimport lxml.html\n"
    )
    await asyncio.to_thread(script.write_text, text)
    with pytest.raises(ToolUnavailable, match=r"lxml.* pip install 'memento-langgraph\[tools\]'"):
        await confined("runpy:run_path", {"path_name": str(script)})


def test_the_served_graph_asks_for_its_extras() -> None:
    asked = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))["dependencies"]
    assert asked == [".", "./deploy"]
    lines = (ROOT / "deploy" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = dict.fromkeys(text for extra in SERVED for text in EXTRAS[extra])
    assert [line for line in lines if not line.startswith("#")] == list(wanted)


def test_every_python_of_ci_is_declared() -> None:
    tested = set(re.findall(r'- python: "(3\.\d+)"', CI))
    declared = {one.rpartition(" ")[2] for one in PROJECT["classifiers"] if "Python :: 3." in one}
    assert len(tested) >= 2
    assert declared == tested


def test_ci_installs_the_test_runner_beside_the_base() -> None:
    assert f"            {' '.join(RUNNER)}\n" in CI


def test_every_test_of_the_base_install_exists() -> None:
    assert [name for name in (*TESTS, *QUICK_TESTS) if not (ROOT / "tests" / f"{name}.py").is_file()] == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_and_workflow_pass_their_tests_when_packages_of_extras_cannot_be_found() -> None:
    command = [sys.executable, "-P", str(ROOT / "tests" / "base_install.py"), "--hide-extras", "--quick"]
    done = subprocess.run(
        [*command, "-q", "-p", "no:cacheprovider"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 150
