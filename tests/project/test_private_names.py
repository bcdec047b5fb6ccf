"""Nothing of another package is used whose name begins with an underscore: such names change without notice."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.built import FOLDERS, ROOT

DOCUMENTED = {
    "_asdict": "NamedTuple",
    "_fields": "NamedTuple",
    "_replace": "NamedTuple",
    "_mapping": "SQLAlchemy's Row",
    "_exit": "os: ends a process without clean-up",
    # A model around another one is written as LangChain's guide to custom models has it: `invoke` of the inner model
    # would run the callbacks, and so count the tokens, a second time. BaseChatModel's docstring lists them all.
    "_generate": "BaseChatModel",
    "_agenerate": "BaseChatModel",
    "_stream": "BaseChatModel",
    "_astream": "BaseChatModel",
    "_llm_type": "BaseChatModel",
}
"""Names that other packages document although they begin with an underscore, and where."""
SELF = ("self", "cls", "super()")
BY_NAME = ("getattr", "setattr", "hasattr", "delattr")


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in ({"_"} | DOCUMENTED.keys())


def _defined(tree: ast.AST) -> set[str]:
    """Names that a module defines: functions, classes, variables, fields of its classes."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                names.add(name)
    return names


def _private_names(tree: ast.AST, of_a_class: set[str]) -> list[tuple[int, str]]:
    """Private names of others that a module uses, with the line.

    Args:
        tree: the module.
        of_a_class: what `self` may have, from a base class in another module of ours.
    """
    own, found = _defined(tree), []
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=value, attr=name):
                known = of_a_class if ast.unparse(value) in SELF else own
                found += [(node.lineno, name)] if _is_private(name) and name not in known else []
            case ast.Call(func=ast.Name(id=function), args=[_, ast.Constant(value=str(name)), *_]):
                found += [(node.lineno, name)] if function in BY_NAME and _is_private(name) and name not in own else []
            case ast.Import(names=aliases):
                parts = [part for alias in aliases for part in alias.name.split(".")]
                found += [(node.lineno, part) for part in parts if _is_private(part)]
            case ast.ImportFrom(module=module, names=aliases):
                parts = [*(module or "").split("."), *(alias.name for alias in aliases)]
                found += [(node.lineno, part) for part in parts if _is_private(part)]
    return found


@cache
def _trees() -> dict[Path, ast.Module]:
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")]
    return {file: ast.parse(file.read_text(), filename=str(file)) for file in files}


def test_no_private_name_of_another_package_or_module_is_used() -> None:
    trees = _trees()
    of_a_class = set().union(*map(_defined, trees.values()))
    found = [
        f"{file.relative_to(ROOT)}:{line} {name}"
        for file, tree in trees.items()
        for line, name in _private_names(tree, of_a_class)
    ]
    assert found == []


def test_documented_names_are_all_used() -> None:
    used = {node.attr for tree in _trees().values() for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert DOCUMENTED.keys() <= used


@pytest.mark.parametrize(
    "code",
    [
        "slide._element",
        "process.stdin._transport",
        "self._inherited",
        "super()._inherited",
        "getattr(process, '_transport', None)",
        "from openpyxl.worksheet._reader import WorkSheetParser",
        "from aiosqlite import _connect",
        "import openpyxl._constants",
    ],
)
def test_private_name_is_found_when_it_is_another_packages(code: str) -> None:
    assert len(_private_names(ast.parse(code), set())) == 1


@pytest.mark.parametrize(
    "code",
    [
        "class Own:\n    def _part(self): ...\n\ndef f(own): return own._part()",
        "row._replace(a=1)",
        "self.__class__.__name__",
        "from __future__ import annotations",
    ],
)
def test_name_is_let_pass_when_it_is_ours_or_documented(code: str) -> None:
    assert _private_names(ast.parse(code), set()) == []
