"""Results kept as files: put in place whole, and stamped with the source that decides what is in them."""

import importlib.util
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

_IMPORT = re.compile(r"from (memento\.memory\.(?:estimators|policies)\.\w+|benchmarks\.[\w.]+) import")


def source_of(modules: Iterable[str]) -> str:
    """Source of modules with what they import of estimators, policies and benchmarks, as one text.

    The registries are left out: a new policy changes none of the others.
    """
    missing = set(modules)
    found: dict[str, str] = {}
    while missing:
        name = missing.pop()
        spec = importlib.util.find_spec(name)
        found[name] = Path(spec.origin).read_text("utf-8") if spec and spec.origin else ""
        imported = {name for name in _IMPORT.findall(found[name]) if not name.endswith(".registry")}
        missing |= imported - set(found)
    return json.dumps(found, sort_keys=True)


def put_in_place(path: Path, text: str) -> None:
    """Write a file whole, so that a kill leaves the former one or this one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.new")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)
