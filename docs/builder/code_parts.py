"""Parts of pages that are generated from the code: settings, events, the tree of modules, quick starts."""

import ast
import inspect
from pathlib import Path
from typing import get_args, get_type_hints

from pydantic import BaseModel

from docs.builder.repository import ROOT

ROOMS = ("graph", "nodes", "memory", "tools", "integrations", "service", "cli", "evals")
_WIDTH = 118


def tree() -> str:
    """Every room's modules and rooms within, each with the first line of its docstring."""
    lines = ["```"]
    for room in ROOMS:
        lines.append(_line("", f"{room}/", _summary(ROOT / room / "__init__.py")))
        for path in sorted((ROOT / room).iterdir()):
            if (path / "__init__.py").is_file():
                lines.append(_line("  ", f"{path.name}/", _summary(path / "__init__.py")))
            elif path.suffix == ".py" and path.name != "__init__.py":
                lines.append(_line("  ", path.name, _summary(path)))
    return "\n".join([*lines, "```"])


def settings() -> str:
    """Every variable that is read from the environment, by what it sets."""
    from memento.graph.variables.collection import CollectionVariables
    from memento.graph.variables.memory import MemoryVariables
    from memento.graph.variables.models import ModelVariables
    from memento.graph.variables.server import ServerVariables
    from memento.graph.variables.tools import ToolVariables

    parts = {
        "Memory": MemoryVariables,
        "Models": ModelVariables,
        "Tools": ToolVariables,
        "Server": ServerVariables,
        "Collection of a Qdrant server": CollectionVariables,
    }
    return "\n\n".join(_variables(title, part) for title, part in parts.items())


def context() -> str:
    """Every setting of one run, from `Context`."""
    from memento.nodes.context import Context

    rows = ["| field | default | |", "|---|---|---|"]
    for name, field in Context.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        rows.append(f"| `{name}` | {default} | {(field.description or '').replace('|', '&#124;')} |")
    return "\n".join(rows)


def events() -> str:
    """The events of a run, from their types."""
    from memento.nodes.events import RunEvent

    rows = ["| `event` | when | beside it |", "|---|---|---|"]
    for kind in get_args(RunEvent):
        types = get_type_hints(kind)
        (name,) = get_args(types.pop("event"))
        rows.append(f"| `{name}` | {inspect.getdoc(kind)} | {', '.join(f'`{field}`' for field in types)} |")
    return "\n".join(rows)


def memory_quick_start() -> str:
    """The README's quick start of the memory alone."""
    return _quick_start("memory")


def middleware_quick_start() -> str:
    """The README's quick start of an agent with the middleware."""
    return _quick_start("middleware")


def graph_quick_start() -> str:
    """The README's quick start of the whole workflow."""
    return _quick_start("graph")


def figures() -> str:
    """The kept figures of the benchmarks, each beside its bar."""
    from benchmarks.results_table import markdown

    return markdown()


def frozen_model() -> str:
    """What memory does for a frozen model on two families of tasks, made from the rewards that are kept."""
    from benchmarks.frozen_model.kept_tables import markdown

    return markdown()


def games() -> str:
    """What a frozen model won in environments, made from the scores that are kept."""
    from benchmarks.environments.kept_tables import markdown

    return markdown()


def hosts() -> str:
    """The hosts that were tried, and with what."""
    from tests.hosts.cells import markdown

    return markdown()


def _variables(title: str, part: type[BaseModel]) -> str:
    rows = [f"### {title}", "", inspect.getdoc(part) or "", ""]
    rows += ["| variable | default | |", "|---|---|---|"]
    for name, field in part.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        rows.append(f"| `{field.validation_alias or f'MEMENTO_{name.upper()}'}` | {default} | {field.description} |")
    return "\n".join(rows)


def _quick_start(name: str) -> str:
    from tests.readme_examples import readme_example

    return f"```python\n{readme_example(name)}```"


def _line(indent: str, name: str, summary: str) -> str:
    line = f"{indent}{name:<24} {summary}"
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1].rsplit(" ", 1)[0] + " …"


def _summary(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]
