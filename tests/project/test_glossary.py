"""The glossary names classes and files that are there, and the first page leads to it."""

import re
from pathlib import Path

from tests.defined_names import ROOT, definitions

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROOMS = ("tools", "nodes", "graph", "integrations", "service", "evals")


def test_classes_of_the_glossary_are_defined_in_the_files_that_it_names() -> None:
    places = definitions()
    named = re.findall(r"`([A-Z][A-Za-z]*[a-z][A-Za-z]*)`\s+in\s+([a-z_0-9/]+\.py)", GLOSSARY)
    assert len(named) > 20
    assert [(name, path) for name, path in named if path not in places.get(name, [])] == []
    others = set(re.findall(r"`([A-Z][A-Za-z]*[a-z][A-Za-z]*)`", GLOSSARY))
    assert {name for name in others if name not in places} == set()


def test_files_of_the_glossary_are_there() -> None:
    files = re.findall(r"\b[a-z_]+/[a-z_0-9/]+\.py", GLOSSARY)
    assert len(files) > 20
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_each_noun_of_the_glossary_has_one_entry() -> None:
    nouns = [noun.lower() for noun in re.findall(r"(?m)^\*\*([^*]+)\*\*", GLOSSARY)]
    assert sorted(set(nouns)) == sorted(nouns)


def test_the_first_page_links_the_glossary() -> None:
    assert "(glossary.md)" in (ROOT / "docs" / "index.md").read_text(encoding="utf-8")


def listed_modules(package: Path) -> list[str]:
    """Modules that a package's docstring lists, one a line."""
    return re.findall(r"(?m)^([a-z_0-9]+\.py) {2,}\S", (package / "__init__.py").read_text(encoding="utf-8"))


def test_packages_that_list_their_modules_list_all_of_them() -> None:
    packages = [path.parent for room in ROOMS for path in sorted((ROOT / room).rglob("__init__.py"))]
    listing = {package: sorted(listed_modules(package)) for package in packages if listed_modules(package)}
    assert len(listing) > 6
    there = {package: sorted(path.name for path in package.glob("[!_]*.py")) for package in listing}
    assert listing == there
