"""Address of the repository, from pyproject.toml: the one place that names it, and links to files in it."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BRANCH = "main"
_LINK = re.compile(
    r"https://(?:github\.com/[\w.-]+/[\w.-]+/(?P<kind>blob|tree|raw)|raw\.githubusercontent\.com/[\w.-]+/[\w.-]+)"
    rf"/{BRANCH}/"
)


def address() -> str:
    """`project.urls.Repository`, without a slash at its end."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["urls"]["Repository"]).rstrip("/")


def file_url(path: str) -> str:
    """Where a file or folder of the repository is shown.

    Args:
        path: relative to the root, with an anchor where wanted.
    """
    kind = "tree" if (ROOT / path.partition("#")[0]).is_dir() else "blob"
    return f"{address()}/{kind}/{BRANCH}/{path}"


def readdressed(text: str) -> str:
    """A text whose links to files of the repository begin with its present address."""
    raw = address().replace("https://github.com/", "https://raw.githubusercontent.com/")
    return _LINK.sub(
        lambda found: f"{address()}/{found['kind']}/{BRANCH}/" if found["kind"] else f"{raw}/{BRANCH}/", text
    )


def linked_files(text: str) -> list[str]:
    """Paths in the repository, anchors included, that a text links by absolute address."""
    return re.findall(_LINK.pattern.replace("(?P<kind>blob|tree|raw)", "(?:blob|tree|raw)") + r"([^\s)\"]+)", text)
