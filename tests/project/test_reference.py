"""Every public name has a docstring, and a place in the reference."""

import ast
import importlib
import inspect
from itertools import pairwise

from docs.builder.reference import documented_names, public_names
from docs.builder.repository import ROOT

NAMES = public_names()


def constant_is_documented(package: str, name: str) -> bool:
    """Whether a text stands below the assignment, in a module of the package."""
    folder = ROOT.joinpath(*package.split(".")[0 if package.startswith("memento.testing") else 1 :])
    for path in folder.glob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for statement, below in pairwise(body):
            targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
            if any(getattr(target, "id", "") == name for target in targets):
                return isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
    return False


def test_every_public_name_has_a_place_in_the_reference() -> None:
    assert len(NAMES) > 60
    assert sorted(set(NAMES) - documented_names()) == []


def is_documented(name: str) -> bool:
    package, _, last = name.rpartition(".")
    found = getattr(importlib.import_module(package), last)
    found = getattr(found, "__wrapped__", found)  # of a cached function
    if inspect.isclass(found) or inspect.isfunction(found):
        return bool((found.__doc__ or "").strip())
    return constant_is_documented(package, last)


def test_a_public_name_has_a_docstring() -> None:
    assert [name for name in NAMES if not is_documented(name)] == []


def test_every_name_of_the_reference_is_there() -> None:
    """Modules, and names in modules."""
    for name in documented_names():
        module, _, last = name.rpartition(".")
        assert hasattr(importlib.import_module(module), last) or importlib.import_module(name), name
