"""Former place of `memento.service.http`, for a langgraph.json of an earlier release; works until 0.3.

The service is a layer above this one, so the name is resolved when it is asked for.
"""

import warnings
from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    warnings.warn("memento.graph.http is now memento.service.http", DeprecationWarning, stacklevel=2)
    return getattr(import_module("memento.service.http"), name)
