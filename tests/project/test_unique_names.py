"""Every public class and type alias has a name of its own, so that a search for it leads to one place."""

import ast

from tests.defined_names import defined_names, definitions


def test_each_public_class_and_alias_is_defined_once() -> None:
    twice = {name: places for name, places in definitions().items() if len(places) > 1}
    assert twice == {}


def test_classes_and_aliases_are_found_and_imports_are_not() -> None:
    source = """
from x import Imported
class Public: ...
class _Private: ...
Alias = dict[str, int]
Annotated: TypeAlias = int
T = TypeVar("T")
State_co = TypeVar("State_co", covariant=True)
CONSTANT = 1
value: int = 1
def function():
    class Inner: ...
"""
    assert list(defined_names(ast.parse(source))) == ["Public", "_Private", "Alias", "Annotated"]
