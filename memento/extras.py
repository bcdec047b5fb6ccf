"""Optional packages: where one is missing, the error names the extra that brings it.

`pip install memento-langgraph` brings what the memory and the workflow import; pyproject.toml lists the extras.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final, Literal

Extra = Literal[
    "babyai",
    "cli",
    "demo",
    "e2b",
    "environments",
    "evals",
    "local",
    "mcp",
    "media",
    "pictures",
    "postgres",
    "server",
    "tools",
]
"""The extras whose packages the code imports."""

CLI_MODULES: Final = ("typer", "rich", "dotenv", "aiosqlite", "genai_prices")
"""What the `memento` command imports, whatever its sub-command."""


def install_command(extra: Extra) -> str:
    """The shell command that installs an extra."""
    return f"pip install 'memento-langgraph[{extra}]'"


def missing_packages(extra: Extra, modules: Iterable[str]) -> str | None:
    """Say which packages of an extra are not installed, and how to install them; imports nothing.

    Args:
        extra: what brings them.
        modules: top-level names, as they are imported.

    Returns:
        None when all are installed.
    """
    missing = [name for name in modules if find_spec(name) is None]
    return _sentence(extra, missing) if missing else None


@contextmanager
def optional_imports(extra: Extra, purpose: str, error: type[Exception]) -> Iterator[None]:
    """Import optional packages within this context; a missing one becomes the project's own error.

    Args:
        extra: what brings them.
        purpose: what cannot be done without them; the message begins with it.
        error: raised with a message that names the package and the command that installs it.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] == "memento":  # a fault of ours, not of the install
            raise
        raise error(f"{purpose}: {_sentence(extra, [missing.name])}") from missing


def _sentence(extra: Extra, missing: list[str]) -> str:
    verb = "is" if len(missing) == 1 else "are"
    return f"{', '.join(missing)} {verb} not installed; the user must run: {install_command(extra)}"
