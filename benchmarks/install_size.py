"""What an installation brings: packages and megabytes of the base and of each extra, by the installed files.

    python -m benchmarks.install_size
    git show v0.1.0:pyproject.toml > old.toml && python -m benchmarks.install_size --pyproject old.toml

Counts what is installed in this environment, torch in the build that is there; packages that are not are named. An
installer also brings what the packaged encoder's weights ask for and nothing imports (the line `unused`).
"""

import argparse
import re
import tomllib
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import NamedTuple

from tests.base_install import closure, normal

_OURS = "memento-langgraph"


class Size(NamedTuple):
    """Of several packages."""

    n_packages: int
    megabytes: float
    absent: list[str]


def main() -> None:
    """Print a line for the base and for each extra."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pyproject", type=Path, default=Path("pyproject.toml"))
    project = tomllib.loads(parser.parse_args().pyproject.read_text(encoding="utf-8"))["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    installed = {normal(one.metadata["Name"]): one for one in distributions()}
    base = project["dependencies"]
    unused = _size(closure(base, with_unused=True) - closure(base), installed)
    print(f"{'unused':12} {unused.n_packages:4} packages {unused.megabytes:7.0f} MB")
    for name in ("", *extras):
        size = _size(closure([*base, *_expanded(name, extras)]) - {_OURS}, installed)
        absent = f"  (not installed here: {', '.join(size.absent)})" if size.absent else ""
        print(f"{name or 'base':12} {size.n_packages:4} packages {size.megabytes:7.0f} MB{absent}")


def _expanded(name: str, extras: dict[str, list[str]]) -> list[str]:
    """An extra's requirements, with those of the extras of ours that it names."""
    requirements = []
    for text in extras.get(name, []):
        ours = re.fullmatch(rf"{_OURS}\[(.*)\]", text)
        requirements += [one for other in ours[1].split(",") for one in _expanded(other, extras)] if ours else [text]
    return requirements


def _size(names: set[str], installed: dict[str, Distribution]) -> Size:
    there = [installed[name] for name in names if name in installed]
    n_bytes = sum(_file_bytes(one) for one in there)
    return Size(len(names), n_bytes / 1e6, sorted(names - set(installed)))


def _file_bytes(distribution: Distribution) -> int:
    paths = [Path(str(distribution.locate_file(file))) for file in distribution.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())


if __name__ == "__main__":
    main()
