"""Prints the notes of a release from CHANGELOG.md, or says why it must not be released.

python .ci/release_notes.py v0.2.0          of a tag: it must be the version of pyproject.toml, with a date
python .ci/release_notes.py                 of the version in pyproject.toml, dated or not
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def notes(changelog: str, version: str, *, tag: str | None = None) -> str:
    """The section of a version.

    Args:
        changelog: the whole text.
        version: the one of pyproject.toml.
        tag: the tag that is released; None for a rehearsal.

    Raises:
        ValueError: it must not be released; the message says what to do.
    """
    if tag is not None and tag != f"v{version}":
        raise ValueError(f"the tag is {tag}, and pyproject.toml says {version}: tag v{version}, or correct the version")
    section = re.search(rf"(?ms)^## {re.escape(version)}\s*\((.*?)\)\n(.*?)(?=^## |\Z)", changelog)
    if section is None:
        raise ValueError(f"CHANGELOG.md has no heading `## {version} (date)`: add it")
    dated, text = section.groups()
    if tag is not None and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", dated):
        raise ValueError(f"CHANGELOG.md dates {version} {dated!r}: write the day of the release, such as 2026-11-30")
    if "**Still loads:**" not in text:
        raise ValueError(f"CHANGELOG.md does not say what of earlier releases still loads: add that line to {version}")
    return text.strip()


if __name__ == "__main__":
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    try:
        print(notes(changelog, version, tag=sys.argv[1] if len(sys.argv) > 1 else None))
    except ValueError as error:
        sys.exit(str(error))
