"""Rewrites the generated parts of README.md and docs/, and the picture of the workflow.

python docs/refresh.py            writes them
python docs/refresh.py --check    exit code 1 if one is stale
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":  # a test finds `docs`, `benchmarks` and `tests` without
    sys.path.append(str(ROOT))

from docs.builder import code_parts, command_pages, examples_index, workflow_picture  # noqa: E402 - found by the lines above
from docs.builder.repository import readdressed  # noqa: E402

DOCS = ROOT / "docs"
README = ROOT / "README.md"
PICTURE = DOCS / "workflow.svg"

PAGES: dict[Path, Mapping[str, Callable[[], str]]] = {
    DOCS / "memory-alone.md": {"memory_quick_start": code_parts.memory_quick_start},
    DOCS / "first-agent.md": {"middleware_quick_start": code_parts.middleware_quick_start},
    DOCS / "embedding.md": {"graph_quick_start": code_parts.graph_quick_start},
    DOCS / "settings.md": {"settings": code_parts.settings, "context": code_parts.context},
    DOCS / "stream-events.md": {"events": code_parts.events},
    DOCS / "cli.md": {"commands": command_pages.commands},
    DOCS / "http-api.md": {"routes": command_pages.routes},
    DOCS / "results.md": {
        "figures": code_parts.figures,
        "frozen_model": code_parts.frozen_model,
        "games": code_parts.games,
    },
    DOCS / "hosts.md": {"hosts": code_parts.hosts},
    DOCS / "examples.md": {"examples": examples_index.markdown},
    DOCS / "rooms.md": {"tree": code_parts.tree},
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


def fresh() -> dict[Path, str]:
    """Every generated file and page, as it should be."""
    return {
        README: readdressed(README.read_text(encoding="utf-8")),
        PICTURE: workflow_picture.workflow_svg(),
        **{page: refreshed(page) for page in PAGES},
    }


def stale() -> list[str]:
    """Names of the files that are not as they should be."""
    return [path.name for path, text in fresh().items() if not path.exists() or path.read_text("utf-8") != text]


if __name__ == "__main__":
    if "--check" in sys.argv:
        names = stale()
        sys.exit(f"stale: {', '.join(names)}; run `make docs`" if names else 0)
    for path, text in fresh().items():
        path.write_text(text, encoding="utf-8")
