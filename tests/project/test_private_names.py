"""Nothing of another package is used whose name begins with an underscore: such names change without notice."""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

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


def _defined(nodes: list[ast.AST]) -> set[str]:
    """Names that a module defines: functions, classes, variables, fields of its classes."""
    names = set()
    for node in nodes:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                names.add(name)
    return names


def _private_names(nodes: list[ast.AST], own: set[str]) -> list[tuple[int, str, bool]]:
    """Private names that a module uses and does not define: the line, the name, whether it is asked of `self`."""
    found = []
    for node in nodes:
        match node:
            case ast.Attribute(value=value, attr=name) if _is_private(name):
                is_of_self = ast.unparse(value) in SELF
                found += [(node.lineno, name, is_of_self)] if is_of_self or name not in own else []
            case ast.Call(func=ast.Name(id=function), args=[_, ast.Constant(value=str(name)), *_]):
                is_foreign = function in BY_NAME and _is_private(name) and name not in own
                found += [(node.lineno, name, False)] if is_foreign else []
            case ast.Import(names=aliases):
                parts = [part for alias in aliases for part in alias.name.split(".")]
                found += [(node.lineno, part, False) for part in parts if _is_private(part)]
            case ast.ImportFrom(module=module, names=aliases):
                parts = [*(module or "").split("."), *(alias.name for alias in aliases)]
                found += [(node.lineno, part, False) for part in parts if _is_private(part)]
    return found


class Names(NamedTuple):
    """Names of a module, of one walk over its tree."""

    defined: set[str]
    private: list[tuple[int, str, bool]]
    attributes: set[str]


def _names(code: str) -> Names:
    nodes = list(ast.walk(ast.parse(code)))
    defined = _defined(nodes)
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return Names(defined, _private_names(nodes, defined), attributes)


def _foreign(names: Names, of_a_class: set[str]) -> list[tuple[int, str]]:
    """Private names of others, with the line; `self` may have, from a base class in another module, `of_a_class`."""
    return [(line, name) for line, name, is_of_self in names.private if not is_of_self or name not in of_a_class]


@cache
def _modules() -> dict[Path, Names]:
    return {file: _names(file.read_text()) for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")}


def test_no_private_name_of_another_package_or_module_is_used() -> None:
    of_a_class = set().union(*(names.defined for names in _modules().values()))
    found = [
        f"{file.relative_to(ROOT)}:{line} {name}"
        for file, names in _modules().items()
        for line, name in _foreign(names, of_a_class)
    ]
    assert found == []


def test_documented_names_are_all_used() -> None:
    assert DOCUMENTED.keys() <= set().union(*(names.attributes for names in _modules().values()))


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
    assert len(_foreign(_names(code), set())) == 1


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
    assert _foreign(_names(code), set()) == []
