"""Rewrites the generated parts of README.md and docs/: diagram, tree, events, settings, figures, the table of hosts."""

import ast
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args, get_type_hints

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
ROOMS = ("graph", "nodes", "memory", "tools", "integrations", "service", "cli", "evals")
_WIDTH = 118


def diagram() -> str:
    """The compiled graph as Mermaid."""
    from memento.graph.app import graph

    drawn = graph.get_graph().draw_mermaid()
    return f"```mermaid\n{drawn[drawn.index('graph TD') :].strip()}\n```"


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
    """Every variable that is read from the environment."""
    from memento.graph.collection_variables import CollectionVariables
    from memento.graph.settings import Settings

    rows = ["| variable | default | |", "|---|---|---|"]
    fields = sorted(Settings.model_fields.items(), key=lambda one: one[0] in CollectionVariables.model_fields)
    for name, field in fields:  # those of a collection last
        variable = field.validation_alias or f"MEMENTO_{name.upper()}"
        default = "" if field.default in (None, "") else f"`{field.default}`"
        rows.append(f"| `{variable}` | {default} | {field.description} |")
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


def figures() -> str:
    """The kept figures of the benchmarks, each beside its bar."""
    from benchmarks.results_table import markdown

    return markdown()


def hosts() -> str:
    """The hosts that were tried, and with what."""
    from tests.hosts.cells import markdown

    return markdown()


def examples() -> str:
    """The examples, by what a reader wants to do."""
    from examples_index import markdown  # type: ignore[import-not-found]  # beside this file

    return str(markdown())


PARTS: dict[str, Callable[[], str]] = {
    "diagram": diagram,
    "tree": tree,
    "events": events,
    "settings": settings,
    "figures": figures,
}


PAGES: dict[Path, Mapping[str, Callable[[], str]]] = {
    README: PARTS,
    ROOT / "docs" / "hosts.md": {"hosts": hosts},
    ROOT / "docs" / "examples.md": {"examples": examples},
}


def refreshed(page: Path) -> str:
    """The text of a page with every part made anew.

    Raises:
        ValueError: a part's markers are missing.
    """
    text = page.read_text(encoding="utf-8")
    for name, make in PAGES[page].items():
        start, end = f"<!-- {name}:start -->\n", f"<!-- {name}:end -->"
        if start not in text or end not in text:
            raise ValueError(f"{page.name} has no place for the {name}: {start.strip()} ... {end.strip()}")
        before, _, rest = text.partition(start)
        text = f"{before}{start}{make()}\n{end}{rest.partition(end)[2]}"
    return text


def _line(indent: str, name: str, summary: str) -> str:
    line = f"{indent}{name:<24} {summary}"
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1].rsplit(" ", 1)[0] + " …"


def _summary(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


if __name__ == "__main__":
    sys.path.append(str(ROOT))  # for `benchmarks` and `tests`
    fresh = {page: refreshed(page) for page in PAGES}
    if "--check" in sys.argv:
        stale = [page.name for page, text in fresh.items() if text != page.read_text(encoding="utf-8")]
        sys.exit(f"stale: {', '.join(stale)}; run `make docs`" if stale else 0)
    for page, text in fresh.items():
        page.write_text(text, encoding="utf-8")
