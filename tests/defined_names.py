"""Where each public class and type alias of the product is defined."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("memento", "graph", "nodes", "memory", "tools", "integrations", "service", "cli", "evals")
CAPITALISED = re.compile(r"[A-Z]\w*[a-z]\w*")
FACTORIES = {"TypeVar", "ParamSpec", "TypeVarTuple"}


def defined_names(module: ast.Module) -> Iterator[str]:
    """Public classes and type aliases of a module; imported names are not definitions."""
    for node in module.body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                if ast.unparse(annotation).endswith("TypeAlias"):
                    yield name
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                is_factory = isinstance(value, ast.Call) and ast.unparse(value.func).split(".")[-1] in FACTORIES
                if CAPITALISED.fullmatch(name) and not is_factory:
                    yield name


@cache
def definitions() -> dict[str, list[str]]:
    places = defaultdict[str, list[str]](list)
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for name in defined_names(ast.parse(path.read_text(encoding="utf-8"))):
                if not name.startswith("_"):
                    places[name].append(str(path.relative_to(ROOT)))
    return places
