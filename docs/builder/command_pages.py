"""Parts of pages that are generated from the command line's help and from the HTTP routes."""

import inspect
from collections.abc import Iterator
from typing import Any

_WIDTH = 100


def commands() -> str:
    """Help of every command, each below a heading of its own."""
    import typer.main

    from memento.cli.main import app

    return "\n\n".join(_helped(typer.main.get_command(app), "memento", None))


def _helped(command: Any, name: str, parent: Any) -> Iterator[str]:
    about = command.make_context(name.rsplit(" ", 1)[-1], [], parent=parent, resilient_parsing=True)
    about.terminal_width = about.max_content_width = _WIDTH
    yield f"## {name}\n\n```text\n{_plain(command.get_help(about))}\n```"
    for below in getattr(command, "commands", {}).values():
        if not below.hidden:
            yield from _helped(below, f"{name} {below.name}", about)


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def routes() -> str:
    """HTTP routes beside LangGraph's own, from their docstrings."""
    from memento.service.http import app

    return "\n\n".join(_told(route) for route in app.routes)


def _told(route: Any) -> str:
    import yaml

    said = yaml.safe_load((inspect.getdoc(route.endpoint) or "").partition("---")[2])
    (method,) = sorted(set(route.methods) - {"HEAD"})
    lines = [f"## {method} {route.path}", "", f"{said['summary']}. {said.get('description', '')}".strip()]
    body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    if body:
        lines += ["", f"Body: {', '.join(f'`{name}` ({value})' for name, value in body.items())}."]
    lines += ["", "| answer | |", "|---|---|"]
    lines += [f"| {code} | {answer['description']} |" for code, answer in said["responses"].items()]
    return "\n".join(lines)
