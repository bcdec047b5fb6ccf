"""Memento on LangGraph: an agent workflow that gets better with use, without touching the model's weights.

The public names are resolved on first use, so that `import memento` opens nothing and imports neither torch, nor
Qdrant, nor LangChain.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memento.graph.deps import Deps
    from memento.graph.workflow import build_graph
    from memento.memory.case import Case, ScoredCase
    from memento.memory.case_memory import CaseMemory
    from memento.memory.errors import MementoError
    from memento.memory.experience import Experience
    from memento.memory.reading import Reading
    from memento.nodes.context import Context

__all__ = [
    "Case",
    "CaseMemory",
    "Context",
    "Deps",
    "Experience",
    "MementoError",
    "Reading",
    "ScoredCase",
    "build_graph",
]

_HOMES = {
    "Case": "memento.memory.case",
    "CaseMemory": "memento.memory.case_memory",
    "Context": "memento.nodes.context",
    "Deps": "memento.graph.deps",
    "Experience": "memento.memory.experience",
    "MementoError": "memento.memory.errors",
    "Reading": "memento.memory.reading",
    "ScoredCase": "memento.memory.case",
    "build_graph": "memento.graph.workflow",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'memento' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
