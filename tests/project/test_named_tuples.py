"""A NamedTuple is a tuple of its fields: `_replace`, `_asdict` and unpacking work, because nothing tells otherwise."""

import ast
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from memento.memory.estimators.port import CaseRows
from memento.memory.policies.port import Candidates
from tests.defined_names import ROOMS, ROOT

OF_A_TUPLE = {"__len__", "__iter__", "__getitem__", "__contains__", "__reversed__", "__add__", "__mul__"}
"""What `_make`, `_replace`, `_asdict`, unpacking and copying rest on: overriding one makes them fail, or lie."""


def classes() -> Iterator[tuple[str, ast.ClassDef]]:
    for room in (*ROOMS, "benchmarks", "tests", "examples"):
        for path in sorted((ROOT / room).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if "NamedTuple" in source or "__len__" in source:
                yield from ((str(path.relative_to(ROOT)), node) for node in classes_of(source))


def classes_of(source: str) -> list[ast.ClassDef]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]


def misleading(found: list[tuple[str, ast.ClassDef]]) -> list[str]:
    """Methods of NamedTuples, and of what inherits from one, that say something else than the tuple."""
    bases = {
        node.name: {ast.unparse(base).partition("[")[0].split(".")[-1] for base in node.bases} for _, node in found
    }
    tuples = {"NamedTuple"}
    while more := {name for name, of in bases.items() if of & tuples} - tuples:
        tuples |= more
    return [
        f"{path}: {node.name}.{method.name}"
        for path, node in found
        if bases[node.name] & tuples
        for method in node.body
        if isinstance(method, ast.FunctionDef) and method.name in OF_A_TUPLE
    ]


def test_no_named_tuple_tells_of_another_length_or_of_other_parts() -> None:
    assert misleading(list(classes())) == [], "make it a frozen dataclass: dataclasses.replace works on that"


@pytest.mark.parametrize("base", ["NamedTuple", "typing.NamedTuple", "NamedTuple, Generic[T]", "One"])
def test_the_guard_sees_one_however_it_is_written(base: str) -> None:
    code = f"class One(NamedTuple):\n    ids: list\nclass Two({base}):\n    def __len__(self): return 1"
    assert misleading([("here", node) for node in classes_of(code)]) == ["here: Two.__len__"]


def test_what_policies_and_estimators_are_given_can_be_changed_in_a_copy() -> None:
    two = np.array([0.2, 0.1], np.float32)
    candidates, rows = Candidates(two, two, None, 2), CaseRows(("a", "b"), two, two, {"state": np.eye(2)})
    assert (len(candidates), len(rows)) == (2, 2)
    more = replace(candidates, pool_size=9)
    assert (more.pool_size, more.similarity_C is two, candidates.pool_size) == (9, True, 2)
    assert replace(rows, ids=("c", "d")).ids == ("c", "d")
    assert rows.ids == ("a", "b")
