"""Every public class and type alias has a name of its own, so that a search for it leads to one place."""

import ast

from tests.defined_names import defined_names, definitions

KNOWN = {
    "Cases": "cli/cases_lifecycle.py has the argument's type; rename it there: CaseIds",
    "Interval": "one interval engine is to be left; evals/learning_demo.py has the second one",
    "Measure": "evals/presets/ours.py has the name of a measure, evals/statistics/outcomes.py the function",
    "Progress": "memory/offpolicy/gate.py and replay.py",
    "Rule": "memory/offpolicy/controls.py and memory/lifecycle/forgetting.py",
    "Settings": "memory/estimators/settings.py; rename it there: EstimatorSettings, as graph/settings.py has the name",
    "Slot": "memory/engines/slot.py has a folder, memory/event.py a served case",
}
"""Names that still have two meanings. An entry is deleted with its second definition; none is added."""


def test_each_public_class_and_alias_is_defined_once() -> None:
    twice = {name: places for name, places in definitions().items() if len(places) > 1}
    assert {name: places for name, places in twice.items() if name not in KNOWN} == {}
    assert set(KNOWN) - set(twice) == set(), "these have one definition now: delete them from KNOWN"


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
