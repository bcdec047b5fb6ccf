"""Imports a user's function by its name, `package.module:function`."""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from memento.memory.errors import InvalidInput


def import_by_name(name: str, *, wanted: str) -> Callable[..., Any]:
    """Import a function. Blocking.

    Args:
        name: `package.module:function`; modules of the working directory are found, after all installed ones.
        wanted: what it should be, for the message when it is not there.

    Raises:
        InvalidInput: the name has another form, there is no such module or function, or importing it fails.
    """
    module_name, _, attribute = name.partition(":")
    if not (module_name and attribute):
        raise InvalidInput(f"{name!r} is not the name of a function: write package.module:function, {wanted}")
    here = str(Path.cwd())
    if here not in sys.path:  # a command's own path begins at its folder, not at the user's
        sys.path.append(here)
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        raise InvalidInput(f"{name}: there is no module {error.name!r} here ({here}), nor installed") from error
    except Exception as error:
        raise InvalidInput(f"{name}: importing {module_name} fails: {type(error).__name__}: {error}") from error
    found = getattr(module, attribute, None)
    if not callable(found):
        has = "is not a function" if hasattr(module, attribute) else "does not exist"
        raise InvalidInput(f"{name}: {attribute} {has}; it should be {wanted}")
    return found  # type: ignore[no-any-return]
